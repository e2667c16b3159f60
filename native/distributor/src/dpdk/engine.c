/*
 * The engine `dpdk`: puts plan, port, steering, neighbours and workers together, in the order in which they need each
 * other, and takes them apart the other way round.
 */
#include "../engine.h"

#include "../clock.h"
#include "../log.h"
#include "eal.h"
#include "generator.h"
#include "groups.h"
#include "links.h"
#include "netdev.h"
#include "port.h"
#include "port_watch.h"
#include "probe.h"
#include "steering.h"
#include "telemetry.h"
#include "worker.h"

#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>

struct dist_engine {
	struct dist_engine_options options;
	struct dist_engine_facts facts;
	struct dist_plan plan;
	struct dist_steering steering;
	struct dist_port port;
	struct dist_generator generator;
	struct dist_groups groups;
	struct dist_links links;
	struct dist_port_watch watch;
	struct dist_rule_table *table;
	struct dist_worker_stats *stats;
	struct dist_worker *workers;
	unsigned lcores[DIST_WORKERS_MAX];
	bool eal_started, port_opened, running, draining;
	uint64_t turns_at_drain[DIST_WORKERS_MAX];
};

static void engine_close(struct dist_engine *engine);

/* The MTU of the netdev, in bytes of IP packet; the plan's where there is none yet. */
static uint16_t read_mtu(const struct dist_plan *plan)
{
	unsigned mtu = plan->netdev && !*plan->kernel_device ? dist_netdev_mtu(plan->netdev) : 0;

	return mtu > 0 && mtu < UINT16_MAX ? (uint16_t)mtu : plan->link.mtu;
}

static bool open_steering(struct dist_engine *e, const char *program, struct dist_error *error)
{
	switch (e->plan.backend) {
	case DIST_BACKEND_AF_XDP:
		return dist_steering_open_steer(&e->steering, error);
	case DIST_BACKEND_AF_PACKET:
		return dist_steering_open_shade(&e->steering, program, error);
	default:
		return true;
	}
}

static bool open_links(struct dist_engine *e, struct dist_error *error)
{
	unsigned index = e->plan.netdev ? if_nametoindex(e->plan.netdev) : 0;

	e->groups.interface_index = (int)index;
	e->watch = (struct dist_port_watch){.plan = &e->plan, .port = &e->port, .interface_index = index};
	return dist_links_open(&e->links, &e->plan, &e->port, error);
}

static bool open_workers(struct dist_engine *e, struct dist_error *error)
{
	unsigned count = e->options.queues, found = 0, lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
		if (found < count)
			e->lcores[found++] = lcore;
	if (found < count)
		return dist_error_set(error, "CORES_MISSING",
				      "%u queues need as many workers, and DPDK gives %u; ask for fewer queues", count, found);
	e->table = dist_rule_table_rcu_new("rules", count, e->options.flows_max);
	/* One more for what is counted in the kernel. */
	e->stats = aligned_alloc(DIST_CACHE_LINE, (count + 1) * sizeof(*e->stats));
	e->workers = aligned_alloc(DIST_CACHE_LINE, count * sizeof(*e->workers));
	if (!e->table || !e->stats || !e->workers)
		return dist_error_set(error, "ENGINE_FAILED", "no memory for %u workers and %u flows", count,
				      e->options.flows_max);
	memset(e->stats, 0, (count + 1) * sizeof(*e->stats));
	memset(e->workers, 0, count * sizeof(*e->workers));
	for (unsigned i = 0; i < count; i++) {
		struct dist_worker *worker = &e->workers[i];

		worker->index = i;
		worker->port = &e->port;
		worker->table = dist_rule_table_rcu_of(e->table);
		worker->stats = &e->stats[i];
		worker->out.port = &e->port;
		worker->out.stats = &e->stats[i];
		worker->out.queue = (uint16_t)i;
		dist_local_sender_init(&worker->local, &e->stats[i], e->links.local_v4, e->links.local_v6);
		worker->descriptor = e->port.has_kernel ? -1 : e->port.descriptors[i];
		worker->idle.mode = e->options.idle;
		worker->idle.woken = worker->descriptor >= 0;
	}
	return true;
}

static void fill_facts(struct dist_engine *e)
{
	e->facts = (struct dist_engine_facts){.backend = e->plan.backend_name,
					      .ipv4 = true,
					      .ipv6 = true,
					      .vlan = true,
					      .dscp = true,
					      .ttl = true,
					      .multicast = true,
					      .source_port = true};
}

static bool open_all(struct dist_engine *e, struct dist_error *error)
{
	char program[512];
	bool claims;

	if (e->options.program)
		snprintf(program, sizeof(program), "%s", e->options.program);
	else
		dist_probe_program(strcmp(e->options.backend, "af_packet") == 0 ? FLOW_PROGRAM_SHADE : FLOW_PROGRAM_STEER,
				   program, sizeof(program));
	if (!dist_plan_make(&e->options, program, &e->plan, error) ||
	    !dist_probe(&e->options, &e->plan, program, error))
		return false;
	claims = e->plan.backend == DIST_BACKEND_AF_XDP || e->plan.backend == DIST_BACKEND_AF_PACKET;
	if (claims && (!dist_steering_claim(&e->steering, e->plan.netdev, error) ||
		       !dist_steering_remove_stale(&e->steering, error)))
		return false;
	if (!dist_eal_choose_pages(&e->options, &e->plan, error) || !dist_eal_start(&e->options, &e->plan, error))
		return false;
	e->eal_started = true;
	e->port_opened = true;
	if (!dist_port_open(&e->port, &e->options, &e->plan, read_mtu(&e->plan), error))
		return false;
	fill_facts(e);
	return open_steering(e, program, error) && open_links(e, error) && open_workers(e, error);
}

/* libbpf's own lines on stderr are not JSON. */
static int log_bpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[512];
	int length = vsnprintf(text, sizeof(text), format, arguments);

	if (length > (int)sizeof(text) - 1)
		length = sizeof(text) - 1;
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = 0;
	dist_log(level == LIBBPF_WARN ? DIST_LOG_INFO : DIST_LOG_DEBUG, "bpf.log", "%s", text);
	return length;
}

static struct dist_engine *engine_open(const struct dist_engine_options *options, struct dist_error *error)
{
	struct dist_engine *e = aligned_alloc(DIST_CACHE_LINE, RTE_ALIGN(sizeof(*e), DIST_CACHE_LINE));
	struct dist_telemetry telemetry;

	if (!e) {
		dist_error_set(error, "ENGINE_FAILED", "no memory for the engine");
		return NULL;
	}
	memset(e, 0, sizeof(*e));
	e->options = *options;
	if (!e->options.backend)
		e->options.backend = "af_xdp";
	dist_links_init(&e->links);
	dist_steering_init(&e->steering);
	libbpf_set_print(log_bpf);
	if (!open_all(e, error)) {
		engine_close(e);
		return NULL;
	}
	telemetry = (struct dist_telemetry){
		.workers = e->stats, .worker_count = options->queues + 1, .port = &e->port, .steering = &e->steering};
	dist_telemetry_open(&telemetry);
	dist_log(DIST_LOG_INFO, "engine.opened", "dpdk on %s%s%s: %u queue%s, payload %s, %s", e->plan.backend_name,
		 e->plan.netdev ? " " : "", e->plan.netdev ? e->plan.netdev : "", options->queues,
		 options->queues == 1 ? "" : "s", e->port.by_reference ? "shared by reference" : "copied",
		 e->options.huge_pages == DIST_HUGE_PAGES_NEVER ? "no hugepages" : "hugepages");
	return e;
}

static bool engine_start(struct dist_engine *e, struct dist_error *error)
{
	if (!dist_port_start(&e->port, error))
		return false;
	e->running = true;
	for (unsigned i = 0; i < e->options.queues; i++)
		if (rte_eal_remote_launch(dist_worker_run, &e->workers[i], e->lcores[i]) != 0)
			return dist_error_set(error, "ENGINE_FAILED", "the worker on lcore %u does not start", e->lcores[i]);
	return dist_generator_start(&e->generator, &e->plan, error);
}

static void engine_stop(struct dist_engine *e)
{
	if (!e->running)
		return;
	dist_steering_remove_all(&e->steering);
	dist_generator_stop(&e->generator);
	for (unsigned i = 0; i < e->options.queues; i++)
		atomic_store(&e->workers[i].stop, true);
	for (unsigned i = 0; i < e->options.queues; i++)
		rte_eal_wait_lcore(e->lcores[i]);
	e->running = false;
}

static void engine_close(struct dist_engine *e)
{
	if (!e)
		return;
	engine_stop(e);
	dist_telemetry_close();
	dist_groups_leave_all(&e->groups);
	dist_links_close(&e->links);
	if (e->table)
		e->table->ops->destroy(e->table);
	/* The port first: its driver takes the program off, and only then may another distributor claim the port. */
	if (e->port_opened)
		dist_port_close(&e->port);
	dist_steering_close(&e->steering);
	if (e->eal_started)
		dist_eal_stop();
	free(e->stats);
	free(e->workers);
	free(e);
}

static struct dist_rule_table *engine_rule_table(struct dist_engine *e)
{
	return e->table;
}

static bool flow_add(struct dist_engine *e, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	if (!dist_groups_join(&e->groups, &key->destination, error))
		return false;
	if (dist_steering_add(&e->steering, key, media, error))
		return true;
	dist_groups_leave(&e->groups, &key->destination);
	return false;
}

static bool flow_change(struct dist_engine *e, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	return dist_steering_add(&e->steering, key, media, error);
}

static void flow_remove(struct dist_engine *e, const struct dist_flow_key *key)
{
	dist_steering_remove(&e->steering, key);
	dist_groups_leave(&e->groups, &key->destination);
}

/* Receivers come by the ten thousand, and the kernel is asked for each: the guard must not run out meanwhile. */
static void keep_guard(struct dist_engine *e)
{
	if (e->steering.kind == DIST_STEERING_SHADE)
		dist_steering_keep(&e->steering, dist_clock_now_ns());
}

static bool receiver_add(struct dist_engine *e, const struct dist_match *match, const struct dist_receiver_spec *receiver,
			 struct dist_error *error)
{
	(void)match;
	keep_guard(e);
	return dist_links_want(&e->links, receiver, error);
}

static void receiver_remove(struct dist_engine *e, const struct dist_match *match,
			    const struct dist_receiver_spec *receiver)
{
	(void)match;
	dist_links_forget(&e->links, receiver);
}

static bool link_find(void *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		      struct dist_link *link)
{
	struct dist_engine *e = engine;

	(void)match;
	return dist_links_find(&e->links, receiver, link);
}

static int control_fd(struct dist_engine *e)
{
	return e->links.neighbours ? dist_neighbours_descriptor(e->links.neighbours) : -1;
}

static bool control(struct dist_engine *e, uint64_t now_ns)
{
	dist_steering_keep(&e->steering, now_ns);
	if (!e->links.neighbours)
		return false;
	dist_port_watch_look(&e->watch, now_ns, e->options.fault, e->options.fault_context);
	return dist_neighbours_process(e->links.neighbours, now_ns);
}

static bool drain(struct dist_engine *e)
{
	bool done = true;

	if (!e->draining) {
		e->draining = true;
		/* First to the kernel, then no more: so media has a way at any time. */
		dist_steering_remove_all(&e->steering);
		for (unsigned i = 0; i < e->options.queues; i++)
			e->turns_at_drain[i] = dist_counter_read(&e->workers[i].turns);
		return false;
	}
	for (unsigned i = 0; i < e->options.queues; i++) {
		uint64_t turns = dist_counter_read(&e->workers[i].turns) - e->turns_at_drain[i];

		/* What had been steered to us before is taken in by now, and sent. */
		if (turns >= 2)
			atomic_store(&e->workers[i].draining, true);
		/* A worker that sleeps has nothing. */
		done &= turns >= 4 || !e->running;
	}
	return done;
}

static const struct dist_worker_stats *worker_stats(struct dist_engine *e, unsigned *worker_count)
{
	struct dist_worker_stats *kernel = &e->stats[e->options.queues];

	dist_steering_count(&e->steering, kernel);
	/* Its writer is this thread. */
	atomic_store_explicit(&kernel->drops[DIST_DROP_MISSED], dist_port_missed(&e->port), memory_order_relaxed);
	*worker_count = e->options.queues + 1;
	return e->stats;
}

static enum dist_capture_link capture_link(struct dist_engine *e)
{
	(void)e;
	return DIST_CAPTURE_ETHERNET;
}

static const struct dist_engine_facts *facts(struct dist_engine *e)
{
	return &e->facts;
}

const struct dist_engine_ops dist_dpdk_engine = {
	.name = "dpdk",
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
