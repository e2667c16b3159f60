/*
 * What the kernel's side of steering and its user side say to each other: keys, values, counters.
 *
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; ports and VLAN identifiers are in network order. Every
 * structure is free of padding, because the kernel compares keys byte by byte.
 */
#ifndef DIST_BPF_FLOW_H
#define DIST_BPF_FLOW_H

#include <linux/types.h>

/* The most media flows that one port can have, and the most RX queues. */
#define FLOW_LIMIT 65536
#define FLOW_QUEUE_LIMIT 64

/* One media flow: where its packets go. `vlan` is 0 for untagged packets. */
struct flow_key {
	__u8 address[16];
	__be16 port;
	__be16 vlan;
};

/* What of a flow is media; the rest of it goes to the kernel. Several may be set. */
enum flow_media {
	FLOW_MEDIA_RTP = 1 << 0,
	FLOW_MEDIA_RTCP = 1 << 1,
	FLOW_MEDIA_TS = 1 << 2,
};

struct flow_value {
	__u32 media;
};

/*
 * Indices of the counters, which are 64 bit and one for each CPU. Only UDP is counted, and of UDP only what is odd or
 * belongs to a flow of the table; the reasons are those of the engine's own reading.
 */
enum flow_count {
	/* Packets taken out of the kernel's way. */
	FLOW_COUNT_TAKEN,
	/* Media that was passed although it is in the table: nobody reads the queue, or the guard has ended. */
	FLOW_COUNT_UNGUARDED,
	/* Passed: */
	FLOW_COUNT_NO_MEDIA,
	FLOW_COUNT_WRONG_MEDIA,
	FLOW_COUNT_FRAGMENT,
	FLOW_COUNT_IP_OPTIONS,
	FLOW_COUNT_IP_HEADER,
	FLOW_COUNT_UDP_LENGTH,
	FLOW_COUNTS,
};

/* The names that the objects bear, by which a later process knows them for ours (15 characters at most). */
#define FLOW_PROGRAM_STEER "steer"
#define FLOW_PROGRAM_SHADE "shade"
#define FLOW_MAP_KEYS "media_keys"
#define FLOW_MAP_COUNTS "media_counts"
#define FLOW_MAP_SOCKETS "xsks_map"
#define FLOW_MAP_GUARD "media_guard"

#endif
