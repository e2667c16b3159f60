/**
 * A worker: one thread, one receive queue, one send queue. The loop takes a burst in, reads and classifies each packet,
 * looks all of them up at once, stamps a frame for every receiver, and sends in full bursts.
 *
 * Invariant: what was taken in has been sent or counted before the worker passes a quiescent point, so it never holds a
 * rule, a receiver or a buffer across one.
 */
#ifndef DIST_DPDK_WORKER_H
#define DIST_DPDK_WORKER_H

#include "../rule_table_rcu.h"
#include "../stats.h"
#include "idle.h"
#include "local_sender.h"
#include "port.h"
#include "port_sender.h"

#include <stdalign.h>
#include <stdatomic.h>

#define DIST_WORKER_BURST 64

/** `port` of a receiver on this machine itself (local_sender.h). */
#define DIST_PORT_LOCAL 1

struct rte_mbuf;

struct dist_worker {
	alignas(DIST_CACHE_LINE) unsigned index; /* of the worker, and of its queues */
	struct dist_port *port;
	struct dist_rule_table_rcu *table;
	struct dist_worker_stats *stats;
	struct dist_idle_state idle;
	int descriptor; /* to wait for packets at, or -1 */
	/* Buffers taken from the pool beforehand. */
	unsigned spare_count;
	struct rte_mbuf *spare[DIST_WORKER_BURST];
	struct dist_port_sender out;
	struct dist_local_sender local;
	uint64_t now_ns; /* of the burst in hand */
	/* Written by control: */
	alignas(DIST_CACHE_LINE) atomic_bool stop;
	atomic_bool draining;
	/* Rises with each turn of the loop. */
	alignas(DIST_CACHE_LINE) dist_counter turns;
};

/** The loop, up to `stop`; for rte_eal_remote_launch. `worker` is a struct dist_worker. */
int dist_worker_run(void *worker);

#endif
