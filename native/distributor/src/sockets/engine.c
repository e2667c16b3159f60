/*
 * The sockets engine: needs no right, no device and no DPDK. The kernel has parsed the packets, so what is left to its one
 * worker is to classify them and to send them on (worker.h). Here: the control thread's side.
 */
#include "engine.h"

#include "clock.h"
#include "log.h"
#include "rule_table_simple.h"
#include "sender.h"
#include "worker.h"

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

#define WORKERS 1
/* Where control counts what no worker sees. */
#define KERNEL WORKERS
#define INTERFACE_LOOK_NS DIST_NS_PER_SECOND
#define MISSED_LOOK_NS DIST_NS_PER_SECOND

struct dist_engine {
	struct dist_engine_options options;
	struct dist_engine_facts facts;
	struct dist_rule_table *table;
	struct dist_worker_stats stats[WORKERS + 1];
	struct dist_socket_flow *flows;
	struct dist_senders senders;
	int epoll;
	int wake; /* an eventfd: the worker is to look whether it still runs */
	bool started;
	pthread_t thread;
	unsigned interface_index; /* 0: packets of any */
	bool interface_gone;
	uint64_t interface_looked_ns;
	uint64_t missed_looked_ns;
	uint64_t missed_before; /* by flows that are gone */
	struct dist_sockets_worker worker;
};

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

static struct dist_engine *engine_open(const struct dist_engine_options *options, struct dist_error *error)
{
	if (options->interface != NULL && if_nametoindex(options->interface) == 0) {
		dist_error_set(error, "PORT_MISSING", "there is no interface \"%s\" here; `ip link` lists them", options->interface);
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
	engine->worker.table = engine->table;
	engine->worker.stats = engine->stats;
	engine->worker.idle = options->idle;
	engine->worker.epoll = engine->epoll;
	engine->worker.fan_out.senders = &engine->senders;
	dist_sockets_worker_init(&engine->worker, options->port_bits_per_second);
	return engine;
}

static bool engine_start(struct dist_engine *engine, struct dist_error *error)
{
	atomic_store(&engine->worker.runs, true);
	int failed = pthread_create(&engine->thread, NULL, dist_sockets_worker_run, &engine->worker);
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
	atomic_store(&engine->worker.runs, false);
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
		engine->missed_before += dist_socket_flow_missed(flow);
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
static void look_after_interface(struct dist_engine *engine, uint64_t now_ns)
{
	const char *name = engine->options.interface;
	char text[128];

	if (name == NULL || now_ns - engine->interface_looked_ns < INTERFACE_LOOK_NS)
		return;
	engine->interface_looked_ns = now_ns;
	unsigned index = if_nametoindex(name);
	if (index == engine->interface_index)
		return;
	if (index != 0) {
		snprintf(text, sizeof(text), "interface %s has come back as another one", name);
		engine->options.fault(engine->options.fault_context, "ENGINE_FAILED", text);
	} else if (!engine->interface_gone) {
		engine->interface_gone = true;
		snprintf(text, sizeof(text), "interface %s is gone", name);
		engine->options.fault(engine->options.fault_context, "PORT_GONE", text);
	}
}

/* What sockets had no room for. */
static void count_missed(struct dist_engine *engine, uint64_t now_ns)
{
	uint64_t missed = engine->missed_before;

	engine->missed_looked_ns = now_ns;
	for (const struct dist_socket_flow *flow = engine->flows; flow != NULL; flow = flow->next)
		missed += dist_socket_flow_missed(flow);
	atomic_store_explicit(&engine->stats[KERNEL].drops[DIST_DROP_MISSED], missed, memory_order_relaxed);
}

static bool control(struct dist_engine *engine, uint64_t now_ns)
{
	look_after_interface(engine, now_ns);
	if (now_ns - engine->missed_looked_ns >= MISSED_LOOK_NS)
		count_missed(engine, now_ns);
	return false;
}

/* What was read is sent before the worker reads again. */
static bool drain(struct dist_engine *engine)
{
	engine->table->ops->synchronize(engine->table);
	return true;
}

static const struct dist_worker_stats *worker_stats(struct dist_engine *engine, unsigned *worker_count)
{
	*worker_count = WORKERS + 1;
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
