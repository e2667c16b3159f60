/**
 * Sending sockets: one for each IP version and source port that receivers want, bound to no address, so that the kernel's
 * routes choose the source address, as they do for the dpdk engine. They receive nothing.
 */
#ifndef DIST_SOCKETS_SENDER_H
#define DIST_SOCKETS_SENDER_H

#include "error.h"
#include "flow.h"

#include <stdbool.h>
#include <stdint.h>

#define DIST_SENDERS_MAX 8192
#define DIST_SENDER_TTL 64 /* of the socket, so that receivers with this one need no control message */

struct dist_sender {
	int fd;
	bool is_v4;
	uint16_t source_port;
	uint32_t references; /* 0: the place is free */
	bool segments;       /* UDP_SEGMENT works here; the worker sets it false when the kernel refuses */
};

/** The places never move, so that workers may read one by its number while others come and go. */
struct dist_senders {
	uint32_t used; /* places that were ever used */
	struct dist_sender places[DIST_SENDERS_MAX];
};

/** Takes a reference on the sender, and makes it if it is not there. `flows` are the distributor's own sockets. */
bool dist_senders_take(struct dist_senders *senders, bool is_v4, uint16_t source_port, const struct dist_socket_flow *flows,
		       const char *interface, struct dist_error *error);
void dist_senders_give(struct dist_senders *senders, bool is_v4, uint16_t source_port);
/** The sender's number; it must have been taken. */
uint32_t dist_senders_find(const struct dist_senders *senders, bool is_v4, uint16_t source_port);

#endif
