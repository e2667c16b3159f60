/**
 * The Internet checksum (RFC 1071) in parts: sums of 16-bit words in memory order, kept in 32 bits, added in any order,
 * folded once. So a payload is summed once per packet and a header template once per rule, and a receiver's checksum is a
 * few additions.
 * A part that is followed by another must have an even length: every header here has.
 */
#ifndef DIST_CHECKSUM_H
#define DIST_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** Adds bytes to a sum. At most 64 KiB in all before a fold, so that 32 bits hold it. An odd last byte counts as padded. */
uint32_t dist_checksum_add(uint32_t sum, const void *bytes, size_t length);

/** The sum in 16 bits, carries added back in. */
static inline uint16_t dist_checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/** What goes into an IPv4 header, in memory order. */
static inline uint16_t dist_checksum_ip(uint32_t sum)
{
	return (uint16_t)~dist_checksum_fold(sum);
}

/** What goes into a UDP header, in memory order: 0 would say "no checksum" and is sent as 0xffff. */
static inline uint16_t dist_checksum_udp(uint32_t sum)
{
	uint16_t checksum = (uint16_t)~dist_checksum_fold(sum);
	return checksum == 0 ? 0xffff : checksum;
}

#endif
