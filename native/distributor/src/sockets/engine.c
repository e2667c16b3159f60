/*
 * The sockets engine: needs no right, no device and no DPDK. One worker reads what comes in on any flow's socket
 * (recvmmsg) and sends it on (sendmmsg, UDP_SEGMENT). The kernel has parsed the packets, so what is left here is to
 * classify them.
 */
#include "engine.h"

#include "checksum.h"
#include "classify.h"
#include "clock.h"
#include "fan_out.h"
#include "flow.h"
#include "frame.h"
#include "log.h"
#include "rule_table_simple.h"
#include "sender.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKER 0
#define WORKERS 1
#define EVENTS_PER_WAIT 64
/* A datagram that is larger is counted as jumbo: no link of ours takes it in one packet. */
#define PACKET_BYTES 9216
/* What may leave at once where the port is paced. */
#define PORT_BURST_BYTES 65536
#define INTERFACE_LOOK_NS DIST_NS_PER_SECOND

struct dist_engine {
	struct dist_engine_options options;
	struct dist_engine_facts facts;
	struct dist_rule_table *table;
	struct dist_worker_stats stats[WORKERS];
	struct dist_socket_flow *flows;
	struct dist_senders senders;
	int epoll;
	int wake; /* an eventfd: the worker is to look whether it still runs */
	atomic_bool runs;
	bool started;
	pthread_t thread;
	unsigned interface_index; /* 0: packets of any */
	bool interface_gone;
	uint64_t interface_looked_ns;

	/* The worker's: one batch as it came in, and its way out. */
	struct mmsghdr received[DIST_BATCH_PACKETS];
	struct iovec received_at[DIST_BATCH_PACKETS];
	union dist_sockaddr received_from[DIST_BATCH_PACKETS];
	uint8_t packets[DIST_BATCH_PACKETS][PACKET_BYTES];
	struct dist_fan_out fan_out;
};

/* ---- The worker. No allocation and no lock from here to its loop. */

static unsigned receive(struct dist_engine *engine, int fd)
{
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++)
		engine->received[i].msg_hdr.msg_namelen = sizeof(engine->received_from[i]);
	int count = recvmmsg(fd, engine->received, DIST_BATCH_PACKETS, MSG_DONTWAIT, NULL);
	return count > 0 ? (unsigned)count : 0;
}

/* What a capture shows of a packet that the kernel has unpacked: an IP packet with what is known of it. */
static void capture(const struct dist_engine *engine, const struct dist_rule *rule, unsigned at,
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
			 engine->packets[at], packet->payload_length,
			 (uint64_t)now.tv_sec * DIST_NS_PER_SECOND + (uint64_t)now.tv_nsec);
}

/* Why packet `at` of the batch goes to nobody, or DIST_DROP_NONE. Fills what is known of the packet. */
static enum dist_drop_reason judge(const struct dist_engine *engine, const struct dist_rule *rule, unsigned at,
				   struct dist_packet *packet)
{
	const struct mmsghdr *message = &engine->received[at];

	if ((message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
		return DIST_DROP_JUMBO;
	packet->payload = engine->packets[at];
	packet->payload_length = (uint16_t)message->msg_len;
	dist_address_from_sockaddr(&engine->received_from[at], &packet->source, &packet->source_port);
	enum dist_media media = dist_classify(packet->payload, packet->payload_length);
	if (media == DIST_MEDIA_NONE)
		return DIST_DROP_NO_MEDIA;
	if (rule == NULL)
		return DIST_DROP_NO_RULE;
	if (!dist_rule_takes_source(rule, packet))
		return DIST_DROP_WRONG_SOURCE;
	return dist_rule_takes_media(rule, media) ? DIST_DROP_NONE : DIST_DROP_WRONG_MEDIA;
}

static void serve_flow(struct dist_engine *engine, const struct dist_socket_flow *flow)
{
	unsigned count = receive(engine, flow->fd);
	const struct dist_rule *rule = dist_rule_table_simple_find(dist_rule_table_simple_of(engine->table), &flow->key);
	struct dist_fan_out *fan_out = &engine->fan_out;
	uint64_t bytes = 0;

	fan_out->packet_count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct dist_packet packet = {0};
		enum dist_drop_reason reason = judge(engine, rule, i, &packet);
		if (reason != DIST_DROP_NONE) {
			if (rule != NULL)
				dist_drop_packet(&engine->stats[WORKER], &rule->state->stats[WORKER], reason);
			else
				dist_drop_frame(&engine->stats[WORKER], reason);
			continue;
		}
		if (rule->capture != NULL)
			capture(engine, rule, i, &packet);
		fan_out->payloads[fan_out->packet_count++] =
			(struct iovec){.iov_base = engine->packets[i], .iov_len = packet.payload_length};
		bytes += packet.payload_length;
	}
	if (fan_out->packet_count == 0)
		return;
	dist_traffic_add(&engine->stats[WORKER].received, fan_out->packet_count, bytes);
	dist_traffic_add(&rule->state->stats[WORKER].received, fan_out->packet_count, bytes);
	dist_fan_out_send(fan_out, rule, WORKER, dist_clock_now_ns());
}

/*
 * Where no socket has anything it sleeps in the kernel, so that an idle distributor costs nothing; `latency` never sleeps.
 * Asleep the worker is offline, and the control thread need not wait for it; so what woke it may be gone by now, and is
 * only a reason to look again.
 */
static void sleep_until_ready(struct dist_engine *engine, struct dist_rule_table_simple *table)
{
	struct epoll_event ignored;

	dist_rule_table_simple_offline(table, WORKER);
	dist_counter_add(&engine->stats[WORKER].sleeps, 1);
	epoll_wait(engine->epoll, &ignored, 1, -1);
	dist_rule_table_simple_online(table, WORKER);
}

static void *work(void *context)
{
	struct dist_engine *engine = context;
	struct dist_rule_table_simple *table = dist_rule_table_simple_of(engine->table);
	struct dist_worker_stats *stats = &engine->stats[WORKER];
	struct epoll_event events[EVENTS_PER_WAIT];

	dist_rule_table_simple_online(table, WORKER);
	while (atomic_load_explicit(&engine->runs, memory_order_relaxed)) {
		int count = epoll_wait(engine->epoll, events, EVENTS_PER_WAIT, 0);
		dist_counter_add(&stats->polls, 1);
		for (int i = 0; i < count; i++)
			if (events[i].data.ptr != NULL)
				serve_flow(engine, events[i].data.ptr);
		dist_rule_table_simple_quiescent(table, WORKER);
		if (count > 0)
			continue;
		dist_counter_add(&stats->empty_polls, 1);
		if (engine->options.idle != DIST_IDLE_LATENCY)
			sleep_until_ready(engine, table);
	}
	dist_rule_table_simple_offline(table, WORKER);
	return NULL;
}

/* ---- The control thread's side */

static void engine_close(struct dist_engine *engine)
{
	while (engine->flows != NULL) {
		struct dist_socket_flow *flow = engine->flows;
		engine->flows = flow->next;
		dist_socket_flow_close(flow);
	}
	for (uint32_t i = 0; i < engine->senders.used; i++)
		if (engine->senders.places[i].references > 0)
			close(engine->senders.places[i].fd);
	if (engine->table != NULL)
		engine->table->ops->destroy(engine->table);
	if (engine->epoll >= 0)
		close(engine->epoll);
	if (engine->wake >= 0)
		close(engine->wake);
	free(engine);
}

/* A flow and a source port are a descriptor each: what the system would give is taken at once. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void init_batch(struct dist_engine *engine)
{
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++) {
		engine->received_at[i] = (struct iovec){.iov_base = engine->packets[i], .iov_len = PACKET_BYTES};
		engine->received[i].msg_hdr =
			(struct msghdr){.msg_name = &engine->received_from[i], .msg_iov = &engine->received_at[i], .msg_iovlen = 1};
	}
	memset(engine->packets, 0, sizeof(engine->packets)); /* no page fault later */
	engine->fan_out.senders = &engine->senders;
	engine->fan_out.stats = &engine->stats[WORKER];
	engine->fan_out.port_rate = dist_rate_of_bits(engine->options.port_bits_per_second);
	engine->fan_out.port_rate.burst = dist_rate_byte_cost(&engine->fan_out.port_rate, PORT_BURST_BYTES);
}

static struct dist_engine *engine_open(const struct dist_engine_options *options, struct dist_error *error)
{
	if (options->interface != NULL && if_nametoindex(options->interface) == 0) {
		dist_error_set(error, "PORT_GONE", "there is no interface %s; `ip link` lists those that are", options->interface);
		return NULL;
	}
	struct dist_engine *engine = aligned_alloc(DIST_CACHE_LINE, sizeof(*engine));
	if (engine == NULL) {
		dist_error_set(error, "ENGINE_FAILED", "no memory for the engine's %zu bytes", sizeof(*engine));
		return NULL;
	}
	memset(engine, 0, sizeof(*engine));
	raise_descriptor_limit();
	engine->options = *options;
	engine->interface_index = options->interface == NULL ? 0 : if_nametoindex(options->interface);
	engine->facts = (struct dist_engine_facts){.backend = "sockets",
						   .ipv4 = true,
						   .ipv6 = has_ipv6(),
						   .dscp = true,
						   .ttl = true,
						   .multicast = true,
						   .source_port = true};
	init_batch(engine);
	engine->table = dist_rule_table_simple_new(WORKERS, options->flows_max);
	engine->epoll = epoll_create1(EPOLL_CLOEXEC);
	engine->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct epoll_event wake = {.events = EPOLLIN, .data.ptr = NULL};
	if (engine->table == NULL || engine->epoll < 0 || engine->wake < 0 ||
	    epoll_ctl(engine->epoll, EPOLL_CTL_ADD, engine->wake, &wake) < 0) {
		dist_error_set(error, "ENGINE_FAILED", "the engine cannot be set up: %s", strerror(errno));
		engine_close(engine);
		return NULL;
	}
	return engine;
}

static bool engine_start(struct dist_engine *engine, struct dist_error *error)
{
	atomic_store(&engine->runs, true);
	int failed = pthread_create(&engine->thread, NULL, work, engine);
	if (failed != 0)
		return dist_error_set(error, "ENGINE_FAILED", "the worker cannot be started: %s", strerror(failed));
	engine->started = true;
	return true;
}

static void engine_stop(struct dist_engine *engine)
{
	uint64_t one = 1;

	if (!engine->started)
		return;
	atomic_store(&engine->runs, false);
	if (write(engine->wake, &one, sizeof(one)) < 0)
		dist_log(DIST_LOG_ERROR, "engine.stop", "the worker cannot be woken: %s", strerror(errno));
	pthread_join(engine->thread, NULL);
	engine->started = false;
}

static struct dist_rule_table *engine_rule_table(struct dist_engine *engine)
{
	return engine->table;
}

static bool flow_add(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	struct dist_socket_flow *flow = dist_socket_flow_open(key, engine->options.interface, error);
	(void)media; /* the kernel gives all packets of the port */

	if (flow == NULL)
		return false;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};
	if (epoll_ctl(engine->epoll, EPOLL_CTL_ADD, flow->fd, &event) < 0) {
		dist_error_set(error, "ENGINE_FAILED", "the flow's socket cannot be watched: %s", strerror(errno));
		dist_socket_flow_close(flow);
		return false;
	}
	flow->next = engine->flows;
	engine->flows = flow;
	return true;
}

static bool flow_change(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	(void)engine, (void)key, (void)media, (void)error;
	return true;
}

static void flow_remove(struct dist_engine *engine, const struct dist_flow_key *key)
{
	for (struct dist_socket_flow **at = &engine->flows; *at != NULL; at = &(*at)->next) {
		struct dist_socket_flow *flow = *at;
		if (memcmp(&flow->key, key, sizeof(*key)) != 0)
			continue;
		*at = flow->next;
		epoll_ctl(engine->epoll, EPOLL_CTL_DEL, flow->fd, NULL);
		/* The worker may be reading from it; and the port must be free when this returns. */
		engine->table->ops->synchronize(engine->table);
		dist_socket_flow_close(flow);
		return;
	}
}

static uint16_t source_port_of(const struct dist_match *match, const struct dist_receiver_spec *receiver)
{
	return receiver->source_port != 0 ? receiver->source_port : match->port;
}

static bool receiver_add(struct dist_engine *engine, const struct dist_match *match,
			 const struct dist_receiver_spec *receiver, struct dist_error *error)
{
	return dist_senders_take(&engine->senders, dist_address_is_v4(&receiver->address), source_port_of(match, receiver),
				 engine->flows, engine->options.interface, error);
}

static void receiver_remove(struct dist_engine *engine, const struct dist_match *match,
			    const struct dist_receiver_spec *receiver)
{
	dist_senders_give(&engine->senders, dist_address_is_v4(&receiver->address), source_port_of(match, receiver));
}

/* The kernel finds the neighbours and knows the MTU: the link is the socket. */
static bool link_find(void *context, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		      struct dist_link *link)
{
	struct dist_engine *engine = context;

	link->mtu = UINT16_MAX;
	link->port = dist_senders_find(&engine->senders, dist_address_is_v4(&receiver->address),
				       source_port_of(match, receiver));
	return true;
}

static int control_fd(struct dist_engine *engine)
{
	(void)engine;
	return -1;
}

/*
 * Sockets that are bound to an interface go deaf when it is taken away, and stay so when one of its name comes back: then
 * the process ends, for whoever supervises it to start it again.
 */
static bool control(struct dist_engine *engine, uint64_t now_ns)
{
	const char *name = engine->options.interface;
	char text[128];

	if (name == NULL || now_ns - engine->interface_looked_ns < INTERFACE_LOOK_NS)
		return false;
	engine->interface_looked_ns = now_ns;
	unsigned index = if_nametoindex(name);
	if (index == engine->interface_index)
		return false;
	if (index != 0) {
		snprintf(text, sizeof(text), "interface %s has come back as another one", name);
		engine->options.fault(engine->options.fault_context, "ENGINE_FAILED", text);
	} else if (!engine->interface_gone) {
		engine->interface_gone = true;
		snprintf(text, sizeof(text), "interface %s is gone", name);
		engine->options.fault(engine->options.fault_context, "PORT_GONE", text);
	}
	return false;
}

/* What was read is sent before the worker reads again, and rules are gone when this is asked. */
static bool drain(struct dist_engine *engine)
{
	engine->table->ops->synchronize(engine->table);
	return true;
}

static const struct dist_worker_stats *worker_stats(struct dist_engine *engine, unsigned *worker_count)
{
	*worker_count = WORKERS;
	return engine->stats;
}

static enum dist_capture_link capture_link(struct dist_engine *engine)
{
	(void)engine;
	return DIST_CAPTURE_RAW_IP;
}

static const struct dist_engine_facts *facts(struct dist_engine *engine)
{
	return &engine->facts;
}

const struct dist_engine_ops dist_sockets_engine = {
	.name = "sockets",
	.open = engine_open,
	.start = engine_start,
	.stop = engine_stop,
	.close = engine_close,
	.rule_table = engine_rule_table,
	.flow_add = flow_add,
	.flow_change = flow_change,
	.flow_remove = flow_remove,
	.receiver_add = receiver_add,
	.receiver_remove = receiver_remove,
	.link_find = link_find,
	.control_fd = control_fd,
	.control = control,
	.drain = drain,
	.worker_stats = worker_stats,
	.capture_link = capture_link,
	.facts = facts,
};
