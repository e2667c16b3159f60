/**
 * The port: DPDK's devices of the plan, configured and started, with a pool of packet buffers for each queue.
 *
 * Whether copies of a packet may share its payload is the device's word: a device without multi-segment transmission
 * would send the first segment and garbage behind it, without an error.
 * Invariant: `by_reference` only where the device that sends has RTE_ETH_TX_OFFLOAD_MULTI_SEGS switched on.
 */
#ifndef DIST_DPDK_PORT_H
#define DIST_DPDK_PORT_H

#include "../pacing.h"
#include "plan.h"

#include <stdbool.h>
#include <stdint.h>

/** No device. */
#define DIST_PORT_NONE UINT16_MAX

struct rte_mempool;

/** Payloads up to this are copied even by reference: measured, 200 bytes go out 1.7 times as fast so. */
#define DIST_PORT_COPY_BYTES 384

struct dist_port {
	uint16_t id;      /* receives */
	uint16_t send_id; /* sends; the same but for ring */
	uint16_t kernel_id;
	bool has_kernel;    /* what is no media goes to kernel_id, and what comes from there is sent */
	bool kernel_reads;  /* the kernel reads every packet as well (af_packet): what is no media is its own */
	bool reads_back;    /* the port may read back what was sent from its address */
	bool by_reference;
	bool scattered_memory; /* a card reads it by addresses that may not be contiguous */
	enum dist_backend backend;
	unsigned queues;
	uint16_t mtu;
	uint8_t mac[6];
	/* For each queue: buffers for what comes in and for copies; small ones for headers in front of a shared payload, or for small frames. */
	struct rte_mempool *packets[DIST_WORKERS_MAX];
	struct rte_mempool *headers[DIST_WORKERS_MAX];
	/* Readable when the queue has packets; -1 where the driver has no such thing. */
	int descriptors[DIST_WORKERS_MAX];
	/* What has been told of each queue's losses so far, where only what is new is told; a card's in the first. */
	uint64_t missed_before[DIST_WORKERS_MAX];
	uint64_t missed_looked_ns;
	/* Pacing of all that is sent. */
	struct dist_rate rate;
	struct dist_bucket bucket;
};

/** Configures the devices; `mtu` in bytes of IP packet. */
bool dist_port_open(struct dist_port *port, const struct dist_engine_options *options, const struct dist_plan *plan,
		    uint16_t mtu, struct dist_error *error);
bool dist_port_start(struct dist_port *port, struct dist_error *error);
/** Packets that came faster than they were taken in, since the port was opened. The control thread's. */
uint64_t dist_port_missed(struct dist_port *port);
void dist_port_close(struct dist_port *port);

#endif
