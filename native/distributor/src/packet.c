#include "packet.h"

#include "checksum.h"

#include <arpa/inet.h>
#include <net/ethernet.h>

#define ETHERNET_BYTES 14
#define TAG_BYTES 4
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES 8

#define TYPE_SERVICE_TAG 0x88a8
#define TYPE_OLD_DOUBLE_TAG 0x9100
#define VLAN_ID_MASK 0x0fff

#define IPV4_FRAGMENT_MASK 0x3fff /* more fragments, or an offset */

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_tag(uint16_t ether_type)
{
	return ether_type == ETHERTYPE_VLAN || ether_type == TYPE_SERVICE_TAG || ether_type == TYPE_OLD_DOUBLE_TAG;
}

/* IPv6 headers that stand between the IP header and UDP (RFC 7045), without the fragment's. */
static bool is_extension(uint8_t next_header)
{
	switch (next_header) {
	case 0:   /* hop-by-hop options */
	case 43:  /* routing */
	case 50:  /* encapsulating security payload */
	case 51:  /* authentication */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* host identity */
	case 140: /* shim6 */
		return true;
	default:
		return false;
	}
}

/* `length` bytes can be read from `ip` on, at least 20. Fills all but what UDP says. */
static enum dist_drop_reason parse_ipv4(const uint8_t *ip, size_t length, struct dist_packet *packet,
					uint16_t *ip_payload_length)
{
	size_t header_length = (size_t)(ip[0] & 0x0f) * 4;
	uint16_t total_length = read_u16(ip + 2);

	if (ip[0] >> 4 != 4 || header_length < IPV4_BYTES || total_length > length || total_length < header_length)
		return DIST_DROP_IP_HEADER;
	if (header_length > IPV4_BYTES)
		return DIST_DROP_IP_OPTIONS;
	if (dist_checksum_fold(dist_checksum_add(0, ip, IPV4_BYTES)) != 0xffff)
		return DIST_DROP_IP_CHECKSUM;
	if ((read_u16(ip + 6) & IPV4_FRAGMENT_MASK) != 0)
		return DIST_DROP_FRAGMENT;
	if (ip[9] != IPPROTO_UDP)
		return DIST_DROP_NOT_UDP;
	packet->ip_version = 4;
	packet->traffic_class = ip[1];
	packet->ttl = ip[8];
	packet->source = dist_address_from_v4(ip + 12);
	packet->destination = dist_address_from_v4(ip + 16);
	packet->udp_offset = (uint16_t)(packet->ip_offset + IPV4_BYTES);
	*ip_payload_length = (uint16_t)(total_length - IPV4_BYTES);
	return DIST_DROP_NONE;
}

/* The same, for at least 40 bytes. A payload length of 0 would be a jumbogram's. */
static enum dist_drop_reason parse_ipv6(const uint8_t *ip, size_t length, struct dist_packet *packet,
					uint16_t *ip_payload_length)
{
	uint16_t payload_length = read_u16(ip + 4);
	uint8_t next_header = ip[6];

	if (ip[0] >> 4 != 6 || payload_length == 0 || payload_length > length - IPV6_BYTES)
		return DIST_DROP_IP_HEADER;
	if (next_header == IPPROTO_FRAGMENT)
		return DIST_DROP_FRAGMENT;
	if (is_extension(next_header))
		return DIST_DROP_IP_EXTENSION;
	if (next_header != IPPROTO_UDP)
		return DIST_DROP_NOT_UDP;
	packet->ip_version = 6;
	packet->traffic_class = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	packet->ttl = ip[7];
	packet->source = dist_address_from_v6(ip + 8);
	packet->destination = dist_address_from_v6(ip + 24);
	packet->udp_offset = (uint16_t)(packet->ip_offset + IPV6_BYTES);
	*ip_payload_length = payload_length;
	return DIST_DROP_NONE;
}

/* `length` bytes can be read from `udp` on: all of the IP payload. */
static enum dist_drop_reason parse_udp(const uint8_t *udp, uint16_t length, struct dist_packet *packet)
{
	if (length < UDP_BYTES || read_u16(udp + 4) != length)
		return DIST_DROP_UDP_LENGTH;
	packet->source_port = read_u16(udp);
	packet->destination_port = read_u16(udp + 2);
	memcpy(&packet->udp_checksum, udp + 6, 2);
	packet->payload = udp + UDP_BYTES;
	packet->payload_length = (uint16_t)(length - UDP_BYTES);
	return DIST_DROP_NONE;
}

enum dist_drop_reason dist_packet_parse(const uint8_t *frame, size_t length, struct dist_packet *packet)
{
	size_t offset = ETHERNET_BYTES;
	uint16_t ip_payload_length = 0;
	enum dist_drop_reason reason;

	if (length < ETHERNET_BYTES)
		return DIST_DROP_SHORT_FRAME;
	uint16_t ether_type = read_u16(frame + 12);
	packet->frame = frame;
	packet->vlan = DIST_VLAN_NONE;
	if (ether_type == ETHERTYPE_VLAN) {
		if (length < ETHERNET_BYTES + TAG_BYTES)
			return DIST_DROP_SHORT_FRAME;
		packet->vlan = read_u16(frame + 14) & VLAN_ID_MASK;
		ether_type = read_u16(frame + 16);
		offset += TAG_BYTES;
	}
	if (is_tag(ether_type))
		return DIST_DROP_NESTED_VLAN;
	packet->ip_offset = (uint16_t)offset;

	switch (ether_type) {
	case ETHERTYPE_IP:
		if (length - offset < IPV4_BYTES)
			return DIST_DROP_SHORT_FRAME;
		reason = parse_ipv4(frame + offset, length - offset, packet, &ip_payload_length);
		break;
	case ETHERTYPE_IPV6:
		if (length - offset < IPV6_BYTES)
			return DIST_DROP_SHORT_FRAME;
		reason = parse_ipv6(frame + offset, length - offset, packet, &ip_payload_length);
		break;
	default:
		return DIST_DROP_ETHERTYPE;
	}
	if (reason != DIST_DROP_NONE)
		return reason;
	return parse_udp(frame + packet->udp_offset, ip_payload_length, packet);
}

bool dist_packet_checksum_right(const struct dist_packet *packet, uint32_t payload_sum)
{
	if (packet->udp_checksum == 0)
		return packet->ip_version == 4;

	const uint8_t *ip = packet->frame + packet->ip_offset;
	const uint8_t *udp = packet->frame + packet->udp_offset;
	uint16_t length_be = htons((uint16_t)(packet->payload_length + UDP_BYTES));
	uint32_t pseudo = packet->ip_version == 4 ? dist_checksum_add(0, ip + 12, 8) : dist_checksum_add(0, ip + 8, 32);
	pseudo += (uint32_t)length_be + htons(IPPROTO_UDP);

	uint32_t whole = dist_checksum_add(pseudo, udp, UDP_BYTES) + dist_checksum_fold(payload_sum);
	return dist_checksum_fold(whole) == 0xffff || dist_checksum_fold(pseudo) == packet->udp_checksum;
}
