/*
 * penstock-bench-sink: attaches the sink to an interface, and tells what has come.
 *
 *   penstock-bench-sink INTERFACE PROGRAM
 *
 * Says `ready`; then for each line `N` on stdin one JSON line with `"take": N` and what came since the beginning, which
 * a line `N begin` makes anew. It ends, and takes the program off, when stdin does.
 */
#include "stamp.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static struct bench_counts before, now;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "penstock-bench-sink: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* Sums up over the CPUs. `each` has room for all of them. */
static void read_counts(int map, struct bench_counts *each, int cpus, struct bench_counts *sum)
{
	__u32 zero = 0;

	memset(sum, 0, sizeof(*sum));
	if (bpf_map_lookup_elem(map, &zero, each) < 0)
		fail("the counts cannot be read");
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum->packets += each[cpu].packets;
		sum->bytes += each[cpu].bytes;
		sum->joined += each[cpu].joined;
		for (unsigned i = 0; i < BENCH_DELAYS; i++)
			sum->delays[i] += each[cpu].delays[i];
	}
}

/* The middle of a place, in microseconds. */
static double middle(unsigned place)
{
	if (place < BENCH_FINE_DELAYS)
		return place + 0.5;
	return BENCH_FINE_DELAYS + (place - BENCH_FINE_DELAYS + 0.5) * BENCH_COARSE_US;
}

/* The place below which `share` of the packets since the beginning were. */
static double quantile(double share)
{
	__u64 wanted = (__u64)((double)(now.packets - before.packets) * share), seen = 0;

	for (unsigned i = 0; i < BENCH_DELAYS; i++) {
		seen += now.delays[i] - before.delays[i];
		if (seen > wanted)
			return middle(i);
	}
	return middle(BENCH_DELAYS - 1);
}

static void answer(const char *take)
{
	printf("{\"take\":%ld,\"packets\":%llu,\"bytes\":%llu,\"joined\":%llu,\"p50Us\":%.1f,\"p99Us\":%.1f}\n",
	       strtol(take, NULL, 10), now.packets - before.packets, now.bytes - before.bytes, now.joined - before.joined,
	       quantile(0.5), quantile(0.99));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bench_counts *each;
	char line[32];
	int map, cpus = libbpf_num_possible_cpus();

	if (argc != 3 || cpus < 1) {
		fputs("usage: penstock-bench-sink INTERFACE PROGRAM\n", stderr);
		return 2;
	}
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(argv[1]), .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options);

	if (hook.ifindex == 0)
		fail(argv[1]);
	object = bpf_object__open_file(argv[2], NULL);
	if (!object || bpf_object__load(object) < 0)
		fail(argv[2]);
	program = bpf_object__find_program_by_name(object, "sink");
	map = bpf_object__find_map_fd_by_name(object, "counts");
	each = calloc((size_t)cpus, sizeof(*each));
	if (!program || map < 0 || !each)
		fail("the program lacks a part");
	options.prog_fd = bpf_program__fd(program);
	if (bpf_tc_hook_create(&hook) < 0 || bpf_tc_attach(&hook, &options) < 0)
		fail("the program cannot be attached");
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		read_counts(map, each, cpus, &now);
		answer(line);
		if (strstr(line, "begin"))
			before = now;
	}
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	bpf_tc_hook_destroy(&hook);
	bpf_object__close(object);
	free(each);
	return EXIT_SUCCESS;
}
