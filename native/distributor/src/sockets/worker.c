/* No allocation and no lock in all of this file: the worker's. */
#include "worker.h"

#include "checksum.h"
#include "classify.h"
#include "clock.h"
#include "frame.h"
#include "rule_table_simple.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* There is one. */
#define WORKER 0
#define EVENTS_PER_WAIT 64
/* What may leave at once where the port is paced. */
#define PORT_BURST_BYTES 65536

void dist_sockets_worker_init(struct dist_sockets_worker *w, uint64_t port_bits_per_second)
{
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++) {
		w->received_at[i] = (struct iovec){.iov_base = w->packets[i], .iov_len = DIST_SOCKETS_PACKET_BYTES};
		w->received[i].msg_hdr =
			(struct msghdr){.msg_name = &w->received_from[i], .msg_iov = &w->received_at[i], .msg_iovlen = 1};
	}
	memset(w->packets, 0, sizeof(w->packets));
	w->fan_out.stats = w->stats;
	w->fan_out.port_rate = dist_rate_of_bits(port_bits_per_second);
	w->fan_out.port_rate.burst = dist_rate_byte_cost(&w->fan_out.port_rate, PORT_BURST_BYTES);
}

static unsigned receive(struct dist_sockets_worker *w, int fd)
{
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++)
		w->received[i].msg_hdr.msg_namelen = sizeof(w->received_from[i]);
	int count = recvmmsg(fd, w->received, DIST_BATCH_PACKETS, MSG_DONTWAIT, NULL);
	return count > 0 ? (unsigned)count : 0;
}

/* What a capture shows of a packet that the kernel has unpacked: an IP packet with what is known of it. */
static void capture(const struct dist_sockets_worker *w, const struct dist_rule *rule, unsigned at,
		    const struct dist_packet *packet)
{
	struct dist_receiver shape = {.is_v4 = false};
	struct dist_receiver_spec to = {.address = rule->key.destination,
					.port = ntohs(rule->key.port_be),
					.source_port = packet->source_port,
					.ttl = DIST_SENDER_TTL};
	struct dist_link link = {.source = packet->source, .mtu = UINT16_MAX};
	uint8_t headers[DIST_HEADER_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	dist_frame_template(&shape, &to, &link, to.port);
	dist_frame_stamp(&shape, packet->payload_length, dist_checksum_add(0, packet->payload, packet->payload_length), 0,
			 headers);
	dist_capture_add(rule->capture, headers + shape.ip_offset, (uint32_t)(shape.header_length - shape.ip_offset),
			 w->packets[at], packet->payload_length,
			 (uint64_t)now.tv_sec * DIST_NS_PER_SECOND + (uint64_t)now.tv_nsec);
}

/* Why packet `at` of the batch goes to nobody, or DIST_DROP_NONE. Fills what is known of the packet. */
static enum dist_drop_reason judge(const struct dist_sockets_worker *w, const struct dist_rule *rule, unsigned at,
				   struct dist_packet *packet)
{
	const struct mmsghdr *message = &w->received[at];

	if ((message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
		return DIST_DROP_JUMBO;
	packet->payload = w->packets[at];
	packet->payload_length = (uint16_t)message->msg_len;
	dist_address_from_sockaddr(&w->received_from[at], &packet->source, &packet->source_port);
	enum dist_media media = dist_classify(packet->payload, packet->payload_length);
	if (media == DIST_MEDIA_NONE)
		return DIST_DROP_NO_MEDIA;
	if (rule == NULL)
		return DIST_DROP_NO_RULE;
	if (!dist_rule_takes_source(rule, packet))
		return DIST_DROP_WRONG_SOURCE;
	return dist_rule_takes_media(rule, media) ? DIST_DROP_NONE : DIST_DROP_WRONG_MEDIA;
}

static void serve_flow(struct dist_sockets_worker *w, const struct dist_socket_flow *flow)
{
	unsigned count = receive(w, flow->fd);
	const struct dist_rule *rule = dist_rule_table_simple_find(dist_rule_table_simple_of(w->table), &flow->key);
	struct dist_fan_out *fan_out = &w->fan_out;
	uint64_t bytes = 0;

	fan_out->packet_count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct dist_packet packet = {0};
		enum dist_drop_reason reason = judge(w, rule, i, &packet);
		if (reason != DIST_DROP_NONE) {
			if (rule != NULL)
				dist_drop_packet(w->stats, &rule->state->stats[WORKER], reason);
			else
				dist_drop_frame(w->stats, reason);
			continue;
		}
		if (rule->capture != NULL)
			capture(w, rule, i, &packet);
		fan_out->payloads[fan_out->packet_count++] =
			(struct iovec){.iov_base = w->packets[i], .iov_len = packet.payload_length};
		bytes += packet.payload_length;
	}
	if (fan_out->packet_count == 0)
		return;
	dist_traffic_add(&w->stats->received, fan_out->packet_count, bytes);
	dist_traffic_add(&rule->state->stats[WORKER].received, fan_out->packet_count, bytes);
	dist_fan_out_send(fan_out, rule, WORKER, dist_clock_now_ns());
}

/*
 * Asleep the worker is offline, and the control thread need not wait for it; so what woke it may be gone by now, and is
 * only a reason to look again.
 */
static void sleep_until_ready(struct dist_sockets_worker *w, struct dist_rule_table_simple *table)
{
	struct epoll_event ignored;

	dist_rule_table_simple_offline(table, WORKER);
	dist_counter_add(&w->stats->sleeps, 1);
	epoll_wait(w->epoll, &ignored, 1, -1);
	dist_rule_table_simple_online(table, WORKER);
}

void *dist_sockets_worker_run(void *worker)
{
	struct dist_sockets_worker *w = worker;
	struct dist_rule_table_simple *table = dist_rule_table_simple_of(w->table);
	struct dist_worker_stats *stats = w->stats;
	struct epoll_event events[EVENTS_PER_WAIT];

	dist_rule_table_simple_online(table, WORKER);
	while (atomic_load_explicit(&w->runs, memory_order_relaxed)) {
		int count = epoll_wait(w->epoll, events, EVENTS_PER_WAIT, 0);
		dist_counter_add(&stats->polls, 1);
		for (int i = 0; i < count; i++)
			if (events[i].data.ptr != NULL)
				serve_flow(w, events[i].data.ptr);
		dist_rule_table_simple_quiescent(table, WORKER);
		if (count > 0)
			continue;
		dist_counter_add(&stats->empty_polls, 1);
		if (w->idle != DIST_IDLE_LATENCY)
			sleep_until_ready(w, table);
	}
	dist_rule_table_simple_offline(table, WORKER);
	return NULL;
}
