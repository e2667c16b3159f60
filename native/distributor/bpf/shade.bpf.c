/*
 * Steering for AF_PACKET: the engine reads a tap that sees every packet, so the kernel must not see media too.
 *
 * A filter at the ingress hook runs after the taps: it drops media packets of the table there. Nothing takes
 * the filter away when the engine is killed, so it works only while its guard runs: the engine moves the guard
 * on several times a second, and when that stops, media goes up to the kernel again.
 */
#include "flow.bpf.h"

#include <linux/pkt_cls.h>
#include <stddef.h>

/* The time up to which the filter works, in nanoseconds of CLOCK_MONOTONIC. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} media_guard SEC(".maps");

/* Everything but UDP is left as it is: pulling the pages of a large TCP packet together costs more than all the rest. */
static __always_inline int may_be_media(struct __sk_buff *packet)
{
	__u32 offset = ETH_HLEN;
	__u8 protocol = 0;

	switch (packet->protocol) {
	case bpf_htons(ETH_P_8021Q):
		return 1;
	case bpf_htons(ETH_P_IP):
		offset += offsetof(struct iphdr, protocol);
		break;
	case bpf_htons(ETH_P_IPV6):
		offset += offsetof(struct ipv6hdr, nexthdr);
		break;
	default:
		return 0;
	}
	/* A fragment's header of IPv6 stands in UDP's place, and is counted. */
	return bpf_skb_load_bytes(packet, offset, &protocol, sizeof(protocol)) == 0 &&
	       (protocol == IPPROTO_UDP || protocol == IPPROTO_FRAGMENT);
}

SEC("tc")
int shade(struct __sk_buff *packet)
{
	__be16 vlan = packet->vlan_present ? bpf_htons(packet->vlan_tci & FLOW_VLAN_ID) : 0;
	__u32 length = packet->len;
	__u32 zero = 0;
	__u64 *until;

	if (!may_be_media(packet))
		return TC_ACT_UNSPEC;
	/* All of it: an MPEG-TS packet starts every 188 bytes, and pages are not readable here. */
	bpf_skb_pull_data(packet, length);
	if (!flow_taken((void *)(long)packet->data, (void *)(long)packet->data_end, length, vlan))
		return TC_ACT_UNSPEC;
	until = bpf_map_lookup_elem(&media_guard, &zero);
	if (!until || bpf_ktime_get_ns() > *until) {
		flow_count(FLOW_COUNT_UNGUARDED);
		return TC_ACT_UNSPEC;
	}
	flow_count(FLOW_COUNT_TAKEN);
	return TC_ACT_SHOT;
}

char program_license[] SEC("license") = "Apache-2.0";
