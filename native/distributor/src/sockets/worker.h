/**
 * The worker of the sockets engine: one thread that reads what comes in on any flow's socket (recvmmsg), classifies it and
 * sends it on (fan_out.h). Where no socket has anything it sleeps in the kernel, so that an idle distributor costs nothing;
 * with DIST_IDLE_LATENCY it never sleeps.
 */
#ifndef DIST_SOCKETS_WORKER_H
#define DIST_SOCKETS_WORKER_H

#include "engine.h"
#include "fan_out.h"
#include "flow.h"

#include <stdatomic.h>

/** A datagram that is larger is counted as jumbo: no link of ours takes it in one packet. */
#define DIST_SOCKETS_PACKET_BYTES 9216

struct dist_sockets_worker {
	struct dist_rule_table *table;
	struct dist_worker_stats *stats;
	enum dist_idle idle;
	int epoll;        /* of flows' sockets, by struct dist_socket_flow, and of what wakes it, by NULL */
	atomic_bool runs; /* control sets it false, and wakes */

	/* One batch as it came in, and its way out. */
	struct mmsghdr received[DIST_BATCH_PACKETS];
	struct iovec received_at[DIST_BATCH_PACKETS];
	union dist_sockaddr received_from[DIST_BATCH_PACKETS];
	uint8_t packets[DIST_BATCH_PACKETS][DIST_SOCKETS_PACKET_BYTES];
	struct dist_fan_out fan_out;
};

/** Prepares the batch and touches its memory, so that there is no page fault later. `port_bits_per_second` 0: no pacing. */
void dist_sockets_worker_init(struct dist_sockets_worker *worker, uint64_t port_bits_per_second);
/** The loop, for pthread_create; `worker` is a struct dist_sockets_worker. */
void *dist_sockets_worker_run(void *worker);

#endif
