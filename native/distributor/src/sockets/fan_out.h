/**
 * One batch of packets to all receivers of a rule. Packets of one size that follow each other go to a receiver as one
 * message that the kernel cuts (UDP_SEGMENT); messages go out in bursts (sendmmsg). Every receiver gets the packets in
 * their order.
 * The worker's alone; everything it needs is allocated before. No lock.
 */
#ifndef DIST_SOCKETS_FAN_OUT_H
#define DIST_SOCKETS_FAN_OUT_H

#include "pacing.h"
#include "rule.h"
#include "sender.h"
#include "stats.h"

#include <sys/socket.h>
#include <sys/uio.h>

#define DIST_BATCH_PACKETS 64
#define DIST_BURST_MESSAGES 64
/* Room for TTL, traffic class and segment size. */
#define DIST_CONTROL_BYTES (2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t)))

/** Packets that go out as one message: `count` payloads from `first` on; all but the last have `segment` bytes. */
struct dist_segment_group {
	uint16_t first;
	uint16_t count;
	uint16_t segment;
	uint32_t bytes;
};

/** A message in the burst: whose it is, and what it holds. */
struct dist_burst_message {
	const struct dist_receiver *receiver;
	struct dist_segment_group group;
};

struct dist_fan_out {
	struct dist_senders *senders;
	struct dist_worker_stats *stats;
	struct dist_rate port_rate;
	struct dist_bucket port_bucket;
	uint64_t wait_until_ns; /* for the port's rate, with this batch */

	/* The batch: payloads of packets that the rule takes. */
	uint16_t packet_count;
	struct iovec payloads[DIST_BATCH_PACKETS];

	/* What is sent next, all by one sender. */
	struct dist_sender *sender;
	struct dist_rule_stats *rule_stats;
	uint16_t message_count;
	struct dist_burst_message burst[DIST_BURST_MESSAGES];
	struct mmsghdr messages[DIST_BURST_MESSAGES];
	alignas(struct cmsghdr) uint8_t controls[DIST_BURST_MESSAGES][DIST_CONTROL_BYTES];
};

/** Groups of payloads that may go out as one message each; gives how many. `groups` has room for one a payload. */
uint16_t dist_segment_groups(const struct iovec *payloads, uint16_t count, struct dist_segment_group *groups);

/** Sends fan_out->payloads to all receivers of the rule, and counts. */
void dist_fan_out_send(struct dist_fan_out *fan_out, const struct dist_rule *rule, unsigned worker, uint64_t now_ns);

#endif
