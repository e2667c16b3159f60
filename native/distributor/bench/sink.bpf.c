/*
 * The receivers of the benchmark, all in one: counts the publisher's packets where they come in, and drops them there.
 * A filter at the ingress hook of tc costs the same for every contender, some tens of nanoseconds; sockets that read
 * would cost more than what is measured.
 */
#include "stamp.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_counts);
} counts SEC(".maps");

SEC("tc")
int sink(struct __sk_buff *packet)
{
	struct bench_stamp stamp;
	struct bench_counts *mine;
	__u64 made_ns, delay;
	__u32 zero = 0;

	if (bpf_skb_load_bytes(packet, BENCH_STAMP_OFFSET, &stamp, sizeof(stamp)) < 0 || stamp.magic != BENCH_MAGIC)
		return TC_ACT_UNSPEC;
	mine = bpf_map_lookup_elem(&counts, &zero);
	if (!mine)
		return TC_ACT_UNSPEC;
	made_ns = (__u64)stamp.made_ns_high << 32 | stamp.made_ns_low;
	delay = (bpf_ktime_get_ns() - made_ns) / 1000;
	if (delay >= BENCH_FINE_DELAYS)
		delay = BENCH_FINE_DELAYS + (delay - BENCH_FINE_DELAYS) / BENCH_COARSE_US;
	if (delay >= BENCH_DELAYS)
		delay = BENCH_DELAYS - 1;
	mine->packets++;
	mine->bytes += packet->len;
	if (packet->gso_segs > 1)
		mine->joined++;
	mine->delays[delay]++;
	return TC_ACT_SHOT;
}

char program_license[] SEC("license") = "Apache-2.0";
