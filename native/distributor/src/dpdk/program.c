#include "program.h"

#include "../../bpf/flow.h"
#include "../log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(DIST_PROGRAM_NAME_BYTES == BPF_OBJ_NAME_LEN, "the kernel's names");

/*
 * The number of the program that was attached last, for those who may not ask the kernel for its name (that needs
 * CAP_SYS_ADMIN). Numbers are not given twice before the next start of the machine, and this directory does not outlive
 * that either.
 */
static void record_path(const char *interface, char *path, size_t bytes)
{
	const char *directory = getenv("RUNTIME_DIRECTORY");
	struct stat network = {0};

	if (!directory || !*directory)
		directory = getenv("XDG_RUNTIME_DIR");
	if (!directory || !*directory)
		directory = "/run";
	/* systemd may name several, with colons between; interfaces of different network namespaces may have one name. */
	stat("/proc/self/ns/net", &network);
	snprintf(path, bytes, "%.*s/penstock-steer-%lu-%s", (int)strcspn(directory, ":"), directory,
		 (unsigned long)network.st_ino, interface);
}

static uint32_t record_read(const char *interface)
{
	char path[512];
	unsigned id = 0;
	FILE *file;

	record_path(interface, path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &id) != 1)
		id = 0;
	fclose(file);
	return id;
}

void dist_program_record(const char *interface, uint32_t id)
{
	char path[512];
	FILE *file;

	record_path(interface, path, sizeof(path));
	if (id == 0) {
		unlink(path);
		return;
	}
	file = fopen(path, "we");
	if (!file) {
		dist_log(DIST_LOG_DEBUG, "steering.record", "%s cannot be written: %s", path, strerror(errno));
		return;
	}
	fprintf(file, "%u\n", id);
	fclose(file);
}

uint32_t dist_program_attached(int interface_index)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(interface_index, 0, &query) < 0)
		return 0;
	return query.prog_id ? query.prog_id : query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
}

bool dist_program_is_ours(const char *interface, uint32_t id, char name[DIST_PROGRAM_NAME_BYTES])
{
	struct bpf_prog_info info = {0};
	uint32_t maps[8] = {0};
	uint32_t bytes = sizeof(info);
	bool ours = false;
	int program = bpf_prog_get_fd_by_id(id);

	strcpy(name, "?");
	if (program < 0)
		return record_read(interface) == id;
	info.nr_map_ids = sizeof(maps) / sizeof(maps[0]);
	info.map_ids = (uint64_t)(uintptr_t)maps;
	if (bpf_obj_get_info_by_fd(program, &info, &bytes) == 0) {
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
		for (uint32_t i = 0; i < info.nr_map_ids && i < 8 && strcmp(name, FLOW_PROGRAM_STEER) == 0; i++) {
			struct bpf_map_info map = {0};
			uint32_t map_bytes = sizeof(map);
			int descriptor = bpf_map_get_fd_by_id(maps[i]);

			if (descriptor < 0)
				continue;
			if (bpf_obj_get_info_by_fd(descriptor, &map, &map_bytes) == 0)
				ours |= strcmp(map.name, FLOW_MAP_KEYS) == 0;
			close(descriptor);
		}
	}
	close(program);
	return ours;
}
