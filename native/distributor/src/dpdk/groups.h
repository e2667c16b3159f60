/**
 * Multicast groups that the port has to receive: the kernel joins them on the netdev, so that the card lets them through
 * and switches learn of it (IGMP, MLD). The sockets that hold the membership never get a packet.
 */
#ifndef DIST_DPDK_GROUPS_H
#define DIST_DPDK_GROUPS_H

#include "../address.h"
#include "../error.h"

struct dist_group;

struct dist_groups {
	int interface_index; /* 0: nothing is ever joined */
	struct dist_group *first;
};

/** Joins the group of the address, if it is one; each call is matched by a dist_groups_leave. */
bool dist_groups_join(struct dist_groups *groups, const struct dist_address *address, struct dist_error *error);
void dist_groups_leave(struct dist_groups *groups, const struct dist_address *address);
void dist_groups_leave_all(struct dist_groups *groups);

#endif
