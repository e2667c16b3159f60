/*
 * The parser and the maps that both programs share (steer: XDP, shade: traffic control).
 *
 * Only what is surely a media packet of the table is taken. Whatever is odd (fragments, options, a second tag,
 * lengths that contradict each other) is the kernel's, which knows how to refuse it.
 */
#ifndef DIST_BPF_FLOW_BPF_H
#define DIST_BPF_FLOW_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flow.h"

#define FLOW_IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define FLOW_VLAN_ID 0x0fff
#define FLOW_TS_PACKET 188
#define FLOW_TS_SYNC 0x47
#define FLOW_TS_LIMIT 48 /* packets in the largest payload that is looked at, 9024 bytes */
#define FLOW_RTP_EXTENSION 0x10
#define FLOW_RTP_HEADER 12
#define FLOW_RTCP_HEADER 8

struct flow_vlan_header {
	__be16 tci;
	__be16 type;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOW_LIMIT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} media_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOW_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} media_counts SEC(".maps");

static __always_inline void flow_count(__u32 which)
{
	__u64 *count = bpf_map_lookup_elem(&media_counts, &which);

	if (count)
		(*count)++;
}

/*
 * The class of a payload as a bit of enum flow_media, 0 where it is no media. The engine's classifier says the
 * same of the same bytes: what is taken here and is no media there would reach nobody.
 */
static __always_inline __u32 flow_class(const __u8 *payload, const void *end, __u32 length)
{
	const __u8 *at = payload;
	__u32 header;

	if ((const void *)(payload + FLOW_RTCP_HEADER) > end || length < FLOW_RTCP_HEADER)
		return 0;
	if (payload[0] == FLOW_TS_SYNC) {
		if (length % FLOW_TS_PACKET != 0 || length > FLOW_TS_LIMIT * FLOW_TS_PACKET)
			return 0;
		for (__u32 packet = 0; packet < FLOW_TS_LIMIT; packet++, at += FLOW_TS_PACKET) {
			if (packet * FLOW_TS_PACKET >= length)
				break;
			if ((const void *)(at + 1) > end || *at != FLOW_TS_SYNC)
				return 0;
		}
		return FLOW_MEDIA_TS;
	}
	if (payload[0] >> 6 != 2)
		return 0;
	/* RFC 5761: 192 to 223 is RTCP, and the same without the top bit is left free by RTP. */
	if (payload[1] >= 192 && payload[1] <= 223)
		return 4 * (((__u32)payload[2] << 8 | payload[3]) + 1) <= length ? FLOW_MEDIA_RTCP : 0;
	if (payload[1] >= 64 && payload[1] <= 95)
		return 0;
	header = FLOW_RTP_HEADER + 4 * (payload[0] & 0x0f);
	if (payload[0] & FLOW_RTP_EXTENSION) {
		const __u8 *extension = payload + header;

		if ((const void *)(extension + 4) > end)
			return 0;
		header += 4 + 4 * ((__u32)extension[2] << 8 | extension[3]);
	}
	return header <= length ? FLOW_MEDIA_RTP : 0;
}

/*
 * Whether the frame is media of the table. `vlan` is the tag that the device or the kernel has taken off
 * already (0: none); `frame_length` counts all bytes of the frame, of which [data, end) can be read.
 */
static __always_inline int flow_taken(void *data, void *end, __u32 frame_length, __be16 vlan)
{
	struct flow_key key = { .vlan = vlan };
	struct ethhdr *ethernet = data;
	void *network = ethernet + 1;
	struct flow_value *value;
	struct udphdr *udp;
	__u32 udp_length, network_length, class;
	__be16 type;

	if (network > end)
		return 0;
	type = ethernet->h_proto;
	if (type == bpf_htons(ETH_P_8021Q)) {
		struct flow_vlan_header *tag = network;

		if ((void *)(tag + 1) > end || vlan)
			return 0;
		key.vlan = tag->tci & bpf_htons(FLOW_VLAN_ID);
		type = tag->type;
		network = tag + 1;
	}
	network_length = frame_length - (__u32)(network - data);

	if (type == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = network;

		if ((void *)(ip + 1) > end || ip->version != 4 || ip->protocol != IPPROTO_UDP)
			return 0;
		if (ip->frag_off & bpf_htons(FLOW_IPV4_FRAGMENT)) {
			flow_count(FLOW_COUNT_FRAGMENT);
			return 0;
		}
		if (ip->ihl != 5) {
			flow_count(FLOW_COUNT_IP_OPTIONS);
			return 0;
		}
		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end)
			return 0;
		udp_length = bpf_ntohs(udp->len);
		if (bpf_ntohs(ip->tot_len) > network_length) {
			flow_count(FLOW_COUNT_IP_HEADER);
			return 0;
		}
		if (bpf_ntohs(ip->tot_len) != sizeof(*ip) + udp_length) {
			flow_count(FLOW_COUNT_UDP_LENGTH);
			return 0;
		}
		key.address[10] = 0xff;
		key.address[11] = 0xff;
		__builtin_memcpy(key.address + 12, &ip->daddr, 4);
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = network;

		if ((void *)(ip + 1) > end || ip->version != 6)
			return 0;
		if (ip->nexthdr == IPPROTO_FRAGMENT)
			flow_count(FLOW_COUNT_FRAGMENT);
		if (ip->nexthdr != IPPROTO_UDP)
			return 0;
		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end)
			return 0;
		udp_length = bpf_ntohs(udp->len);
		if (sizeof(*ip) + bpf_ntohs(ip->payload_len) > network_length) {
			flow_count(FLOW_COUNT_IP_HEADER);
			return 0;
		}
		if (bpf_ntohs(ip->payload_len) != udp_length) {
			flow_count(FLOW_COUNT_UDP_LENGTH);
			return 0;
		}
		__builtin_memcpy(key.address, &ip->daddr, 16);
	} else {
		return 0;
	}

	if (udp_length < sizeof(*udp)) {
		flow_count(FLOW_COUNT_UDP_LENGTH);
		return 0;
	}
	key.port = udp->dest;
	value = bpf_map_lookup_elem(&media_keys, &key);
	if (!value)
		return 0;
	class = flow_class((const __u8 *)(udp + 1), end, udp_length - sizeof(*udp));
	if (!(class & value->media)) {
		flow_count(class ? FLOW_COUNT_WRONG_MEDIA : FLOW_COUNT_NO_MEDIA);
		return 0;
	}
	return 1;
}

#endif
