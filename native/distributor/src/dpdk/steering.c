#include "steering.h"

#include "../clock.h"
#include "../log.h"
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Where `shade` stands among the filters of the port, so that it is found again: a number that nobody else would choose. */
#define SHADE_PRIORITY 0x9e57
#define SHADE_HANDLE 1

void dist_steering_init(struct dist_steering *steering)
{
	*steering = (struct dist_steering){.claim = -1, .keys = -1, .counts = -1, .guard = -1};
}

/*
 * A socket in the abstract name space: it belongs to the network namespace, as the port does, and the kernel takes the
 * name back when the process ends, however it ends.
 */
bool dist_steering_claim(struct dist_steering *steering, const char *interface, struct dist_error *error)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "penstock-distributor/port/%s", interface);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);

	steering->interface_index = (int)if_nametoindex(interface);
	if (steering->interface_index == 0)
		return dist_error_set(error, "PORT_MISSING", "there is no interface \"%s\" here; `ip link` lists them",
				      interface);
	snprintf(steering->interface, sizeof(steering->interface), "%s", interface);
	steering->claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (steering->claim >= 0 && bind(steering->claim, (struct sockaddr *)&name, bytes) == 0)
		return true;
	if (errno == EADDRINUSE)
		return dist_error_set(error, "PORT_BUSY",
				      "another distributor has the interface \"%s\"; stop it, or give this one another port",
				      interface);
	return dist_error_set(error, "PORT_BUSY", "the interface \"%s\" cannot be claimed: %s", interface,
			      strerror(errno));
}

static void shade_place(const struct dist_steering *steering, struct bpf_tc_hook *hook, struct bpf_tc_opts *filter)
{
	*hook = (struct bpf_tc_hook){
		.sz = sizeof(*hook), .ifindex = steering->interface_index, .attach_point = BPF_TC_INGRESS};
	*filter = (struct bpf_tc_opts){.sz = sizeof(*filter), .handle = SHADE_HANDLE, .priority = SHADE_PRIORITY};
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void remove_shade(struct dist_steering *steering)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
	libbpf_print_fn_t print = libbpf_set_print(quiet);

	shade_place(steering, &hook, &filter);
	bpf_tc_detach(&hook, &filter);
	/* The hook is a queueing discipline that others may use as well. */
	if (steering->hook_is_ours) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	libbpf_set_print(print);
}

bool dist_steering_remove_stale(struct dist_steering *steering, struct dist_error *error)
{
	char name[DIST_PROGRAM_NAME_BYTES];
	uint32_t id = dist_program_attached(steering->interface_index);
	int code;

	remove_shade(steering);
	if (id == 0)
		return true;
	if (!dist_program_is_ours(steering->interface, id, name))
		return dist_error_set(error, "PORT_BUSY",
				      "the interface \"%s\" has an XDP program already (\"%s\", number %u) that is not this "
				      "distributor's; take it off with `ip link set %s xdp off` if nobody needs it",
				      steering->interface, name, id, steering->interface);
	code = bpf_xdp_detach(steering->interface_index, 0, NULL);
	if (code < 0)
		return dist_error_set(error, "PORT_BUSY",
				      "the XDP program that a killed distributor left on \"%s\" cannot be taken off: %s; "
				      "`ip link set %s xdp off` does it by hand",
				      steering->interface, strerror(-code), steering->interface);
	dist_log(DIST_LOG_INFO, "steering.stale", "took the XDP program of a distributor that was killed off %s",
		 steering->interface);
	return true;
}

/*
 * A second descriptor of the map with this name. The driver has loaded the program in this process and keeps its maps
 * open, but tells nobody: so they are looked for among our own descriptors, which needs no right at all.
 */
static int own_map(const char *name)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	while (directory && found < 0 && (entry = readdir(directory))) {
		struct bpf_map_info info = {0};
		uint32_t bytes = sizeof(info);
		char target[64];
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = 0;
		if (!strstr(target, "bpf-map"))
			continue;
		if (bpf_obj_get_info_by_fd(atoi(entry->d_name), &info, &bytes) == 0 && strcmp(info.name, name) == 0)
			found = fcntl(atoi(entry->d_name), F_DUPFD_CLOEXEC, 0);
	}
	if (directory)
		closedir(directory);
	return found;
}

bool dist_steering_open_steer(struct dist_steering *steering, struct dist_error *error)
{
	uint32_t id = dist_program_attached(steering->interface_index);

	steering->keys = own_map(FLOW_MAP_KEYS);
	steering->counts = own_map(FLOW_MAP_COUNTS);
	if (id == 0 || steering->keys < 0 || steering->counts < 0)
		return dist_error_set(error, "PROGRAM_UNFIT",
				      "the driver has attached no program with the maps \"%s\" and \"%s\" to \"%s\"; is the "
				      "program the one that was built with this distributor?",
				      FLOW_MAP_KEYS, FLOW_MAP_COUNTS, steering->interface);
	dist_program_record(steering->interface, id);
	steering->kind = DIST_STEERING_STEER;
	return true;
}

bool dist_steering_open_shade(struct dist_steering *steering, const char *path, struct dist_error *error)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
	struct bpf_program *program;
	libbpf_print_fn_t print;
	int code;

	steering->object = bpf_object__open_file(path, NULL);
	if (!steering->object)
		return dist_error_set(error, "PROGRAM_MISSING", "the program %s cannot be opened: %s", path,
				      strerror(errno));
	code = bpf_object__load(steering->object);
	program = bpf_object__find_program_by_name(steering->object, FLOW_PROGRAM_SHADE);
	if (code < 0 || !program)
		return dist_error_set(error, code == -EPERM || code == -EACCES ? "NOT_PERMITTED" : "PROGRAM_UNFIT",
				      "the kernel does not take the program %s: %s; it needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN", path,
				      strerror(-code));
	steering->keys = fcntl(bpf_object__find_map_fd_by_name(steering->object, FLOW_MAP_KEYS), F_DUPFD_CLOEXEC, 0);
	steering->counts = fcntl(bpf_object__find_map_fd_by_name(steering->object, FLOW_MAP_COUNTS), F_DUPFD_CLOEXEC, 0);
	steering->guard = fcntl(bpf_object__find_map_fd_by_name(steering->object, FLOW_MAP_GUARD), F_DUPFD_CLOEXEC, 0);
	if (steering->keys < 0 || steering->counts < 0 || steering->guard < 0)
		return dist_error_set(error, "PROGRAM_UNFIT", "the program %s lacks a map", path);

	shade_place(steering, &hook, &filter);
	print = libbpf_set_print(quiet);
	code = bpf_tc_hook_create(&hook);
	libbpf_set_print(print);
	if (code < 0 && code != -EEXIST)
		return dist_error_set(error, code == -EPERM ? "NOT_PERMITTED" : "PROGRAM_UNFIT",
				      "\"%s\" takes no ingress hook: %s; it needs CAP_NET_ADMIN", steering->interface,
				      strerror(-code));
	steering->hook_is_ours = code == 0;
	filter.prog_fd = bpf_program__fd(program);
	filter.flags = BPF_TC_F_REPLACE;
	code = bpf_tc_attach(&hook, &filter);
	if (code < 0)
		return dist_error_set(error, "PROGRAM_UNFIT", "\"%s\" takes no filter: %s", steering->interface,
				      strerror(-code));
	steering->kind = DIST_STEERING_SHADE;
	dist_steering_keep(steering, dist_clock_now_ns());
	return true;
}

_Static_assert(sizeof(struct flow_key) == sizeof(struct dist_flow_key), "a flow has one key in the kernel and here");
_Static_assert(FLOW_MEDIA_RTP == DIST_MEDIA_BIT(DIST_MEDIA_RTP) && FLOW_MEDIA_RTCP == DIST_MEDIA_BIT(DIST_MEDIA_RTCP) &&
		       FLOW_MEDIA_TS == DIST_MEDIA_BIT(DIST_MEDIA_TS),
	       "a set of media has one form in the kernel and here");

bool dist_steering_add(struct dist_steering *steering, const struct dist_flow_key *key, uint8_t media,
		       struct dist_error *error)
{
	struct flow_value value = {.media = media};
	int code;

	if (steering->kind == DIST_STEERING_NONE)
		return true;
	code = bpf_map_update_elem(steering->keys, key, &value, BPF_ANY);
	if (code < 0)
		return dist_error_set(error, "ENGINE_FAILED", "the kernel takes no more flows on \"%s\": %s",
				      steering->interface, strerror(-code));
	return true;
}

void dist_steering_remove(struct dist_steering *steering, const struct dist_flow_key *key)
{
	if (steering->kind != DIST_STEERING_NONE)
		bpf_map_delete_elem(steering->keys, key);
}

void dist_steering_remove_all(struct dist_steering *steering)
{
	struct flow_key flow;

	if (steering->kind == DIST_STEERING_NONE)
		return;
	while (bpf_map_get_next_key(steering->keys, NULL, &flow) == 0)
		if (bpf_map_delete_elem(steering->keys, &flow) < 0)
			break;
}

void dist_steering_keep(struct dist_steering *steering, uint64_t now_ns)
{
	uint64_t until = now_ns + DIST_STEERING_GUARD_MS * DIST_NS_PER_MS;
	uint32_t zero = 0;

	if (steering->kind == DIST_STEERING_SHADE)
		bpf_map_update_elem(steering->guard, &zero, &until, BPF_ANY);
}

bool dist_steering_counts(const struct dist_steering *steering, uint64_t counts[FLOW_COUNTS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;

	memset(counts, 0, FLOW_COUNTS * sizeof(*counts));
	if (steering->kind == DIST_STEERING_NONE || !each) {
		free(each);
		return false;
	}
	for (uint32_t which = 0; which < FLOW_COUNTS; which++)
		if (bpf_map_lookup_elem(steering->counts, &which, each) == 0)
			for (int cpu = 0; cpu < cpus; cpu++)
				counts[which] += each[cpu];
	free(each);
	return true;
}

static void set(dist_counter *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

void dist_steering_count(const struct dist_steering *steering, struct dist_worker_stats *kernel)
{
	static const struct {
		enum flow_count count;
		enum dist_drop_reason reason;
	} reasons[] = {
		{FLOW_COUNT_NO_MEDIA, DIST_DROP_NO_MEDIA},     {FLOW_COUNT_WRONG_MEDIA, DIST_DROP_WRONG_MEDIA},
		{FLOW_COUNT_FRAGMENT, DIST_DROP_FRAGMENT},     {FLOW_COUNT_IP_OPTIONS, DIST_DROP_IP_OPTIONS},
		{FLOW_COUNT_IP_HEADER, DIST_DROP_IP_HEADER},   {FLOW_COUNT_UDP_LENGTH, DIST_DROP_UDP_LENGTH},
	};
	uint64_t counts[FLOW_COUNTS];
	uint64_t passed;

	if (steering->kind != DIST_STEERING_STEER || !dist_steering_counts(steering, counts))
		return;
	passed = counts[FLOW_COUNT_UNGUARDED];
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		set(&kernel->drops[reasons[i].reason], counts[reasons[i].count]);
		passed += counts[reasons[i].count];
	}
	set(&kernel->passed, passed);
}

static void close_descriptor(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

void dist_steering_close(struct dist_steering *steering)
{
	if (steering->kind == DIST_STEERING_SHADE)
		remove_shade(steering);
	if (steering->kind == DIST_STEERING_STEER)
		dist_program_record(steering->interface, 0);
	if (steering->object)
		bpf_object__close(steering->object);
	steering->object = NULL;
	steering->kind = DIST_STEERING_NONE;
	close_descriptor(&steering->keys);
	close_descriptor(&steering->counts);
	close_descriptor(&steering->guard);
	/* Last: whoever gets the port now finds it clean. */
	close_descriptor(&steering->claim);
}
