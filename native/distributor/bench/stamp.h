/**
 * The stamp that the publisher puts into every packet, behind its RTP header, and that the sink reads: by it the sink
 * knows the benchmark's packets, and how long each was on its way.
 */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <linux/types.h>

#define BENCH_MAGIC 0x50454e53u
/** Ethernet, IPv4 without options, UDP, RTP without anything. */
#define BENCH_ETHERNET_BYTES 14
#define BENCH_IPV4_BYTES 20
#define BENCH_UDP_BYTES 8
#define BENCH_RTP_BYTES 12
#define BENCH_STAMP_OFFSET (BENCH_ETHERNET_BYTES + BENCH_IPV4_BYTES + BENCH_UDP_BYTES + BENCH_RTP_BYTES)

struct bench_stamp {
	__u32 magic;
	/** CLOCK_MONOTONIC just before it was handed to the kernel. In two halves, so that nothing has to be aligned. */
	__u32 made_ns_high;
	__u32 made_ns_low;
};

/**
 * Places in which delays are counted: the first ones for a microsecond each, the others for `BENCH_COARSE_US` each. A
 * longer delay is counted in the last one.
 */
#define BENCH_DELAYS 2048
#define BENCH_FINE_DELAYS 1024
#define BENCH_COARSE_US 64

/** Of each CPU, since the sink was attached. */
struct bench_counts {
	__u64 packets;
	__u64 bytes;
	/** Frames that are several packets still: somebody left the cutting to a device that does not cut. */
	__u64 joined;
	__u64 delays[BENCH_DELAYS];
};

#endif
