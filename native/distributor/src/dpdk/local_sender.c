#include "local_sender.h"

#include "../frame.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

static void init_queue(struct dist_local_queue *queue, int descriptor)
{
	memset(queue, 0, sizeof(*queue));
	queue->descriptor = descriptor;
	for (unsigned i = 0; i < DIST_LOCAL_BURST; i++)
		queue->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &queue->targets[i], .msg_iov = queue->parts[i], .msg_iovlen = 2};
}

void dist_local_sender_init(struct dist_local_sender *sender, struct dist_worker_stats *stats, int v4, int v6)
{
	sender->stats = stats;
	init_queue(&sender->v4, v4);
	init_queue(&sender->v6, v6);
}

static enum dist_drop_reason reason_of(int error)
{
	switch (error) {
	case EMSGSIZE:
		return DIST_DROP_TOO_LARGE;
	case EAGAIN:
	case ENOBUFS:
		return DIST_DROP_QUEUE_FULL;
	case ENOMEM:
		return DIST_DROP_NO_BUFFER;
	default:
		return DIST_DROP_SEND_FAILED;
	}
}

static void count_sent(struct dist_local_sender *sender, const struct dist_local_queue *queue, unsigned at)
{
	uint64_t bytes = queue->parts[at][1].iov_len;

	dist_traffic_add(&queue->owners[at].receiver->sent, 1, bytes);
	dist_traffic_add(&queue->owners[at].rule->sent, 1, bytes);
	dist_traffic_add(&sender->stats->sent, 1, bytes);
}

static void flush_queue(struct dist_local_sender *sender, struct dist_local_queue *queue)
{
	unsigned at = 0;

	while (at < queue->count) {
		int taken = sendmmsg(queue->descriptor, queue->messages + at, queue->count - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		for (int i = 0; i < taken; i++)
			count_sent(sender, queue, at++);
		if (taken > 0 || errno == EINTR)
			continue;
		dist_drop_copy(sender->stats, queue->owners[at].rule, queue->owners[at].receiver, reason_of(errno));
		at++;
	}
	for (unsigned i = 0; i < queue->count; i++)
		rte_pktmbuf_free(queue->payloads[i]);
	queue->count = 0;
}

void dist_local_sender_add(struct dist_local_sender *sender, const struct dist_receiver *receiver,
			   const struct dist_packet *packet, uint32_t payload_sum, struct rte_mbuf *buffer,
			   struct dist_rule_stats *rule, struct dist_receiver_stats *receiver_stats)
{
	struct dist_local_queue *queue = receiver->is_v4 ? &sender->v4 : &sender->v6;
	unsigned at = queue->count++;
	uint8_t *headers = queue->headers[at];

	dist_frame_stamp(receiver, packet->payload_length, payload_sum, 0, headers);
	queue->parts[at][0] = (struct iovec){.iov_base = headers + receiver->ip_offset,
					     .iov_len = (size_t)receiver->header_length - receiver->ip_offset};
	queue->parts[at][1] =
		(struct iovec){.iov_base = (void *)(uintptr_t)packet->payload, .iov_len = packet->payload_length};
	queue->targets[at] = receiver->sockaddr;
	/* A raw socket of IPv6 takes a port for a protocol. */
	if (!receiver->is_v4)
		queue->targets[at].v6.sin6_port = 0;
	queue->messages[at].msg_hdr.msg_namelen =
		receiver->is_v4 ? sizeof(queue->targets[at].v4) : sizeof(queue->targets[at].v6);
	queue->owners[at].rule = rule;
	queue->owners[at].receiver = receiver_stats;
	queue->payloads[at] = buffer;
	rte_mbuf_refcnt_update(buffer, 1);
	if (queue->count == DIST_LOCAL_BURST)
		flush_queue(sender, queue);
}

void dist_local_sender_flush(struct dist_local_sender *sender)
{
	flush_queue(sender, &sender->v4);
	flush_queue(sender, &sender->v6);
}
