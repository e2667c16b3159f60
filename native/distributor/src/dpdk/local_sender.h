/**
 * The way to receivers on this machine itself: what a port sends does not come back up, so their copies go by a raw socket,
 * which takes the same headers, from IP on, that other receivers get. Copies wait for a full burst, or for the end of what
 * came in together, and leave by one system call.
 * One a worker. No allocation, no lock.
 */
#ifndef DIST_DPDK_LOCAL_SENDER_H
#define DIST_DPDK_LOCAL_SENDER_H

#include "../rule.h"
#include "../stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define DIST_LOCAL_BURST 32

struct rte_mbuf;

/** Copies of one IP version that wait, and whose they are. */
struct dist_local_queue {
	int descriptor; /* -1: receivers of this version are unresolved */
	unsigned count;
	struct mmsghdr messages[DIST_LOCAL_BURST];
	struct iovec parts[DIST_LOCAL_BURST][2]; /* headers and payload */
	union dist_sockaddr targets[DIST_LOCAL_BURST];
	uint8_t headers[DIST_LOCAL_BURST][DIST_HEADER_MAX];
	struct rte_mbuf *payloads[DIST_LOCAL_BURST]; /* each held until it has left */
	struct {
		struct dist_rule_stats *rule;
		struct dist_receiver_stats *receiver;
	} owners[DIST_LOCAL_BURST];
};

struct dist_local_sender {
	struct dist_worker_stats *stats;
	struct dist_local_queue v4, v6;
};

/** `v4` and `v6` are raw sockets that take headers, or -1; the caller's. */
void dist_local_sender_init(struct dist_local_sender *sender, struct dist_worker_stats *stats, int v4, int v6);

/** Puts in a copy for the receiver: `buffer` holds the packet, and is held until the copy has left. */
void dist_local_sender_add(struct dist_local_sender *sender, const struct dist_receiver *receiver,
			   const struct dist_packet *packet, uint32_t payload_sum, struct rte_mbuf *buffer,
			   struct dist_rule_stats *rule, struct dist_receiver_stats *receiver_stats);
/** Sends and counts all that waits. */
void dist_local_sender_flush(struct dist_local_sender *sender);

#endif
