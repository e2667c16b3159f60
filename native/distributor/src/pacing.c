#include "pacing.h"

#include "clock.h"

#define UNITS_PER_SECOND (DIST_NS_PER_SECOND * DIST_PACING_UNITS_PER_NS)
#define BURST_UNITS (UNITS_PER_SECOND / 10)
#define BURST_BYTES_LEAST 1500
#define BYTES_OF_COST 65536

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct dist_rate dist_rate_of_packets(uint64_t packets_per_second)
{
	if (packets_per_second == 0)
		return (struct dist_rate){0, 0};
	uint64_t cost = UNITS_PER_SECOND / packets_per_second;
	return (struct dist_rate){.cost = cost, .burst = larger(BURST_UNITS, cost)};
}

struct dist_rate dist_rate_of_bits(uint64_t bits_per_second)
{
	if (bits_per_second == 0)
		return (struct dist_rate){0, 0};
	/* 256 · 10⁹ · 65536 · 8 is 1.3 · 10¹⁷, and 65536 times what 1000 bit/s leaves of it still fits 64 bits. */
	struct dist_rate rate = {.cost = UNITS_PER_SECOND * BYTES_OF_COST * 8 / bits_per_second};
	rate.burst = larger(BURST_UNITS, dist_rate_byte_cost(&rate, BURST_BYTES_LEAST));
	return rate;
}

/*
 * How far the bucket is ahead of now: 0 if it is full. Time wraps every 2.3 years of uptime, so only the difference is
 * looked at; one that no packet can have made is the mark of a bucket that was never used, or used at another rate.
 */
static uint64_t ahead_of(uint64_t full_at, uint64_t now, const struct dist_rate *rate)
{
	uint64_t ahead = full_at - now;
	return ahead > larger(rate->burst, rate->cost) ? 0 : ahead;
}

bool dist_bucket_admit(struct dist_bucket *bucket, const struct dist_rate *rate, uint64_t cost, uint64_t now_ns)
{
	if (rate->cost == 0)
		return true;
	uint64_t now = now_ns * DIST_PACING_UNITS_PER_NS;
	uint64_t full_at = atomic_load_explicit(&bucket->full_at, memory_order_relaxed);
	uint64_t ahead;
	do {
		ahead = ahead_of(full_at, now, rate);
		if (ahead != 0 && ahead + cost > rate->burst)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&bucket->full_at, &full_at, now + ahead + cost,
							memory_order_relaxed, memory_order_relaxed));
	return true;
}

void dist_bucket_refund(struct dist_bucket *bucket, uint64_t cost)
{
	atomic_fetch_sub_explicit(&bucket->full_at, cost, memory_order_relaxed);
}

uint64_t dist_bucket_wait_ns(const struct dist_bucket *bucket, const struct dist_rate *rate, uint64_t cost, uint64_t now_ns)
{
	if (rate->cost == 0)
		return 0;
	uint64_t now = now_ns * DIST_PACING_UNITS_PER_NS;
	uint64_t full_at = atomic_load_explicit((_Atomic uint64_t *)&bucket->full_at, memory_order_relaxed);
	uint64_t ahead = ahead_of(full_at, now, rate);
	uint64_t room = cost < rate->burst ? rate->burst - cost : 0;
	if (ahead <= room)
		return 0;
	return (ahead - room + DIST_PACING_UNITS_PER_NS - 1) / DIST_PACING_UNITS_PER_NS;
}
