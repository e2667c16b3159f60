/**
 * Counters. Each has exactly one writer (a worker), who adds with a plain load and store; the control thread reads them
 * at any time and sums over the workers. So counting costs no lock and no locked instruction, and a reader sees each
 * counter whole, if not all of one instant.
 */
#ifndef DIST_STATS_H
#define DIST_STATS_H

#include "drop_reasons.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/** Workers at most: queues of the port, or 1 with sockets. */
#define DIST_WORKERS_MAX 16
#define DIST_CACHE_LINE 64

typedef _Atomic uint64_t dist_counter;

static inline void dist_counter_add(dist_counter *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t dist_counter_read(const dist_counter *counter)
{
	return atomic_load_explicit((dist_counter *)counter, memory_order_relaxed);
}

struct dist_traffic {
	dist_counter packets;
	dist_counter bytes; /* of UDP payload */
};

static inline void dist_traffic_add(struct dist_traffic *traffic, uint64_t packets, uint64_t bytes)
{
	dist_counter_add(&traffic->packets, packets);
	dist_counter_add(&traffic->bytes, bytes);
}

/** All that one worker counts for the distributor as a whole. */
struct dist_worker_stats {
	alignas(DIST_CACHE_LINE) struct dist_traffic received; /* media packets of rules */
	struct dist_traffic sent;                               /* copies to receivers */
	dist_counter passed;                                    /* frames handed on to the kernel */
	dist_counter polls;                                     /* looks for packets */
	dist_counter empty_polls;                               /* of these, those that found none */
	dist_counter sleeps;                                    /* times that the worker slept for want of packets */
	dist_counter drops[DIST_DROP_COUNT];
};

/** Counts a frame for which there is no rule. */
static inline void dist_drop_frame(struct dist_worker_stats *worker, enum dist_drop_reason reason)
{
	dist_counter_add(&worker->drops[reason], 1);
}

/** What one worker counts for one rule: a cache line of its own, because each worker has its own. */
struct dist_rule_stats {
	alignas(DIST_CACHE_LINE) struct dist_traffic received;
	struct dist_traffic sent;
	dist_counter drops[DIST_DROP_COUNT];
};

/** What one worker counts for one receiver. */
struct dist_receiver_stats {
	alignas(DIST_CACHE_LINE) struct dist_traffic sent;
	dist_counter drops[DIST_DROP_RECEIVER_COUNT]; /* reason - DIST_DROP_RECEIVER_FIRST */
};

/**
 * Counts one receiver's copy that was not sent: with the receiver, with its rule, and in all. (What is sent is counted by
 * the engine, per burst.)
 */
static inline void dist_drop_copy(struct dist_worker_stats *worker, struct dist_rule_stats *rule,
				  struct dist_receiver_stats *receiver, enum dist_drop_reason reason)
{
	dist_counter_add(&worker->drops[reason], 1);
	dist_counter_add(&rule->drops[reason], 1);
	dist_counter_add(&receiver->drops[reason - DIST_DROP_RECEIVER_FIRST], 1);
}

/** Counts a packet of a rule that no receiver gets. */
static inline void dist_drop_packet(struct dist_worker_stats *worker, struct dist_rule_stats *rule,
				    enum dist_drop_reason reason)
{
	dist_counter_add(&worker->drops[reason], 1);
	dist_counter_add(&rule->drops[reason], 1);
}

/** Plain numbers, summed over workers. */
struct dist_totals {
	uint64_t received_packets, received_bytes, sent_packets, sent_bytes;
	uint64_t passed, polls, empty_polls, sleeps; /* of workers alone */
	uint64_t drops[DIST_DROP_COUNT];
};

struct dist_totals dist_worker_stats_sum(const struct dist_worker_stats *workers, unsigned worker_count);
struct dist_totals dist_rule_stats_sum(const struct dist_rule_stats *workers, unsigned worker_count);
struct dist_totals dist_receiver_stats_sum(const struct dist_receiver_stats *workers, unsigned worker_count);

#endif
