/** A flow's socket: bound to the match's address and port, a member of its group where that is multicast. */
#ifndef DIST_SOCKETS_FLOW_H
#define DIST_SOCKETS_FLOW_H

#include "error.h"
#include "rule.h"

#include <stdbool.h>

struct dist_socket_flow {
	int fd;
	struct dist_flow_key key;
	uint16_t port; /* host order */
	struct dist_socket_flow *next;
};

/**
 * Opens and binds. `interface` NULL: packets of any. Another socket on the address and port is refused, also another
 * distributor's, though the distributor's own sending sockets share the port.
 */
struct dist_socket_flow *dist_socket_flow_open(const struct dist_flow_key *key, const char *interface,
					       struct dist_error *error);
void dist_socket_flow_close(struct dist_socket_flow *flow);

/** Packets that the flow's socket had no room for. */
uint64_t dist_socket_flow_missed(const struct dist_socket_flow *flow);

/** Lets sending sockets be bound to the flow's port, or not any more. */
void dist_socket_flow_share(const struct dist_socket_flow *flow, bool shared);

#endif
