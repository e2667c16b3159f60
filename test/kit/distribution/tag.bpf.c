/*
 * Tags what goes to UDP ports 5100 to 5199 with VLAN 100, at a port's egress: for kernels that have no VLAN devices.
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 5100
#define LAST_PORT 5199
#define VLAN 100

SEC("tc")
int tag(struct __sk_buff *packet)
{
	__u8 first = 0, protocol = 0;
	__be16 port = 0;

	if (packet->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_skb_load_bytes(packet, ETH_HLEN, &first, sizeof(first));
	bpf_skb_load_bytes(packet, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, sizeof(protocol));
	bpf_skb_load_bytes(packet, ETH_HLEN + sizeof(struct iphdr) + offsetof(struct udphdr, dest), &port, sizeof(port));
	if (first != 0x45 || protocol != 17 || bpf_ntohs(port) < FIRST_PORT || bpf_ntohs(port) > LAST_PORT)
		return TC_ACT_OK;
	bpf_skb_vlan_push(packet, bpf_htons(ETH_P_8021Q), VLAN);
	return TC_ACT_OK;
}

char program_license[] SEC("license") = "Apache-2.0";
