/* What a port has lost before a worker could take it in: each driver's kernel side tells it in its own way. */
#include "port.h"

#include "../clock.h"

#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <rte_ethdev.h>

#define LOOK_NS DIST_NS_PER_SECOND

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

static uint64_t missed_by_xdp(int descriptor)
{
	struct xdp_statistics counts = {0};
	socklen_t bytes = sizeof(counts);

	if (getsockopt(descriptor, SOL_XDP, XDP_STATISTICS, &counts, &bytes) < 0)
		return 0;
	/* No buffer, or no place in the ring. (An empty fill ring counts as the former.) */
	return counts.rx_dropped + counts.rx_ring_full;
}

/* Reading it sets the kernel's counter back. */
static uint64_t missed_by_packet(int descriptor, uint64_t *before)
{
	struct tpacket_stats counts = {0};
	socklen_t bytes = sizeof(counts);

	if (getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &counts, &bytes) == 0)
		*before += counts.tp_drops;
	return *before;
}

/* Some cards take milliseconds to tell. */
static uint64_t missed_by_card(struct dist_port *port)
{
	struct rte_eth_stats stats;
	uint64_t now_ns = dist_clock_now_ns();

	if (now_ns - port->missed_looked_ns >= LOOK_NS && rte_eth_stats_get(port->id, &stats) == 0) {
		port->missed_looked_ns = now_ns;
		port->missed_before[0] = stats.imissed;
	}
	return port->missed_before[0];
}

uint64_t dist_port_missed(struct dist_port *port)
{
	uint64_t missed = 0;

	switch (port->backend) {
	case DIST_BACKEND_AF_XDP:
		for (unsigned q = 0; q < port->queues; q++)
			missed += port->descriptors[q] < 0 ? 0 : missed_by_xdp(port->descriptors[q]);
		return missed;
	case DIST_BACKEND_AF_PACKET:
		for (unsigned q = 0; q < port->queues; q++)
			missed += port->descriptors[q] < 0 ? 0 : missed_by_packet(port->descriptors[q], &port->missed_before[q]);
		return missed;
	default:
		return missed_by_card(port);
	}
}
