#include "frame.h"

#include <net/ethernet.h>

#define DONT_FRAGMENT 0x4000

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static uint8_t *put_ethernet(uint8_t *at, const struct dist_receiver_spec *spec, const struct dist_link *link, bool is_v4)
{
	at = put_bytes(at, link->destination_mac, sizeof(link->destination_mac));
	at = put_bytes(at, link->source_mac, sizeof(link->source_mac));
	if (spec->vlan != DIST_VLAN_NONE)
		at = put_u16(put_u16(at, ETHERTYPE_VLAN), spec->vlan);
	return put_u16(at, is_v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
}

static uint8_t *put_ipv4(uint8_t *at, const struct dist_receiver_spec *spec, const struct dist_link *link)
{
	*at++ = 0x45;
	*at++ = (uint8_t)(spec->dscp << 2);
	at = put_u16(at, 0); /* total length */
	at = put_u16(at, 0); /* identification */
	at = put_u16(at, DONT_FRAGMENT);
	*at++ = spec->ttl;
	*at++ = IPPROTO_UDP;
	at = put_u16(at, 0); /* checksum */
	at = put_bytes(at, link->source.bytes + 12, 4);
	return put_bytes(at, spec->address.bytes + 12, 4);
}

static uint8_t *put_ipv6(uint8_t *at, const struct dist_receiver_spec *spec, const struct dist_link *link)
{
	at = put_u16(at, (uint16_t)(0x6000 | spec->dscp << 6));
	at = put_u16(at, 0); /* flow label */
	at = put_u16(at, 0); /* payload length */
	*at++ = IPPROTO_UDP;
	*at++ = spec->ttl;
	at = put_bytes(at, link->source.bytes, 16);
	return put_bytes(at, spec->address.bytes, 16);
}

void dist_frame_template(struct dist_receiver *receiver, const struct dist_receiver_spec *spec,
			 const struct dist_link *link, uint16_t rule_port)
{
	bool is_v4 = dist_address_is_v4(&spec->address);
	uint16_t headers = (uint16_t)((is_v4 ? DIST_IPV4_BYTES : DIST_IPV6_BYTES) + DIST_UDP_BYTES);

	memset(receiver->header, 0, sizeof(receiver->header));
	uint8_t *ip = put_ethernet(receiver->header, spec, link, is_v4);
	uint8_t *udp = is_v4 ? put_ipv4(ip, spec, link) : put_ipv6(ip, spec, link);
	put_u16(put_u16(udp, spec->source_port != 0 ? spec->source_port : rule_port), spec->port);

	receiver->is_v4 = is_v4;
	receiver->ip_offset = (uint8_t)(ip - receiver->header);
	receiver->header_length = (uint8_t)(udp + DIST_UDP_BYTES - receiver->header);
	receiver->max_payload = link->mtu > headers ? (uint16_t)(link->mtu - headers) : 0;
	receiver->ip_sum = is_v4 ? dist_checksum_add(0, ip, DIST_IPV4_BYTES) : 0;
	receiver->udp_sum = htons(IPPROTO_UDP);
	receiver->udp_sum = is_v4 ? dist_checksum_add(receiver->udp_sum, ip + 12, 8)
				  : dist_checksum_add(receiver->udp_sum, ip + 8, 32);
	receiver->udp_sum = dist_checksum_add(receiver->udp_sum, udp, 4);
}
