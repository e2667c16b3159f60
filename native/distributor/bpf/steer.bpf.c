/*
 * Steering for AF_XDP: media packets of the table go to the engine's sockets, everything else to the kernel.
 *
 * `xsks_map` has to bear that name: the DPDK driver looks for it and puts its socket of each queue there. When
 * the engine dies, its sockets leave the map by themselves and the redirect falls back to XDP_PASS: media goes
 * up to the kernel from the next packet on, where a sockets engine may take it.
 */
#include "flow.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, FLOW_QUEUE_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

SEC("xdp")
int steer(struct xdp_md *context)
{
	void *data = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	long action;

	if (!flow_taken(data, end, end - data, 0))
		return XDP_PASS;
	action = bpf_redirect_map(&xsks_map, context->rx_queue_index, XDP_PASS);
	flow_count(action == XDP_REDIRECT ? FLOW_COUNT_TAKEN : FLOW_COUNT_UNGUARDED);
	return action;
}

char program_license[] SEC("license") = "Apache-2.0";
