/**
 * A received frame as a view: Ethernet, at most one VLAN tag, IPv4 without options or IPv6 without extension headers,
 * UDP. Reading is a total function over any bytes: it looks at nothing beyond `length`, allocates nothing, takes no
 * lock, and either fills the whole view or names the reason.
 * Invariant of a view: payload + payload_length ≤ frame + length, and the lengths of IP and UDP agree.
 * Not here: what the payload is (classify.h), who gets it (rule_table.h).
 */
#ifndef DIST_PACKET_H
#define DIST_PACKET_H

#include "address.h"
#include "drop_reasons.h"

#include <stddef.h>
#include <stdint.h>

/** No VLAN tag. Tag 0 (a priority tag) counts as none too. */
#define DIST_VLAN_NONE 0

struct dist_packet {
	const uint8_t *frame;       /* the destination MAC address is its first byte */
	const uint8_t *payload;     /* what UDP carries */
	uint16_t payload_length;    /* bytes; 0 is possible */
	uint16_t ip_offset;         /* from the frame's first byte: 14, or 18 behind a tag */
	uint16_t udp_offset;        /* from the frame's first byte */
	uint16_t vlan;              /* 1…4094, or DIST_VLAN_NONE */
	uint16_t source_port;       /* host order */
	uint16_t destination_port;  /* host order */
	uint16_t udp_checksum;      /* as it lies in the packet */
	uint8_t ip_version;         /* 4 or 6 */
	uint8_t ttl;                /* TTL or hop limit */
	uint8_t traffic_class;      /* DSCP and ECN */
	struct dist_address source;
	struct dist_address destination;
};

/** Reads a frame. Bytes behind the IP packet (Ethernet's padding) are no part of it. DIST_DROP_NONE: the view holds. */
enum dist_drop_reason dist_packet_parse(const uint8_t *frame, size_t length, struct dist_packet *packet);

/**
 * Is the UDP checksum right? `payload_sum` is dist_checksum_add(0, payload, payload_length), which sending needs anyway.
 * No checksum is right over IPv4 and wrong over IPv6. A checksum that the sender's kernel left for hardware to complete
 * (as between two ends of a veth) holds the sum of the pseudo-header alone: such a packet never was on a wire and is
 * taken as right.
 */
bool dist_packet_checksum_right(const struct dist_packet *packet, uint32_t payload_sum);

#endif
