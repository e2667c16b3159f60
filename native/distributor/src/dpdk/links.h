/**
 * The link to each receiver, as the dpdk engine knows it: by the kernel's routes and neighbours where the port has a netdev,
 * by the plan's fixed next hop where it has none. The control thread's alone.
 */
#ifndef DIST_DPDK_LINKS_H
#define DIST_DPDK_LINKS_H

#include "../neighbours.h"
#include "../rule.h"
#include "plan.h"
#include "port.h"

struct dist_links {
	const struct dist_plan *plan;
	const struct dist_port *port;
	struct dist_neighbours *neighbours; /* NULL: the plan's link holds for everybody */
	/* Raw sockets for receivers on this machine itself (local_sender.h), or -1. */
	int local_v4, local_v6;
};

/** Nothing open yet. */
void dist_links_init(struct dist_links *links);
/** After the port is open; both outlive the links. */
bool dist_links_open(struct dist_links *links, const struct dist_plan *plan, const struct dist_port *port,
		     struct dist_error *error);
void dist_links_close(struct dist_links *links);

/** One more user of the way to the receiver, and one less. RECEIVERS_LIMIT. */
bool dist_links_want(struct dist_links *links, const struct dist_receiver_spec *receiver, struct dist_error *error);
void dist_links_forget(struct dist_links *links, const struct dist_receiver_spec *receiver);
/** The link as it is now; false while it is unresolved. */
bool dist_links_find(const struct dist_links *links, const struct dist_receiver_spec *receiver, struct dist_link *link);

#endif
