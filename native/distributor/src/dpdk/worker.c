#include "worker.h"

#include "../capture.h"
#include "../clock.h"
#include "../frame.h"
#include "../packet.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#define PREFETCH_AHEAD 4
/* Sleeps of 50 µs need a timer that is no later than this. */
#define TIMER_SLACK_NS 1000

struct received {
	struct rte_mbuf *buffer;
	enum dist_media media;
	struct dist_packet packet;
	struct dist_flow_key key;
};

static inline struct rte_mbuf *spare_take(struct dist_worker *w, struct rte_mempool *pool)
{
	if (unlikely(w->spare_count == 0)) {
		if (rte_pktmbuf_alloc_bulk(pool, w->spare, DIST_WORKER_BURST) != 0)
			return rte_pktmbuf_alloc(pool);
		w->spare_count = DIST_WORKER_BURST;
	}
	return w->spare[--w->spare_count];
}

/* A frame for the receiver: headers, and the payload copied behind them or shared. */
static inline struct rte_mbuf *frame_make(struct dist_worker *w, const struct dist_receiver *receiver,
					  const struct received *in, uint32_t payload_sum, bool by_reference)
{
	struct rte_mempool *pool =
		w->port->by_reference ? w->port->headers[w->index] : w->port->packets[w->index];
	struct rte_mbuf *frame = spare_take(w, pool);
	uint16_t length = in->packet.payload_length;
	uint8_t *bytes;

	if (unlikely(!frame))
		return NULL;
	bytes = rte_pktmbuf_mtod(frame, uint8_t *);
	dist_frame_stamp(receiver, length, payload_sum, 0, bytes);
	frame->pkt_len = (uint32_t)receiver->header_length + length;
	if (by_reference) {
		frame->data_len = receiver->header_length;
		frame->nb_segs = 2;
		frame->next = in->buffer;
	} else {
		frame->data_len = (uint16_t)frame->pkt_len;
		memcpy(bytes + receiver->header_length, in->packet.payload, length);
	}
	return frame;
}

static inline enum dist_drop_reason admit(const struct dist_receiver *receiver, uint16_t length, uint64_t now_ns)
{
	if (unlikely(!receiver->resolved))
		return DIST_DROP_NO_NEIGHBOUR;
	if (unlikely(length > receiver->max_payload))
		return DIST_DROP_TOO_LARGE;
	if (likely((receiver->packet_rate.cost | receiver->bit_rate.cost) == 0))
		return DIST_DROP_NONE;
	return dist_receiver_admit(receiver, length, now_ns);
}

/* Takes the buffer over. */
static void fan_out(struct dist_worker *w, const struct dist_rule *rule, struct received *in, uint32_t payload_sum)
{
	struct dist_rule_stats *rule_stats = &rule->state->stats[w->index];
	uint16_t length = in->packet.payload_length;
	/* A small payload is copied sooner than it is counted. */
	bool by_reference = w->port->by_reference && length > DIST_PORT_COPY_BYTES;
	unsigned made = 0;

	if (by_reference) {
		/* The payload alone, as a segment that any number of frames end in; one count for each, and our own. */
		in->buffer->data_off = (uint16_t)(in->buffer->data_off + (in->packet.payload - in->packet.frame));
		in->buffer->data_len = length;
		in->buffer->pkt_len = length;
		rte_mbuf_refcnt_update(in->buffer, (int16_t)rule->receiver_count);
	}
	for (uint32_t i = 0; i < rule->receiver_count; i++) {
		const struct dist_receiver *receiver = &rule->receivers[i];
		struct dist_receiver_stats *stats = &receiver->stats[w->index];
		enum dist_drop_reason reason = admit(receiver, length, w->now_ns);
		struct rte_mbuf *frame;

		/* Two receivers ahead its template; one ahead its counters, to which the template's line leads. */
		rte_prefetch0(receiver + 2);
		rte_prefetch0((const uint8_t *)(receiver + 2) + DIST_CACHE_LINE);
		if (likely(i + 1 < rule->receiver_count))
			rte_prefetch0(&receiver[1].stats[w->index]);
		if (unlikely(reason != DIST_DROP_NONE)) {
			dist_drop_copy(w->stats, rule_stats, stats, reason);
			continue;
		}
		if (unlikely(receiver->port == DIST_PORT_LOCAL)) {
			dist_local_sender_add(&w->local, receiver, &in->packet, payload_sum, in->buffer, rule_stats, stats);
			continue;
		}
		frame = frame_make(w, receiver, in, payload_sum, by_reference);
		if (unlikely(!frame)) {
			dist_drop_copy(w->stats, rule_stats, stats, DIST_DROP_NO_BUFFER);
			continue;
		}
		made++;
		dist_port_sender_add(&w->out, frame, length, rule_stats, stats);
	}
	if (by_reference && made < rule->receiver_count)
		rte_mbuf_refcnt_update(in->buffer, (int16_t)(made - (int)rule->receiver_count));
	rte_pktmbuf_free(in->buffer);
}

/* What is not the engine's: to the kernel, where there is a way and it has not read the packet itself. */
static void pass(struct dist_worker *w, struct rte_mbuf *buffer, enum dist_drop_reason reason)
{
	dist_drop_frame(w->stats, reason);
	if (dist_drop_scope(reason) == DIST_SCOPE_PASSED) {
		if (w->port->kernel_reads)
			dist_counter_add(&w->stats->passed, 1);
		if (w->port->has_kernel &&
		    rte_eth_tx_burst(w->port->kernel_id, (uint16_t)w->index, &buffer, 1) == 1) {
			dist_counter_add(&w->stats->passed, 1);
			return;
		}
	}
	rte_pktmbuf_free(buffer);
}

static enum dist_drop_reason read_frame(const struct dist_worker *w, struct received *in)
{
	struct rte_mbuf *buffer = in->buffer;
	const uint8_t *frame = rte_pktmbuf_mtod(buffer, const uint8_t *);
	enum dist_drop_reason reason;

	if (unlikely(buffer->nb_segs != 1))
		return DIST_DROP_JUMBO;
	if (w->port->reads_back && buffer->data_len >= 12 && memcmp(frame + 6, w->port->mac, 6) == 0)
		return DIST_DROP_OWN_FRAME;
	/* A tag that the device has taken off goes back in, so that there is one way to read it. */
	if (unlikely(buffer->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)) {
		if (rte_vlan_insert(&in->buffer) != 0)
			return DIST_DROP_NO_BUFFER;
		buffer = in->buffer;
		frame = rte_pktmbuf_mtod(buffer, const uint8_t *);
	}
	reason = dist_packet_parse(frame, buffer->data_len, &in->packet);
	if (reason != DIST_DROP_NONE)
		return reason;
	in->media = dist_classify(in->packet.payload, in->packet.payload_length);
	if (in->media == DIST_MEDIA_NONE)
		return DIST_DROP_NO_MEDIA;
	in->key = dist_flow_key(&in->packet.destination, in->packet.destination_port, in->packet.vlan);
	return DIST_DROP_NONE;
}

static void serve(struct dist_worker *w, const struct dist_rule *rule, struct received *in)
{
	struct dist_rule_stats *stats;
	enum dist_drop_reason reason = DIST_DROP_NONE;
	uint32_t payload_sum = 0;

	if (!rule) {
		pass(w, in->buffer, DIST_DROP_NO_RULE);
		return;
	}
	stats = &rule->state->stats[w->index];
	if (!dist_rule_takes_source(rule, &in->packet)) {
		reason = DIST_DROP_WRONG_SOURCE;
	} else if (!dist_rule_takes_media(rule, in->media)) {
		reason = DIST_DROP_WRONG_MEDIA;
	} else {
		payload_sum = dist_checksum_add(0, in->packet.payload, in->packet.payload_length);
		if (!dist_packet_checksum_right(&in->packet, payload_sum))
			reason = DIST_DROP_CHECKSUM;
	}
	if (reason != DIST_DROP_NONE) {
		dist_counter_add(&stats->drops[reason], 1);
		pass(w, in->buffer, reason);
		return;
	}
	dist_traffic_add(&stats->received, 1, in->packet.payload_length);
	dist_traffic_add(&w->stats->received, 1, in->packet.payload_length);
	if (unlikely(rule->capture != NULL)) {
		struct timespec at;

		clock_gettime(CLOCK_REALTIME, &at);
		dist_capture_add(rule->capture, in->packet.frame, in->buffer->data_len, NULL, 0,
				 (uint64_t)at.tv_sec * DIST_NS_PER_SECOND + (uint64_t)at.tv_nsec);
	}
	fan_out(w, rule, in, payload_sum);
}

static void take(struct dist_worker *w, struct rte_mbuf **buffers, unsigned count)
{
	struct received in[DIST_WORKER_BURST];
	const struct dist_flow_key *keys[DIST_WORKER_BURST];
	const struct dist_rule *rules[DIST_WORKER_BURST];
	unsigned media = 0;
	bool draining = atomic_load_explicit(&w->draining, memory_order_relaxed);

	w->now_ns = dist_clock_now_ns();
	w->out.wait_until_ns = w->now_ns + DIST_PORT_WAIT_NS;
	for (unsigned i = 0; i < count; i++) {
		struct received *one = &in[media];
		enum dist_drop_reason reason;

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(rte_pktmbuf_mtod(buffers[i + PREFETCH_AHEAD], const void *));
		one->buffer = buffers[i];
		reason = read_frame(w, one);
		if (reason == DIST_DROP_NONE && draining)
			reason = DIST_DROP_DRAINING;
		if (reason != DIST_DROP_NONE) {
			pass(w, one->buffer, reason);
			continue;
		}
		keys[media++] = &one->key;
	}
	if (media == 0)
		return;
	dist_rule_table_rcu_find_burst(w->table, keys, media, rules);
	for (unsigned i = 0; i < media; i++)
		serve(w, rules[i], &in[i]);
	dist_port_sender_flush(&w->out);
	dist_local_sender_flush(&w->local);
}

/* What the kernel sends by the tap goes out of the port. */
static unsigned relay_kernel(struct dist_worker *w)
{
	struct rte_mbuf *buffers[DIST_WORKER_BURST];
	uint16_t queue = (uint16_t)w->index;
	uint16_t count = rte_eth_rx_burst(w->port->kernel_id, queue, buffers, DIST_WORKER_BURST);
	uint16_t sent = count ? rte_eth_tx_burst(w->port->send_id, queue, buffers, count) : 0;

	if (sent < count)
		rte_pktmbuf_free_bulk(buffers + sent, (unsigned)(count - sent));
	return count;
}

static void rest(struct dist_worker *w, uint32_t sleep_us)
{
	const struct timespec time = {.tv_nsec = (long)sleep_us * 1000};
	struct pollfd packets = {.fd = w->descriptor, .events = POLLIN};

	dist_rule_table_rcu_offline(w->table, w->index);
	dist_counter_add(&w->stats->sleeps, 1);
	/* A socket whose interface has gone away is always ready, with nothing but an error. */
	if (w->descriptor < 0 || (ppoll(&packets, 1, &time, NULL) > 0 && !(packets.revents & POLLIN)))
		nanosleep(&time, NULL);
	dist_rule_table_rcu_online(w->table, w->index);
}

int dist_worker_run(void *worker)
{
	struct dist_worker *w = worker;
	struct rte_mbuf *buffers[DIST_WORKER_BURST];

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
	dist_rule_table_rcu_online(w->table, w->index);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		unsigned count = rte_eth_rx_burst(w->port->id, (uint16_t)w->index, buffers, DIST_WORKER_BURST);
		uint32_t sleep_us;

		dist_counter_add(&w->stats->polls, 1);
		if (count)
			take(w, buffers, count);
		if (w->port->has_kernel)
			count += relay_kernel(w);
		dist_counter_add(&w->turns, 1);
		dist_rule_table_rcu_quiescent(w->table, w->index);
		if (count) {
			dist_idle_busy(&w->idle);
			continue;
		}
		dist_counter_add(&w->stats->empty_polls, 1);
		sleep_us = dist_idle_empty(&w->idle);
		if (sleep_us)
			rest(w, sleep_us);
		else
			rte_pause();
	}
	dist_rule_table_rcu_offline(w->table, w->index);
	rte_pktmbuf_free_bulk(w->spare, w->spare_count);
	w->spare_count = 0;
	return 0;
}
