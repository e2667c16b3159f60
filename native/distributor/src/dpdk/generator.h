/**
 * The generator of the backend `ring`: RTP packets of one flow, made as fast as the ring takes them. It shows what the
 * engine can do when nothing else costs anything: no kernel, no card, no memory but its own.
 */
#ifndef DIST_DPDK_GENERATOR_H
#define DIST_DPDK_GENERATOR_H

#include "plan.h"

#include <pthread.h>
#include <stdatomic.h>

/** Memory that its buffers take, in MiB. */
#define DIST_GENERATOR_MIB 40

struct rte_mempool;
struct rte_ring;

struct dist_generator {
	struct rte_mempool *pool;
	struct rte_ring *ring;
	uint16_t frame_bytes;
	pthread_t thread;
	bool running;
	atomic_bool stop;
};

/** After the port is open. Does nothing where the plan generates nothing. */
bool dist_generator_start(struct dist_generator *generator, const struct dist_plan *plan, struct dist_error *error);
void dist_generator_stop(struct dist_generator *generator);

#endif
