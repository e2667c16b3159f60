/**
 * A worker's way out of the port: frames wait for a full burst, go to the device, at the port's rate where it has one, and
 * are counted. What the device does not take, or the rate has no room for in time, is dropped as `queue-full`.
 */
#ifndef DIST_DPDK_PORT_SENDER_H
#define DIST_DPDK_PORT_SENDER_H

#include "../stats.h"
#include "port.h"

#include <rte_mbuf.h>

#define DIST_PORT_BURST 64

struct dist_port_sender {
	struct dist_port *port;
	struct dist_worker_stats *stats;
	uint16_t queue;
	uint64_t wait_until_ns; /* for the port's rate: DIST_PORT_WAIT_NS after what is being sent came in */
	/* Frames that wait, and whose they are. */
	unsigned count;
	struct rte_mbuf *frames[DIST_PORT_BURST];
	struct {
		struct dist_rule_stats *rule;
		struct dist_receiver_stats *receiver;
		uint16_t payload_length;
	} owners[DIST_PORT_BURST];
};

/** Sends and counts all that waits. */
void dist_port_sender_flush(struct dist_port_sender *sender);

/** Takes the frame over. */
static inline void dist_port_sender_add(struct dist_port_sender *sender, struct rte_mbuf *frame, uint16_t payload_length,
					struct dist_rule_stats *rule, struct dist_receiver_stats *receiver)
{
	unsigned at = sender->count++;

	sender->frames[at] = frame;
	sender->owners[at].rule = rule;
	sender->owners[at].receiver = receiver;
	sender->owners[at].payload_length = payload_length;
	if (sender->count == DIST_PORT_BURST)
		dist_port_sender_flush(sender);
}

#endif
