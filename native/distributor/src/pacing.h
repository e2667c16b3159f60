/**
 * A token bucket in one word (the generic cell rate algorithm): the time at which the bucket will be full again. Sending
 * moves it on by what the packet costs; a packet is admitted while that time is then no more than the burst ahead of now,
 * or the bucket is full (so that the largest packet passes the smallest bucket).
 * One atomic word, so any number of workers may share a bucket: no lock, no allocation, no timer.
 * Invariant: in any span t, packets that cost at most the burst are admitted for at most t + burst.
 * The clock is the caller's: nanoseconds that never run backwards.
 */
#ifndef DIST_PACING_H
#define DIST_PACING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Time in the bucket counts in 1/256 ns, so that a rate of 10⁹ a second comes out exact, and 10¹² bits a second do. */
#define DIST_PACING_UNITS_PER_NS 256

/**
 * So long, in all, the packets that came in together are held back for the port's rate; what has not left then is dropped.
 * It bounds how long a change of the rules has to wait for a worker.
 */
#define DIST_PORT_WAIT_NS (200 * UINT64_C(1000000))

/** A rate, prepared: part of an immutable rule. No limit where `cost` is 0. */
struct dist_rate {
	uint64_t cost;  /* of one packet, or of 65536 bytes, in 1/256 ns */
	uint64_t burst; /* a tenth of a second, or what one packet and 12,000 bits cost, in 1/256 ns */
};

/** The bucket: lives as long as its receiver or port, over changes of the rule. All zero is a full bucket. */
struct dist_bucket {
	_Atomic uint64_t full_at;
};

/** Packets a second, at most 10⁹; 0 means no limit. */
struct dist_rate dist_rate_of_packets(uint64_t packets_per_second);
/** Bits a second, at most 10¹²; 0 means no limit. */
struct dist_rate dist_rate_of_bits(uint64_t bits_per_second);

/** What one packet costs at a rate of packets. */
static inline uint64_t dist_rate_packet_cost(const struct dist_rate *rate)
{
	return rate->cost;
}

/** What some bytes (at most 65535) cost at a rate of bits. */
static inline uint64_t dist_rate_byte_cost(const struct dist_rate *rate, uint32_t bytes)
{
	return (rate->cost * bytes) >> 16;
}

/** Takes the cost if the bucket has it. */
bool dist_bucket_admit(struct dist_bucket *bucket, const struct dist_rate *rate, uint64_t cost, uint64_t now_ns);
/** Gives back what was taken for a packet that was then not sent. */
void dist_bucket_refund(struct dist_bucket *bucket, uint64_t cost);
/** Nanoseconds until the bucket has the cost; 0 if it has it now. For those who wait instead of dropping (a port). */
uint64_t dist_bucket_wait_ns(const struct dist_bucket *bucket, const struct dist_rate *rate, uint64_t cost, uint64_t now_ns);

#endif
