/**
 * Figures for DPDK's own tools: commands on the socket of rte_telemetry (`dpdk-telemetry.py`, or anything that speaks
 * JSON over SOCK_SEQPACKET). Read-only; rules are changed by the control protocol alone. Answers come from a thread of
 * DPDK's and read counters alone.
 *
 *   /penstock/stats     packets and bytes in and out, polls, sleeps
 *   /penstock/drops     by reason, those that are not 0; names have underscores for hyphens
 *   /penstock/port      by reference or not, queues, what the device itself has counted
 *   /penstock/steering  what the program in the kernel has counted
 */
#ifndef DIST_DPDK_TELEMETRY_H
#define DIST_DPDK_TELEMETRY_H

#include "../stats.h"
#include "port.h"
#include "steering.h"

struct dist_telemetry {
	const struct dist_worker_stats *workers;
	unsigned worker_count;
	const struct dist_port *port;
	const struct dist_steering *steering;
};

/** There is one in a process. NULL ends it: the commands stay and answer nothing. */
void dist_telemetry_open(const struct dist_telemetry *telemetry);
void dist_telemetry_close(void);

#endif
