#include "port_sender.h"

#include "../clock.h"

#include <time.h>

#include <rte_ethdev.h>
#include <rte_pause.h>

/* How often a device that takes nothing is asked again before the rest of a burst is dropped. */
#define SEND_TRIES 64
/* What a frame takes on the wire beside its bytes: preamble, check sequence, gap. */
#define WIRE_MORE 24
/* A paced port gets at most this many bytes at once, and shorter waits than this are not worth a sleep. */
#define PACING_BYTES 16384
#define PACING_SLEEP_NS 60000

/*
 * Holds packets back for the port's rate instead of dropping them: the queue in front of us is the longer one. False where
 * that would take longer than what came in together may take: control must not wait for us.
 */
static bool pace(struct dist_port_sender *s, uint64_t cost)
{
	struct dist_port *port = s->port;
	uint64_t now_ns = dist_clock_now_ns();

	while (!dist_bucket_admit(&port->bucket, &port->rate, cost, now_ns)) {
		uint64_t wait_ns = dist_bucket_wait_ns(&port->bucket, &port->rate, cost, now_ns);

		if (now_ns + wait_ns > s->wait_until_ns)
			return false;
		if (wait_ns > PACING_SLEEP_NS)
			nanosleep(&(struct timespec){.tv_nsec = (long)wait_ns}, NULL);
		else
			rte_pause();
		now_ns = dist_clock_now_ns();
	}
	return true;
}

/* Gives how many frames from `from` on the device has taken. */
static unsigned hand_over(struct dist_port_sender *s, unsigned from, unsigned count)
{
	unsigned sent = 0, tries = 0;

	while (sent < count && tries < SEND_TRIES) {
		uint16_t taken = rte_eth_tx_burst(s->port->send_id, s->queue, s->frames + from + sent,
						  (uint16_t)(count - sent));

		sent += taken;
		tries += taken == 0;
	}
	return sent;
}

/* The same for all frames, in pieces that are small beside what the port may send at once. */
static unsigned hand_over_paced(struct dist_port_sender *s)
{
	unsigned at = 0;

	while (at < s->count) {
		unsigned end = at;
		uint32_t bytes = 0;

		do
			bytes += s->frames[end++]->pkt_len + WIRE_MORE;
		while (end < s->count && bytes + s->frames[end]->pkt_len + WIRE_MORE <= PACING_BYTES);
		if (!pace(s, dist_rate_byte_cost(&s->port->rate, bytes)))
			break;
		unsigned sent = hand_over(s, at, end - at);
		at += sent;
		if (at < end)
			break;
	}
	return at;
}

/* Copies follow each other by rule, so a rule's counters are written once for many of them. */
static void count_sent(struct dist_port_sender *s, unsigned sent)
{
	struct dist_rule_stats *rule = NULL;
	uint64_t packets = 0, bytes = 0, all_bytes = 0;

	for (unsigned i = 0; i < sent; i++) {
		uint16_t length = s->owners[i].payload_length;

		if (s->owners[i].rule != rule) {
			if (rule)
				dist_traffic_add(&rule->sent, packets, bytes);
			rule = s->owners[i].rule;
			packets = 0;
			bytes = 0;
		}
		dist_traffic_add(&s->owners[i].receiver->sent, 1, length);
		packets++;
		bytes += length;
		all_bytes += length;
	}
	if (rule)
		dist_traffic_add(&rule->sent, packets, bytes);
	dist_traffic_add(&s->stats->sent, sent, all_bytes);
}

void dist_port_sender_flush(struct dist_port_sender *s)
{
	if (s->count == 0)
		return;
	unsigned sent = s->port->rate.cost ? hand_over_paced(s) : hand_over(s, 0, s->count);
	count_sent(s, sent);
	for (unsigned i = sent; i < s->count; i++) {
		dist_drop_copy(s->stats, s->owners[i].rule, s->owners[i].receiver, DIST_DROP_QUEUE_FULL);
		rte_pktmbuf_free(s->frames[i]);
	}
	s->count = 0;
}
