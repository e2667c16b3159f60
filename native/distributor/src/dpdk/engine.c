/*
 * The engine `dpdk`: puts plan, port, steering, neighbours and workers together, in the order in which they need each
 * other, and takes them apart the other way round.
 */
#include "../engine.h"

#include "../clock.h"
#include "../log.h"
#include "../neighbours.h"
#include "eal.h"
#include "generator.h"
#include "groups.h"
#include "port.h"
#include "probe.h"
#include "steering.h"
#include "telemetry.h"
#include "worker.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

/* Entries in use are asked for again this often; the kernel lets them grow stale after 15 to 45 s. */
#define NEIGHBOUR_REFRESH_MS 5000
#define NEIGHBOUR_RETRY_MS 1000
#define LINK_CHECK_NS DIST_NS_PER_SECOND

struct dist_engine {
	struct dist_engine_options options;
	struct dist_engine_facts facts;
	struct dist_plan plan;
	struct dist_steering steering;
	struct dist_port port;
	struct dist_generator generator;
	struct dist_groups groups;
	struct dist_neighbours *neighbours; /* NULL: the plan's link holds for everybody */
	struct dist_rule_table *table;
	struct dist_worker_stats *stats;
	struct dist_worker *workers;
	unsigned lcores[DIST_WORKERS_MAX];
	int local_v4, local_v6;
	bool eal_started, port_opened, running, draining;
	bool was_down, was_gone;
	uint64_t link_checked_ns;
	uint64_t turns_at_drain[DIST_WORKERS_MAX];
};

static void engine_close(struct dist_engine *engine);

/* The MTU of the netdev, in bytes of IP packet; the plan's where there is none yet. */
static uint16_t read_mtu(const struct dist_plan *plan)
{
	struct ifreq request = {0};
	int descriptor;
	int code;

	if (!plan->netdev || *plan->kernel_device)
		return plan->link.mtu;
	strncpy(request.ifr_name, plan->netdev, sizeof(request.ifr_name) - 1);
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	code = ioctl(descriptor, SIOCGIFMTU, &request);
	close(descriptor);
	return code == 0 && request.ifr_mtu > 0 && request.ifr_mtu < UINT16_MAX ? (uint16_t)request.ifr_mtu : plan->link.mtu;
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

static bool open_neighbours(struct dist_engine *e, struct dist_error *error)
{
	struct dist_neighbours_settings settings = {.refresh_ms = NEIGHBOUR_REFRESH_MS,
						    .retry_ms = NEIGHBOUR_RETRY_MS,
						    .addresses_max = DIST_RECEIVERS_MAX};

	if (!e->plan.netdev)
		return true;
	settings.interface_index = (int)if_nametoindex(e->plan.netdev);
	e->groups.interface_index = settings.interface_index;
	e->neighbours = dist_neighbours_open(&settings);
	if (!e->neighbours)
		return dist_error_set(error, "ENGINE_FAILED", "the kernel's routes cannot be read: %s", strerror(errno));
	/* Without the right to do so, receivers on this machine stay unresolved. */
	e->local_v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	e->local_v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return true;
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
		worker->descriptor = e->port.has_kernel ? -1 : e->port.descriptors[i];
		worker->local_v4 = e->local_v4;
		worker->local_v6 = e->local_v6;
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
	if (!dist_eal_start(&e->options, &e->plan, error))
		return false;
	e->eal_started = true;
	e->port_opened = true;
	if (!dist_port_open(&e->port, &e->options, &e->plan, read_mtu(&e->plan), error))
		return false;
	fill_facts(e);
	return open_steering(e, program, error) && open_neighbours(e, error) && open_workers(e, error);
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
	e->local_v4 = -1;
	e->local_v6 = -1;
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
		 options->huge_pages ? "hugepages" : "no hugepages");
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
	dist_neighbours_close(e->neighbours);
	if (e->local_v4 >= 0)
		close(e->local_v4);
	if (e->local_v6 >= 0)
		close(e->local_v6);
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

static bool receiver_add(struct dist_engine *e, const struct dist_match *match, const struct dist_receiver_spec *receiver,
			 struct dist_error *error)
{
	(void)match;
	if (!e->neighbours || dist_neighbours_want(e->neighbours, &receiver->address, receiver->vlan))
		return true;
	return dist_error_set(error, "RECEIVERS_LIMIT", "the engine watches the neighbours of %u addresses already",
			      DIST_RECEIVERS_MAX);
}

static void receiver_remove(struct dist_engine *e, const struct dist_match *match,
			    const struct dist_receiver_spec *receiver)
{
	(void)match;
	if (e->neighbours)
		dist_neighbours_forget(e->neighbours, &receiver->address, receiver->vlan);
}

static void fixed_link(const struct dist_engine *e, const struct dist_address *address, struct dist_link *link)
{
	memcpy(link->source_mac, e->port.mac, sizeof(link->source_mac));
	memcpy(link->destination_mac, e->plan.link.target_mac, sizeof(link->destination_mac));
	if (dist_address_is_multicast(address))
		dist_neighbours_group_mac(address, link->destination_mac);
	link->source = dist_address_is_v4(address) ? e->plan.link.source_v4 : e->plan.link.source_v6;
	link->mtu = e->plan.link.mtu;
}

static bool link_find(void *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		      struct dist_link *link)
{
	struct dist_engine *e = engine;
	struct dist_hop hop;
	bool v4 = dist_address_is_v4(&receiver->address);

	(void)match;
	memset(link, 0, sizeof(*link));
	if (!e->neighbours) {
		fixed_link(e, &receiver->address, link);
		return true;
	}
	hop = dist_neighbours_find(e->neighbours, &receiver->address, receiver->vlan);
	link->source = hop.source;
	link->mtu = (uint16_t)(hop.mtu < UINT16_MAX ? hop.mtu : UINT16_MAX);
	if (hop.state == DIST_HOP_LOCAL) {
		link->port = DIST_PORT_LOCAL;
		return (v4 ? e->local_v4 : e->local_v6) >= 0;
	}
	if (hop.state != DIST_HOP_RESOLVED)
		return false;
	/* No frame leaves that is larger than the port's own buffers. */
	if (link->mtu > e->port.mtu)
		link->mtu = e->port.mtu;
	memcpy(link->source_mac, hop.source_mac, sizeof(link->source_mac));
	memcpy(link->destination_mac, hop.target_mac, sizeof(link->destination_mac));
	return true;
}

static int control_fd(struct dist_engine *e)
{
	return e->neighbours ? dist_neighbours_descriptor(e->neighbours) : -1;
}

static void fault(struct dist_engine *e, const char *code, const char *text)
{
	if (e->options.fault)
		e->options.fault(e->options.fault_context, code, text);
}

/* The drivers of netdevs always say that they have a link; the kernel knows. */
static bool is_down(const struct dist_engine *e)
{
	struct rte_eth_link link;
	struct ifreq request = {0};
	int descriptor, code;

	if (*e->plan.kernel_device)
		return rte_eth_link_get_nowait(e->port.id, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
	strncpy(request.ifr_name, e->plan.netdev, sizeof(request.ifr_name) - 1);
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	code = ioctl(descriptor, SIOCGIFFLAGS, &request);
	close(descriptor);
	return code == 0 && (request.ifr_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING);
}

static void check_link(struct dist_engine *e)
{
	/* An interface that came back under its name is another one: sockets and program are gone with the first. */
	bool gone = !*e->plan.kernel_device && if_nametoindex(e->plan.netdev) != (unsigned)e->groups.interface_index;
	bool down = !gone && is_down(e);

	if (gone && !e->was_gone) {
		fault(e, "PORT_GONE", "the interface of the port is gone");
		fault(e, "ENGINE_FAILED", "without its port the engine cannot go on; it has to be started again");
	} else if (down && !e->was_down) {
		fault(e, "PORT_DOWN", "the port has no link");
	}
	e->was_gone = gone;
	e->was_down = down;
}

static bool control(struct dist_engine *e, uint64_t now_ns)
{
	dist_steering_keep(&e->steering, now_ns);
	if (!e->neighbours)
		return false;
	if (now_ns - e->link_checked_ns >= LINK_CHECK_NS) {
		e->link_checked_ns = now_ns;
		check_link(e);
	}
	return dist_neighbours_process(e->neighbours, now_ns);
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

static void set(dist_counter *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

/*
 * What the program of AF_XDP has left to the kernel never comes to a worker; it counts like one more of them. (Behind
 * AF_PACKET the workers read everything and count it themselves.)
 */
static void count_steering(struct dist_engine *e)
{
	static const struct {
		enum flow_count count;
		enum dist_drop_reason reason;
	} reasons[] = {
		{FLOW_COUNT_NO_MEDIA, DIST_DROP_NO_MEDIA},     {FLOW_COUNT_WRONG_MEDIA, DIST_DROP_WRONG_MEDIA},
		{FLOW_COUNT_FRAGMENT, DIST_DROP_FRAGMENT},     {FLOW_COUNT_IP_OPTIONS, DIST_DROP_IP_OPTIONS},
		{FLOW_COUNT_IP_HEADER, DIST_DROP_IP_HEADER},   {FLOW_COUNT_UDP_LENGTH, DIST_DROP_UDP_LENGTH},
	};
	struct dist_worker_stats *kernel = &e->stats[e->options.queues];
	uint64_t counts[FLOW_COUNTS];
	uint64_t passed;

	if (e->steering.kind != DIST_STEERING_STEER || !dist_steering_counts(&e->steering, counts))
		return;
	passed = counts[FLOW_COUNT_UNGUARDED];
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		set(&kernel->drops[reasons[i].reason], counts[reasons[i].count]);
		passed += counts[reasons[i].count];
	}
	set(&kernel->passed, passed);
}

static const struct dist_worker_stats *worker_stats(struct dist_engine *e, unsigned *worker_count)
{
	count_steering(e);
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
