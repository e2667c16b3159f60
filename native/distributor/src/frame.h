/**
 * Frames out: the template of a receiver's headers is built once, when its rule is; a packet is stamped on it with its
 * length, its IPv4 id and its two checksums. The payload's sum is the caller's, taken once per packet.
 */
#ifndef DIST_FRAME_H
#define DIST_FRAME_H

#include "checksum.h"
#include "rule.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

/** Bytes before the IP header. */
#define DIST_ETHERNET_BYTES 14
#define DIST_VLAN_BYTES 4
#define DIST_IPV4_BYTES 20
#define DIST_IPV6_BYTES 40
#define DIST_UDP_BYTES 8

/**
 * Builds the template and the partial sums of `receiver` from what was asked for and from its link.
 * `rule_port` is sent from where the receiver has no source port of its own.
 */
void dist_frame_template(struct dist_receiver *receiver, const struct dist_receiver_spec *spec,
			 const struct dist_link *link, uint16_t rule_port);

/**
 * Writes the headers of one frame: receiver->header_length bytes to `out`; the payload goes behind. The caller has seen
 * that payload_length ≤ receiver->max_payload. Hot path: no allocation, no lock, no branch but the IP version's.
 * Every packet is whole (don't-fragment is set), so `ip_id` need not be unique (RFC 6864); 0 will do.
 */
static inline void dist_frame_stamp(const struct dist_receiver *receiver, uint16_t payload_length, uint32_t payload_sum,
				    uint16_t ip_id, uint8_t *out)
{
	uint16_t udp_length = (uint16_t)(payload_length + DIST_UDP_BYTES);
	uint16_t udp_length_be = htons(udp_length);
	uint8_t *ip = out + receiver->ip_offset;
	uint8_t *udp = out + receiver->header_length - DIST_UDP_BYTES;

	memcpy(out, receiver->header, receiver->header_length);
	if (receiver->is_v4) {
		uint16_t total_be = htons((uint16_t)(udp_length + DIST_IPV4_BYTES));
		uint16_t id_be = htons(ip_id);
		uint16_t checksum = dist_checksum_ip(receiver->ip_sum + total_be + id_be);
		memcpy(ip + 2, &total_be, 2);
		memcpy(ip + 4, &id_be, 2);
		memcpy(ip + 10, &checksum, 2);
	} else {
		memcpy(ip + 4, &udp_length_be, 2);
	}
	/* The length counts twice: in the pseudo-header and in the UDP header. */
	uint32_t sum = receiver->udp_sum + udp_length_be + udp_length_be + dist_checksum_fold(payload_sum);
	uint16_t checksum = dist_checksum_udp(sum);
	memcpy(udp + 4, &udp_length_be, 2);
	memcpy(udp + 6, &checksum, 2);
}

#endif
