#include "still_engine.h"

#include "rule_table_simple.h"

#include <stdlib.h>
#include <string.h>

/* Flows on this port are refused, as an engine may. */
#define REFUSED_PORT 6666

struct dist_engine {
	struct dist_engine_facts facts;
	struct dist_rule_table *table;
	struct dist_worker_stats stats[1];
	int receivers; /* added and not removed */
};

int still_engine_receivers(const struct dist_engine *engine)
{
	return engine->receivers;
}

static struct dist_engine *still_open(const struct dist_engine_options *options, struct dist_error *error)
{
	struct dist_engine *engine = aligned_alloc(DIST_CACHE_LINE, sizeof(*engine));
	(void)error;

	if (engine == NULL)
		abort();
	memset(engine, 0, sizeof(*engine));
	engine->facts = (struct dist_engine_facts){.backend = "still",
						   .ipv4 = true,
						   .ipv6 = true,
						   .vlan = true,
						   .dscp = true,
						   .ttl = true,
						   .multicast = true,
						   .source_port = true};
	engine->table = dist_rule_table_simple_new(1, options->flows_max);
	return engine;
}

static bool start(struct dist_engine *engine, struct dist_error *error)
{
	(void)engine, (void)error;
	return true;
}

static void stop(struct dist_engine *engine)
{
	(void)engine;
}

static void still_close(struct dist_engine *engine)
{
	engine->table->ops->destroy(engine->table);
	free(engine);
}

static struct dist_rule_table *rule_table(struct dist_engine *engine)
{
	return engine->table;
}

static bool flow_add(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	(void)engine, (void)media;
	return ntohs(key->port_be) != REFUSED_PORT ||
	       dist_error_set(error, "ENGINE_FAILED", "port %d is refused", REFUSED_PORT);
}

static bool flow_change(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media, struct dist_error *error)
{
	return flow_add(engine, key, media, error);
}

static void flow_remove(struct dist_engine *engine, const struct dist_flow_key *key)
{
	(void)engine, (void)key;
}

static bool receiver_add(struct dist_engine *engine, const struct dist_match *match,
			 const struct dist_receiver_spec *receiver, struct dist_error *error)
{
	(void)match;
	if (receiver->port == REFUSED_PORT)
		return dist_error_set(error, "ENGINE_FAILED", "port %d is refused", REFUSED_PORT);
	engine->receivers++;
	return true;
}

static void receiver_remove(struct dist_engine *engine, const struct dist_match *match,
			    const struct dist_receiver_spec *receiver)
{
	(void)match, (void)receiver;
	if (--engine->receivers < 0)
		abort();
}

static bool link_find(void *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		      struct dist_link *link)
{
	(void)engine, (void)match;
	link->mtu = 1500;
	return receiver->port % 2 == 0;
}

static int control_fd(struct dist_engine *engine)
{
	(void)engine;
	return -1;
}

static bool control(struct dist_engine *engine, uint64_t now_ns)
{
	(void)engine, (void)now_ns;
	return false;
}

static bool drain(struct dist_engine *engine)
{
	(void)engine;
	return true;
}

static const struct dist_worker_stats *worker_stats(struct dist_engine *engine, unsigned *worker_count)
{
	*worker_count = 1;
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

const struct dist_engine_ops still_engine = {
	.name = "still",
	.open = still_open,
	.start = start,
	.stop = stop,
	.close = still_close,
	.rule_table = rule_table,
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
