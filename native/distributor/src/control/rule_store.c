#include "rule_store.h"

#include "clock.h"
#include "log.h"
#include "rule_json.h"
#include "support.h"

#include <stdlib.h>

#define LEASE_OF_PUT_NS (5 * DIST_NS_PER_SECOND)

/* A receiver that has left its rule, until no worker can send to it any more. */
struct gone_receiver {
	struct dist_match match;
	struct dist_receiver_spec receiver;
};

struct dist_rule_store {
	const struct dist_engine_ops *ops;
	struct dist_engine *engine;
	struct dist_rule_table *table;
	struct dist_limits limits;
	unsigned worker_count;
	uint32_t receiver_count; /* of all rules */
	uint32_t entry_count;
	struct dist_rule_entry **entries; /* limits.rules of them, sorted by name */

	/* What the next commit sets free. */
	const struct dist_rule **gone_rules;
	size_t gone_rule_count, gone_rule_capacity;
	struct gone_receiver *gone_receivers;
	size_t gone_receiver_count, gone_receiver_capacity;
};

static bool no_memory(struct dist_error *error)
{
	return dist_error_set(error, "ENGINE_FAILED", "no memory for the change; the rule is as it was");
}

/* ---- The list of rules */

/* Where the name is, or would be; `*found` says which. */
static uint32_t position_of(const struct dist_rule_store *store, const char *name, bool *found)
{
	uint32_t low = 0, high = store->entry_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(store->entries[middle]->spec.name, name);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

static struct dist_rule_entry *entry_of(const struct dist_rule_store *store, const char *name)
{
	bool found;
	uint32_t at = position_of(store, name, &found);
	return found ? store->entries[at] : NULL;
}

static void insert_entry(struct dist_rule_store *store, struct dist_rule_entry *entry)
{
	bool found;
	uint32_t at = position_of(store, entry->spec.name, &found);
	memmove(store->entries + at + 1, store->entries + at, (store->entry_count - at) * sizeof(store->entries[0]));
	store->entries[at] = entry;
	store->entry_count++;
}

static void remove_entry(struct dist_rule_store *store, uint32_t at)
{
	store->entry_count--;
	memmove(store->entries + at, store->entries + at + 1, (store->entry_count - at) * sizeof(store->entries[0]));
}

uint32_t dist_rule_store_count(const struct dist_rule_store *store)
{
	return store->entry_count;
}

const struct dist_rule_entry *dist_rule_store_at(const struct dist_rule_store *store, uint32_t position)
{
	return store->entries[position];
}

const struct dist_rule_entry *dist_rule_store_find(const struct dist_rule_store *store, const char *name)
{
	return entry_of(store, name);
}

/* ---- What is gone, until the commit. Room is made before anything changes, so that nothing can fail half-way. */

static bool reserve(void **list, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity)
		return true;
	size_t larger = needed < 2 * *capacity ? 2 * *capacity : needed;
	void *moved = realloc(*list, larger * size);
	if (moved == NULL)
		return false;
	*list = moved;
	*capacity = larger;
	return true;
}

static bool reserve_gone(struct dist_rule_store *store, size_t rules, size_t receivers)
{
	return reserve((void **)&store->gone_rules, &store->gone_rule_capacity, store->gone_rule_count + rules,
		       sizeof(store->gone_rules[0])) &&
	       reserve((void **)&store->gone_receivers, &store->gone_receiver_capacity,
		       store->gone_receiver_count + receivers, sizeof(store->gone_receivers[0]));
}

static void receiver_gone(struct dist_rule_store *store, const struct dist_match *match,
			  const struct dist_receiver_spec *receiver)
{
	store->gone_receivers[store->gone_receiver_count++] =
		(struct gone_receiver){.match = *match, .receiver = *receiver};
}

static void rule_gone(struct dist_rule_store *store, const struct dist_rule *rule)
{
	if (rule != NULL)
		store->gone_rules[store->gone_rule_count++] = rule;
}

/* ---- Into the engine and out of it */

static struct dist_flow_key key_of(const struct dist_rule_spec *spec)
{
	return dist_flow_key(&spec->match.address, spec->match.port, spec->match.vlan);
}

static struct dist_rule *build(const struct dist_rule_store *store, const struct dist_rule_entry *entry)
{
	const struct dist_rule_reuse reuse = {.rule = entry->links_changed ? NULL : entry->published,
					      .positions = entry->positions};
	return dist_rule_build(&entry->spec, entry->state, entry->states, entry->capture, &reuse, store->ops->link_find,
			       store->engine);
}

/* Publishes what the entry says now. Room for one rule that is gone has been reserved. */
static bool publish(struct dist_rule_store *store, struct dist_rule_entry *entry, struct dist_error *error)
{
	struct dist_flow_key key = key_of(&entry->spec);
	const struct dist_rule *old;
	struct dist_rule *rule = build(store, entry);

	if (rule == NULL)
		return no_memory(error);
	if (!store->table->ops->set(store->table, &key, rule, &old, error)) {
		dist_rule_free(rule);
		return false;
	}
	rule_gone(store, old);
	entry->published = rule;
	free(entry->positions);
	entry->positions = NULL;
	entry->links_changed = false;
	entry->dirty = false;
	return true;
}

/* Takes the flow out of the engine and the table. Room for one rule that is gone has been reserved. */
static void withdraw(struct dist_rule_store *store, const struct dist_flow_key *key)
{
	const struct dist_rule *old;
	struct dist_error error;

	store->ops->flow_remove(store->engine, key);
	store->table->ops->set(store->table, key, NULL, &old, &error);
	rule_gone(store, old);
}

/* A flow that was not there: published at once, because the engine may refuse it. */
static bool introduce(struct dist_rule_store *store, struct dist_rule_entry *entry, struct dist_error *error)
{
	struct dist_flow_key key = key_of(&entry->spec);
	const struct dist_rule *old;
	struct dist_error ignored;

	if (!publish(store, entry, error))
		return false;
	if (store->ops->flow_add(store->engine, &key, entry->spec.media, error))
		return true;
	store->table->ops->set(store->table, &key, NULL, &old, &ignored);
	rule_gone(store, old);
	entry->published = NULL;
	return false;
}

/* Makes the receivers known to the engine, all or none. */
static bool add_to_engine(struct dist_rule_store *store, const struct dist_match *match,
			  const struct dist_receiver_spec *receivers, uint32_t count, struct dist_error *error)
{
	for (uint32_t i = 0; i < count; i++) {
		if (store->ops->receiver_add(store->engine, match, &receivers[i], error))
			continue;
		while (i-- > 0)
			store->ops->receiver_remove(store->engine, match, &receivers[i]);
		return false;
	}
	return true;
}

static void remove_from_engine(struct dist_rule_store *store, const struct dist_match *match,
			       const struct dist_receiver_spec *receivers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		store->ops->receiver_remove(store->engine, match, &receivers[i]);
}

/* ---- What is refused */

static bool check_old(const struct dist_rule_entry *entry, uint64_t generation, struct dist_error *error)
{
	if (generation >= entry->spec.generation)
		return true;
	return dist_error_set(error, "RULE_OLD", "rule %s has generation %llu, and %llu is older; send the newest",
			      entry->spec.name, (unsigned long long)entry->spec.generation, (unsigned long long)generation);
}

static bool check_conflict(const struct dist_rule_store *store, const struct dist_rule_spec *rule,
			   struct dist_error *error)
{
	struct dist_flow_key key = key_of(rule);

	for (uint32_t i = 0; i < store->entry_count; i++) {
		const struct dist_rule_spec *other = &store->entries[i]->spec;
		struct dist_flow_key other_key = key_of(other);
		if (memcmp(&key, &other_key, sizeof(key)) == 0 && strcmp(other->name, rule->name) != 0)
			return dist_error_set(error, "RULE_CONFLICT",
					      "rule %s has the match of rule %s; delete that first", rule->name, other->name);
	}
	return true;
}

static bool check_count(const struct dist_rule_store *store, const char *name, uint32_t before, uint32_t after,
			struct dist_error *error)
{
	if (after > store->limits.receivers_per_rule)
		return dist_error_set(error, "RECEIVERS_LIMIT", "rule %s would have %u receivers, but %u is the most", name,
				      after, store->limits.receivers_per_rule);
	uint32_t all = store->receiver_count - before + after;
	if (after > before && all > store->limits.receivers)
		return dist_error_set(error, "RECEIVERS_LIMIT",
				      "with rule %s there would be %u receivers in all, but %u is the most", name, all,
				      store->limits.receivers);
	return true;
}

/* ---- States, which go on while a receiver is replaced */

static void release_states(struct dist_receiver_state **states, uint32_t count)
{
	for (uint32_t i = 0; states != NULL && i < count; i++)
		if (states[i] != NULL)
			dist_receiver_state_release(states[i]);
	free(states);
}

/* A list of receivers that is to become a rule's, and what of it is there already. */
struct next_list {
	struct dist_receiver_state **states;
	struct dist_receiver_index index;
	uint32_t *positions; /* in what is published, of receivers that stay as they are; all of them at `same_match` */
	bool same_match;     /* receivers that stay need nothing of the engine */
};

/* Is receiver `at` of the other list the same to the engine (neighbour, source port)? */
static bool stays_in_engine(const struct next_list *next, const struct dist_rule_spec *other, uint32_t at,
			    const struct dist_receiver_spec *receiver)
{
	return next->same_match && at != DIST_RECEIVER_NOWHERE && other->receivers[at].source_port == receiver->source_port;
}

static uint32_t published_position(const struct dist_rule_entry *old, uint32_t at,
				   const struct dist_receiver_spec *receiver)
{
	if (at == DIST_RECEIVER_NOWHERE || memcmp(&old->spec.receivers[at], receiver, sizeof(*receiver)) != 0)
		return DIST_RECEIVER_NOWHERE;
	return old->positions == NULL ? at : old->positions[at];
}

static void clear_next(struct next_list *next, uint32_t count)
{
	release_states(next->states, count);
	free(next->positions);
	dist_receiver_index_free(&next->index);
	*next = (struct next_list){0};
}

/*
 * Where the receiver is in the entry. Lists that are compared are nearly the same: most often it stands behind the one
 * that was found before, at `*hint`.
 */
static uint32_t find_near(const struct dist_rule_entry *entry, const struct dist_receiver_spec *receiver, uint32_t *hint)
{
	const struct dist_rule_spec *spec = &entry->spec;
	uint32_t at = *hint;

	if (at >= spec->receiver_count || !dist_receiver_spec_same(&spec->receivers[at], receiver))
		at = dist_receiver_index_find(&entry->index, spec->receivers, receiver);
	if (at != DIST_RECEIVER_NOWHERE)
		*hint = at + 1;
	return at;
}

/*
 * States for a new list: those of the same receivers in the old rule, new ones for others; and `fresh`, those receivers
 * that the engine does not know yet. False without memory, and nothing is kept.
 */
static bool prepare(const struct dist_rule_store *store, const struct dist_rule_entry *old, const struct dist_rule_spec *spec,
		    struct next_list *next, struct dist_receiver_spec *fresh, uint32_t *fresh_count)
{
	uint32_t twice, hint = 0;
	bool done = true;

	*fresh_count = 0;
	*next = (struct next_list){.states = calloc(spec->receiver_count + 1, sizeof(next->states[0])),
				   .positions = malloc((spec->receiver_count + 1) * sizeof(next->positions[0]))};
	if (next->states == NULL || next->positions == NULL ||
	    !dist_receiver_index_build(&next->index, spec->receivers, spec->receiver_count, &twice)) {
		clear_next(next, 0);
		return false;
	}
	struct dist_flow_key key = key_of(spec);
	struct dist_flow_key old_key = old == NULL ? key : key_of(&old->spec);
	next->same_match = old != NULL && memcmp(&key, &old_key, sizeof(key)) == 0;
	for (uint32_t i = 0; done && i < spec->receiver_count; i++) {
		const struct dist_receiver_spec *receiver = &spec->receivers[i];
		uint32_t at = old == NULL ? DIST_RECEIVER_NOWHERE : find_near(old, receiver, &hint);
		next->positions[i] = next->same_match ? published_position(old, at, receiver) : DIST_RECEIVER_NOWHERE;
		if (at == DIST_RECEIVER_NOWHERE || !stays_in_engine(next, &old->spec, at, receiver))
			fresh[(*fresh_count)++] = *receiver;
		if (at != DIST_RECEIVER_NOWHERE) {
			next->states[i] = old->states[at];
			next->states[i]->references++;
		} else {
			next->states[i] = dist_receiver_state_new(store->worker_count);
			done = next->states[i] != NULL;
		}
	}
	if (!done)
		clear_next(next, spec->receiver_count);
	return done;
}

/* Receivers of the old list that the new one does not have leave the engine with the commit. Room has been reserved. */
static void leave_engine(struct dist_rule_store *store, const struct dist_rule_spec *before,
			 const struct dist_rule_entry *now, const struct next_list *next)
{
	uint32_t hint = 0;

	for (uint32_t i = 0; i < before->receiver_count; i++) {
		const struct dist_receiver_spec *receiver = &before->receivers[i];
		uint32_t at = find_near(now, receiver, &hint);
		if (!stays_in_engine(next, &now->spec, at, receiver))
			receiver_gone(store, &before->match, receiver);
	}
}

/* ---- Changes */

static void free_entry(struct dist_rule_entry *entry)
{
	release_states(entry->states, entry->spec.receiver_count);
	free(entry->positions);
	dist_receiver_index_free(&entry->index);
	if (entry->state != NULL)
		dist_rule_state_release(entry->state);
	dist_rule_spec_clear(&entry->spec);
	free(entry);
}

/* The receivers of `spec` are in the engine; on true `next` is the entry's. */
static bool create(struct dist_rule_store *store, const struct dist_rule_spec *spec, const struct next_list *next,
		   uint64_t now_ns, struct dist_error *error)
{
	struct dist_rule_entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return no_memory(error);
	entry->state = dist_rule_state_new(store->worker_count);
	if (entry->state == NULL || !reserve_gone(store, 1, 0)) {
		if (entry->state != NULL)
			dist_rule_state_release(entry->state);
		free(entry);
		return no_memory(error);
	}
	entry->spec = *spec;
	entry->states = next->states;
	entry->index = next->index;
	entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
	if (!introduce(store, entry, error)) {
		dist_rule_state_release(entry->state);
		free(entry);
		return false;
	}
	free(next->positions); /* of nothing */
	insert_entry(store, entry);
	store->receiver_count += spec->receiver_count;
	return true;
}

/* The same for a rule that is there: its old receivers leave the engine with the commit. */
static bool replace(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *spec,
		    const struct next_list *next, uint64_t now_ns, struct dist_error *error)
{
	struct dist_rule_entry before = *entry;
	struct dist_flow_key old_key = key_of(&before.spec);
	struct dist_flow_key new_key = key_of(spec);
	bool moves = memcmp(&old_key, &new_key, sizeof(new_key)) != 0;

	if (!reserve_gone(store, 2, before.spec.receiver_count))
		return no_memory(error);
	entry->spec = *spec;
	entry->states = next->states;
	entry->index = next->index;
	if (moves) {
		/* Built anew, as the first rule of its match. */
		entry->published = NULL;
		entry->positions = NULL;
	}
	if (moves ? !introduce(store, entry, error)
		  : spec->media != before.spec.media &&
			    !store->ops->flow_change(store->engine, &new_key, spec->media, error)) {
		*entry = before;
		return false;
	}
	if (moves) {
		withdraw(store, &old_key);
		free(next->positions);
	} else {
		entry->positions = next->positions;
		entry->dirty = true;
	}
	free(before.positions);
	dist_receiver_index_free(&before.index);
	leave_engine(store, &before.spec, entry, next);
	store->receiver_count = store->receiver_count - before.spec.receiver_count + spec->receiver_count;
	entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
	release_states(before.states, before.spec.receiver_count);
	dist_rule_spec_clear(&before.spec);
	return true;
}

static bool check_put(const struct dist_rule_store *store, const struct dist_rule_entry *entry,
		      const struct dist_rule_spec *rule, struct dist_error *error)
{
	if (!check_conflict(store, rule, error))
		return false;
	if (entry == NULL && store->entry_count == store->limits.rules)
		return dist_error_set(error, "RULES_LIMIT", "there are %u rules, which is the most", store->limits.rules);
	return check_count(store, rule->name, entry == NULL ? 0 : entry->spec.receiver_count, rule->receiver_count, error);
}

/* Puts a rule that has passed every check; on true its receivers are the store's. */
static bool put(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *rule,
		uint64_t now_ns, struct dist_error *error)
{
	struct next_list next = {0};
	uint32_t fresh_count = 0;
	struct dist_receiver_spec *fresh = malloc((rule->receiver_count + 1) * sizeof(*fresh));
	bool done = false;

	if (fresh == NULL || !prepare(store, entry, rule, &next, fresh, &fresh_count)) {
		no_memory(error);
	} else if (add_to_engine(store, &rule->match, fresh, fresh_count, error)) {
		done = entry == NULL ? create(store, rule, &next, now_ns, error)
				     : replace(store, entry, rule, &next, now_ns, error);
		if (!done) {
			/* A rule that was published and withdrawn again may still be read: its receivers stay until the commit. */
			dist_rule_store_commit(store);
			remove_from_engine(store, &rule->match, fresh, fresh_count);
		}
	}
	if (!done)
		clear_next(&next, rule->receiver_count);
	free(fresh);
	return done;
}

static struct dist_change change_of(const struct dist_rule_entry *entry, bool changed)
{
	return (struct dist_change){
		.changed = changed, .generation = entry->spec.generation, .receivers = entry->spec.receiver_count};
}

bool dist_rule_store_put(struct dist_rule_store *store, struct dist_rule_spec *rule, uint64_t now_ns,
			 struct dist_change *change, struct dist_error *error)
{
	const struct dist_engine_facts *facts = store->ops->facts(store->engine);
	struct dist_rule_entry *entry = entry_of(store, rule->name);
	bool done = false;

	if (!dist_support_match(facts, &rule->match, error) ||
	    !dist_support_receivers(facts, &rule->match, rule->receivers, rule->receiver_count, error) ||
	    (entry != NULL && !check_old(entry, rule->generation, error))) {
		done = false;
	} else if (entry != NULL && rule->generation == entry->spec.generation) {
		entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
		*change = change_of(entry, false);
		dist_rule_spec_clear(rule);
		return true;
	} else if (check_put(store, entry, rule, error) && put(store, entry, rule, now_ns, error)) {
		*change = change_of(entry_of(store, rule->name), true);
		done = true;
	}
	if (!done)
		dist_rule_spec_clear(rule);
	rule->receivers = NULL;
	rule->receiver_count = 0;
	return done;
}

static void delete_at(struct dist_rule_store *store, uint32_t at)
{
	struct dist_rule_entry *entry = store->entries[at];
	struct dist_flow_key key = key_of(&entry->spec);

	withdraw(store, &key);
	for (uint32_t i = 0; i < entry->spec.receiver_count; i++)
		receiver_gone(store, &entry->spec.match, &entry->spec.receivers[i]);
	store->receiver_count -= entry->spec.receiver_count;
	remove_entry(store, at);
	free_entry(entry);
}

bool dist_rule_store_delete(struct dist_rule_store *store, const char *name, uint64_t generation,
			    struct dist_change *change, struct dist_error *error)
{
	bool found;
	uint32_t at = position_of(store, name, &found);

	*change = (struct dist_change){.changed = found};
	if (!found)
		return true;
	if (!check_old(store->entries[at], generation, error))
		return false;
	if (!reserve_gone(store, 1, store->entries[at]->spec.receiver_count))
		return no_memory(error);
	delete_at(store, at);
	return true;
}

/* The rule that receivers are to be added to or removed from; `*same`: it has this generation already. */
static struct dist_rule_entry *find_for_delta(const struct dist_rule_store *store, const char *name, uint64_t generation,
					      bool *same, struct dist_error *error)
{
	struct dist_rule_entry *entry = entry_of(store, name);

	if (entry == NULL) {
		dist_error_set(error, "RULE_UNKNOWN", "there is no rule %s", name);
		return NULL;
	}
	if (!check_old(entry, generation, error))
		return NULL;
	*same = generation == entry->spec.generation;
	return entry;
}

/* A copy of the entry's spec with room for more receivers; NULL without memory. */
static bool copy_spec(const struct dist_rule_entry *entry, uint32_t more, uint64_t generation,
		      struct dist_rule_spec *copy)
{
	*copy = entry->spec;
	copy->generation = generation;
	copy->receivers = malloc((entry->spec.receiver_count + more) * sizeof(copy->receivers[0]) + 1);
	if (copy->receivers == NULL)
		return false;
	if (copy->receiver_count > 0)
		memcpy(copy->receivers, entry->spec.receivers, copy->receiver_count * sizeof(copy->receivers[0]));
	return true;
}

/* Puts the changed copy in the place of the rule; a delta brings no lease. */
static bool put_delta(struct dist_rule_store *store, struct dist_rule_entry *entry, struct dist_rule_spec *copy,
		      struct dist_change *change, struct dist_error *error)
{
	uint64_t lease_until_ns = entry->lease_until_ns;

	if (!check_count(store, copy->name, entry->spec.receiver_count, copy->receiver_count, error) ||
	    !put(store, entry, copy, 0, error)) {
		dist_rule_spec_clear(copy);
		return false;
	}
	entry->lease_until_ns = lease_until_ns;
	*change = change_of(entry, true);
	return true;
}

bool dist_rule_store_add(struct dist_rule_store *store, const char *name, uint64_t generation,
			 const struct dist_receiver_spec *receivers, uint32_t count, struct dist_change *change,
			 struct dist_error *error)
{
	struct dist_rule_spec copy;
	bool same = false;
	const struct dist_engine_facts *facts = store->ops->facts(store->engine);
	const struct dist_rule_entry *known = entry_of(store, name);

	if (!dist_support_receivers(facts, known == NULL ? NULL : &known->spec.match, receivers, count, error))
		return false;
	struct dist_rule_entry *entry = find_for_delta(store, name, generation, &same, error);
	if (entry == NULL)
		return false;
	*change = change_of(entry, false);
	if (same)
		return true;
	if (!copy_spec(entry, count, generation, &copy))
		return no_memory(error);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = dist_receiver_index_find(&entry->index, entry->spec.receivers, &receivers[i]);
		copy.receivers[at != DIST_RECEIVER_NOWHERE ? at : copy.receiver_count++] = receivers[i];
	}
	return put_delta(store, entry, &copy, change, error);
}

bool dist_rule_store_remove(struct dist_rule_store *store, const char *name, uint64_t generation,
			    const struct dist_receiver_spec *receivers, uint32_t count, struct dist_change *change,
			    struct dist_error *error)
{
	struct dist_receiver_index index;
	struct dist_rule_spec copy;
	uint32_t twice;
	bool same = false;
	struct dist_rule_entry *entry = find_for_delta(store, name, generation, &same, error);

	if (entry == NULL)
		return false;
	*change = change_of(entry, false);
	if (same)
		return true;
	if (!copy_spec(entry, 0, generation, &copy))
		return no_memory(error);
	if (!dist_receiver_index_build(&index, receivers, count, &twice)) {
		dist_rule_spec_clear(&copy);
		return no_memory(error);
	}
	copy.receiver_count = 0;
	for (uint32_t i = 0; i < entry->spec.receiver_count; i++)
		if (dist_receiver_index_find(&index, receivers, &entry->spec.receivers[i]) == DIST_RECEIVER_NOWHERE)
			copy.receivers[copy.receiver_count++] = entry->spec.receivers[i];
	dist_receiver_index_free(&index);
	return put_delta(store, entry, &copy, change, error);
}

/* ---- Leases */

uint32_t dist_rule_store_lease(struct dist_rule_store *store, uint64_t lease_ns, uint64_t now_ns)
{
	uint32_t renewed = 0;

	for (uint32_t i = 0; i < store->entry_count; i++) {
		struct dist_rule_entry *entry = store->entries[i];
		if (entry->spec.permanent)
			continue;
		renewed++;
		if (entry->lease_until_ns < now_ns + lease_ns)
			entry->lease_until_ns = now_ns + lease_ns;
	}
	return renewed;
}

uint32_t dist_rule_store_expire(struct dist_rule_store *store, uint64_t now_ns, dist_lease_ended *ended, void *context)
{
	uint32_t removed = 0;

	for (uint32_t i = store->entry_count; i-- > 0;) {
		struct dist_rule_entry *entry = store->entries[i];
		if (entry->spec.permanent || entry->lease_until_ns > now_ns)
			continue;
		if (!reserve_gone(store, 1, entry->spec.receiver_count))
			break; /* at the next look, then */
		ended(context, entry->spec.name);
		delete_at(store, i);
		removed++;
	}
	return removed;
}

void dist_rule_store_clear(struct dist_rule_store *store)
{
	while (store->entry_count > 0) {
		uint32_t last = store->entry_count - 1;
		if (!reserve_gone(store, 1, store->entries[last]->spec.receiver_count))
			dist_rule_store_commit(store); /* makes room; the next try cannot need more than it freed */
		else
			delete_at(store, last);
	}
}

/* ---- Commit */

bool dist_rule_store_capture(struct dist_rule_store *store, const char *name, struct dist_capture *capture)
{
	struct dist_rule_entry *entry = entry_of(store, name);

	if (entry == NULL)
		return false;
	entry->capture = capture;
	entry->dirty = true;
	return true;
}

void dist_rule_store_touch_all(struct dist_rule_store *store)
{
	for (uint32_t i = 0; i < store->entry_count; i++)
		store->entries[i]->dirty = store->entries[i]->links_changed = true;
}

void dist_rule_store_commit(struct dist_rule_store *store)
{
	struct dist_error error;
	bool failed = false;

	for (uint32_t i = 0; i < store->entry_count; i++) {
		struct dist_rule_entry *entry = store->entries[i];
		if (entry->dirty && (!reserve_gone(store, 1, 0) || !publish(store, entry, &error)))
			failed = true;
	}
	if (failed) /* The old rules are still read, so nothing that they need may go. */
		dist_log(DIST_LOG_ERROR, "rules.commit", "no memory to build rules; they are tried again");
	if (failed || (store->gone_rule_count == 0 && store->gone_receiver_count == 0))
		return;
	store->table->ops->synchronize(store->table);
	for (size_t i = 0; i < store->gone_rule_count; i++)
		dist_rule_free((struct dist_rule *)store->gone_rules[i]);
	store->gone_rule_count = 0;
	for (size_t i = 0; i < store->gone_receiver_count; i++)
		store->ops->receiver_remove(store->engine, &store->gone_receivers[i].match,
					    &store->gone_receivers[i].receiver);
	store->gone_receiver_count = 0;
}

struct dist_rule_store *dist_rule_store_new(const struct dist_engine_ops *ops, struct dist_engine *engine,
					    const struct dist_limits *limits)
{
	struct dist_rule_store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return NULL;
	store->entries = calloc(limits->rules + 1, sizeof(store->entries[0]));
	if (store->entries == NULL) {
		free(store);
		return NULL;
	}
	store->ops = ops;
	store->engine = engine;
	store->table = ops->rule_table(engine);
	store->limits = *limits;
	ops->worker_stats(engine, &store->worker_count);
	return store;
}

void dist_rule_store_free(struct dist_rule_store *store)
{
	if (store == NULL)
		return;
	dist_rule_store_clear(store);
	dist_rule_store_commit(store);
	free(store->gone_rules);
	free(store->gone_receivers);
	free(store->entries);
	free(store);
}
