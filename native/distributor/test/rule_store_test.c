/*
 * Many changes of some rules, against a plain model: after every commit workers read exactly what was asked for, the
 * counters of a receiver that stays are its own still, and the engine knows exactly the receivers that there are.
 */
#include "check.h"
#include "control/rule_store.h"
#include "own_network.h"

#include <stdlib.h>
#include <string.h>

#define RULES 3
#define NAMES "abc"
#define HOSTS 12
#define ROUNDS 4000

/* The sockets engine, with a count of each receiver that it knows, by rule (its port) and host. */
static struct dist_engine_ops counting;
static int known[RULES][2][HOSTS];

static int *count_of(const struct dist_match *match, const struct dist_receiver_spec *receiver)
{
	return &known[match->port / 2 % RULES][receiver->source_port != 0][receiver->address.bytes[15] - 1];
}

static bool add(struct dist_engine *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		struct dist_error *error)
{
	++*count_of(match, receiver);
	return dist_sockets_engine.receiver_add(engine, match, receiver, error);
}

static void removed(struct dist_engine *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver)
{
	CHECK(--*count_of(match, receiver) >= 0, "a receiver is removed that was not there");
	dist_sockets_engine.receiver_remove(engine, match, receiver);
}

struct model {
	bool there;
	uint64_t generation;
	struct dist_receiver_spec receivers[HOSTS];
	uint32_t count;
};

static struct dist_receiver_spec random_receiver(void)
{
	uint8_t bytes[4] = {127, 0, 1, (uint8_t)(1 + random() % HOSTS)};
	struct dist_receiver_spec receiver;

	memset(&receiver, 0, sizeof(receiver));
	receiver.address = dist_address_from_v4(bytes);
	receiver.port = 6000;
	receiver.ttl = (uint8_t)(1 + random() % 3);
	receiver.source_port = random() % 4 == 0 ? 46999 : 0;
	receiver.max_packets_per_second = random() % 3 == 0 ? 1000 : 0;
	return receiver;
}

/* Different receivers in no order; gives how many. */
static uint32_t random_receivers(struct dist_receiver_spec *list)
{
	uint32_t count = 0, wanted = (uint32_t)random() % (HOSTS + 1);

	while (count < wanted) {
		bool twice = false;
		list[count] = random_receiver();
		for (uint32_t i = 0; i < count; i++)
			twice = twice || dist_receiver_spec_same(&list[i], &list[count]);
		count += !twice;
	}
	return count;
}

static uint32_t find(const struct model *model, const struct dist_receiver_spec *wanted)
{
	for (uint32_t i = 0; i < model->count; i++)
		if (dist_receiver_spec_same(&model->receivers[i], wanted))
			return i;
	return DIST_RECEIVER_NOWHERE;
}

static void change_model(struct model *model, int what, const struct dist_receiver_spec *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = find(model, &list[i]);
		if (what == 0) {
			model->receivers[at != DIST_RECEIVER_NOWHERE ? at : model->count++] = list[i];
		} else if (at != DIST_RECEIVER_NOWHERE) {
			model->count--;
			memmove(&model->receivers[at], &model->receivers[at + 1], (model->count - at) * sizeof(model->receivers[0]));
		}
	}
}

static void put(struct dist_rule_store *store, const char *name, struct model *model, unsigned number)
{
	struct dist_rule_spec spec = {0};
	struct dist_change change;
	struct dist_error error;
	uint8_t bytes[4] = {127, 0, 0, 1};

	strcpy(spec.name, name);
	spec.generation = ++model->generation;
	/* Rules move between two ports each. */
	spec.match.address = dist_address_from_v4(bytes);
	spec.match.port = (uint16_t)(46002 + 2 * number + (random() % 4 == 0 ? 6 : 0));
	spec.media = DIST_MEDIA_ANY;
	spec.receivers = calloc(HOSTS, sizeof(spec.receivers[0]));
	spec.receiver_count = random_receivers(spec.receivers);
	model->there = true;
	model->count = spec.receiver_count;
	memcpy(model->receivers, spec.receivers, spec.receiver_count * sizeof(spec.receivers[0]));
	CHECK(dist_rule_store_put(store, &spec, 1, &change, &error) && change.changed, "%s", error.text);
}

static void check_rule(const char *name, const struct dist_rule_entry *entry, const struct model *model)
{
	CHECK((entry != NULL) == model->there, "rule %s", name);
	if (entry == NULL)
		return;
	const struct dist_rule *rule = entry->published;
	CHECK(entry->spec.receiver_count == model->count && rule->receiver_count == model->count, "rule %s has %u receivers, not %u",
	      name, rule->receiver_count, model->count);
	for (uint32_t i = 0; i < model->count && i < rule->receiver_count; i++) {
		const struct dist_receiver_spec *wanted = &model->receivers[i];
		const struct dist_receiver *receiver = &rule->receivers[i];
		union dist_sockaddr address;
		dist_address_to_sockaddr(&wanted->address, wanted->port, &address);
		CHECK(memcmp(&address.v4, &receiver->sockaddr.v4, sizeof(address.v4)) == 0 && receiver->ttl == wanted->ttl &&
			      (receiver->packet_rate.cost != 0) == (wanted->max_packets_per_second != 0),
		      "rule %s, receiver %u", name, i);
		CHECK(receiver->state == entry->states[i], "rule %s, receiver %u has another's counters", name, i);
		/* A receiver that comes has counted nothing; one that stays has the mark that was put here last time. */
		uint64_t mark = dist_counter_read(&receiver->state->stats[0].sent.bytes);
		CHECK(mark == 0 || mark == wanted->address.bytes[15], "rule %s, receiver %u has the mark of %llu", name, i,
		      (unsigned long long)mark);
		dist_counter_add(&receiver->state->stats[0].sent.bytes, wanted->address.bytes[15] - mark);
	}
}

static void check_known(const struct model *models)
{
	for (unsigned rule = 0; rule < RULES; rule++) {
		for (unsigned host = 0; host < HOSTS; host++) {
			for (unsigned own = 0; own < 2; own++) {
				/* Rule `number` has port 46002 + 2 · number (+ 6), so its row is the same for both. */
				unsigned number = (rule + RULES - 46002 / 2 % RULES) % RULES;
				int wanted = 0;
				for (uint32_t i = 0; models[number].there && i < models[number].count; i++)
					wanted += models[number].receivers[i].address.bytes[15] == host + 1 &&
						  (models[number].receivers[i].source_port != 0) == own;
				CHECK(known[rule][own][host] == wanted, "rule %u, host %u: %d times in the engine, not %d", number, host,
				      known[rule][own][host], wanted);
			}
		}
	}
}

static void change(struct dist_rule_store *store, struct model *models)
{
	unsigned number = (unsigned)random() % RULES;
	struct model *model = &models[number];
	char name[2] = {NAMES[number], '\0'};
	struct dist_receiver_spec list[HOSTS];
	struct dist_change did;
	struct dist_error error;
	uint32_t count = random_receivers(list);
	int what = (int)(random() % 8);

	if (!model->there || what == 7) {
		put(store, name, model, number);
	} else if (what == 6) {
		CHECK(dist_rule_store_delete(store, name, model->generation, &did, &error), "%s", error.text);
		*model = (struct model){0};
	} else if (what < 3) {
		CHECK(dist_rule_store_add(store, name, ++model->generation, list, count, &did, &error), "%s", error.text);
		change_model(model, 0, list, count);
	} else {
		CHECK(dist_rule_store_remove(store, name, ++model->generation, list, count, &did, &error), "%s", error.text);
		change_model(model, 1, list, count);
	}
}

static bool put_one(struct dist_rule_store *store, const char *name, uint16_t port, uint16_t to, struct dist_error *error)
{
	uint8_t bytes[4] = {127, 0, 0, 1};
	struct dist_rule_spec spec = {.generation = 1, .media = DIST_MEDIA_ANY, .receiver_count = 1};
	struct dist_change did;

	strcpy(spec.name, name);
	spec.match.address = dist_address_from_v4(bytes);
	spec.match.port = port;
	spec.receivers = calloc(1, sizeof(spec.receivers[0]));
	spec.receivers[0] = (struct dist_receiver_spec){.address = spec.match.address, .port = to, .ttl = 64};
	return dist_rule_store_put(store, &spec, 1, &did, error);
}

/* What a rule sends never is what a rule takes. */
static void check_loops(struct dist_engine *engine, const struct dist_limits *limits)
{
	struct dist_rule_store *store = dist_rule_store_new(&dist_sockets_engine, engine, limits);
	struct dist_error error = {0};
	struct dist_change did;
	uint8_t bytes[4] = {127, 0, 0, 1};
	struct dist_receiver_spec back = {.address = dist_address_from_v4(bytes), .port = 46100, .ttl = 64};

	CHECK(!put_one(store, "a", 46100, 46100, &error) && strcmp(error.code, "RULE_CONFLICT") == 0, "a rule sends to itself");
	CHECK(put_one(store, "a", 46100, 46102, &error), "%s", error.text);
	CHECK(!put_one(store, "b", 46102, 46104, &error) && strcmp(error.code, "RULE_CONFLICT") == 0, "a match that a sends to");
	CHECK(!put_one(store, "b", 46104, 46100, &error) && strcmp(error.code, "RULE_CONFLICT") == 0, "a receiver that is a's match");
	CHECK(put_one(store, "b", 46104, 46106, &error), "%s", error.text);
	CHECK(!dist_rule_store_add(store, "b", 2, &back, 1, &did, &error) && strcmp(error.code, "RULE_CONFLICT") == 0,
	      "a receiver that is a's match is added to b");
	CHECK(dist_rule_store_delete(store, "a", 1, &did, &error), "%s", error.text);
	CHECK(dist_rule_store_add(store, "b", 2, &back, 1, &did, &error) && did.receivers == 2, "a is gone, and its match is free");
	CHECK(!put_one(store, "a", 46100, 46102, &error) && strcmp(error.code, "RULE_CONFLICT") == 0, "now b sends there");
	dist_rule_store_free(store);
}

int main(void)
{
	const struct dist_engine_options options = {.idle = DIST_IDLE_BALANCED, .flows_max = RULES + 1};
	const struct dist_limits limits = {.rules = RULES, .receivers_per_rule = HOSTS, .receivers = RULES * HOSTS};
	struct model models[RULES] = {0};
	struct dist_error error = {0};

	own_network_enter();
	srandom(11);
	counting = dist_sockets_engine;
	counting.receiver_add = add;
	counting.receiver_remove = removed;
	struct dist_engine *engine = counting.open(&options, &error);
	CHECK(engine != NULL && counting.start(engine, &error), "%s", error.text);
	struct dist_rule_store *store = dist_rule_store_new(&counting, engine, &limits);
	for (unsigned round = 0; round < ROUNDS && check_failures == 0; round++) {
		unsigned changes = 1 + (unsigned)random() % 4;
		for (unsigned i = 0; i < changes; i++)
			change(store, models);
		if (random() % 16 == 0)
			dist_rule_store_touch_all(store);
		dist_rule_store_commit(store);
		for (unsigned i = 0; i < RULES; i++)
			check_rule((char[2]){NAMES[i], '\0'}, dist_rule_store_find(store, (char[2]){NAMES[i], '\0'}), &models[i]);
		check_known(models);
	}
	dist_rule_store_free(store);
	check_loops(engine, &limits);
	counting.stop(engine);
	counting.close(engine);
	CHECK_END();
}
