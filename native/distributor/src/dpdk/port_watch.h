/**
 * Looks whether the port is still there and has a link, and tells once of each change for the worse. An interface that came
 * back under its name is another one: sockets and program are gone with the first.
 */
#ifndef DIST_DPDK_PORT_WATCH_H
#define DIST_DPDK_PORT_WATCH_H

#include "plan.h"
#include "port.h"

struct dist_port_watch {
	const struct dist_plan *plan; /* with a netdev */
	const struct dist_port *port;
	unsigned interface_index; /* of the plan's netdev, when the port was opened */
	bool was_down, was_gone;
	uint64_t looked_ns;
};

/** Looks, once a second; tells of faults: PORT_DOWN; PORT_GONE and ENGINE_FAILED. */
void dist_port_watch_look(struct dist_port_watch *watch, uint64_t now_ns, dist_fault *fault, void *fault_context);

#endif
