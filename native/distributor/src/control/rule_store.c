#include "rule_store.h"

#include "clock.h"
#include "rule_checks.h"
#include "rule_entries.h"
#include "rule_json.h"
#include "rule_publish.h"
#include "rule_replace.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_OF_PUT_NS (DIST_RULE_LEASE_OF_PUT_MS * DIST_NS_PER_MS)

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
	return dist_rule_entries_find(store, name);
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
	struct dist_rule_entry *entry = dist_rule_entries_find(store, rule->name);
	bool done = false;

	if (!dist_support_match(facts, &rule->match, error) ||
	    !dist_support_receivers(facts, &rule->match, rule->receivers, rule->receiver_count, error) ||
	    (entry != NULL && !dist_rule_check_generation(entry, rule->generation, error))) {
		done = false;
	} else if (entry != NULL && rule->generation == entry->spec.generation) {
		entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
		*change = change_of(entry, false);
		dist_rule_spec_clear(rule);
		return true;
	} else if (dist_rule_replace(store, entry, rule, now_ns, error)) {
		*change = change_of(dist_rule_entries_find(store, rule->name), true);
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
	struct dist_rule_entry *entry = dist_rule_entries_take(store, at);
	struct dist_flow_key key = dist_rule_spec_key(&entry->spec);

	dist_rule_publish_withdraw(store, &key);
	for (uint32_t i = 0; i < entry->spec.receiver_count; i++)
		dist_rule_publish_receiver_gone(store, &entry->spec.match, &entry->spec.receivers[i]);
	store->receiver_count -= entry->spec.receiver_count;
	dist_rule_entry_free(entry);
}

bool dist_rule_store_delete(struct dist_rule_store *store, const char *name, uint64_t generation,
			    struct dist_change *change, struct dist_error *error)
{
	bool found;
	uint32_t at = dist_rule_entries_position(store, name, &found);

	*change = (struct dist_change){.changed = found};
	if (!found)
		return true;
	if (!dist_rule_check_generation(store->entries[at], generation, error))
		return false;
	if (!dist_rule_publish_reserve(store, 1, store->entries[at]->spec.receiver_count))
		return dist_rule_store_no_memory(error);
	delete_at(store, at);
	return true;
}

/* The rule that receivers are to be added to or removed from; `*same`: it has this generation already. */
static struct dist_rule_entry *find_for_delta(const struct dist_rule_store *store, const char *name, uint64_t generation,
					      bool *same, struct dist_error *error)
{
	struct dist_rule_entry *entry = dist_rule_entries_find(store, name);

	if (entry == NULL) {
		dist_error_set(error, "RULE_UNKNOWN", "there is no rule %s", name);
		return NULL;
	}
	if (!dist_rule_check_generation(entry, generation, error))
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

	if (!dist_rule_replace(store, entry, copy, 0, error)) {
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
	const struct dist_rule_entry *known = dist_rule_entries_find(store, name);

	if (!dist_support_receivers(facts, known == NULL ? NULL : &known->spec.match, receivers, count, error))
		return false;
	struct dist_rule_entry *entry = find_for_delta(store, name, generation, &same, error);
	if (entry == NULL)
		return false;
	*change = change_of(entry, false);
	if (same)
		return true;
	if (!copy_spec(entry, count, generation, &copy))
		return dist_rule_store_no_memory(error);
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
		return dist_rule_store_no_memory(error);
	if (!dist_receiver_index_build(&index, receivers, count, &twice)) {
		dist_rule_spec_clear(&copy);
		return dist_rule_store_no_memory(error);
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
		if (!dist_rule_publish_reserve(store, 1, entry->spec.receiver_count))
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
		if (!dist_rule_publish_reserve(store, 1, store->entries[last]->spec.receiver_count))
			dist_rule_store_commit(store); /* makes room; the next try cannot need more than it freed */
		else
			delete_at(store, last);
	}
}

/* ---- What the next commit brings */

bool dist_rule_store_capture(struct dist_rule_store *store, const char *name, struct dist_capture *capture)
{
	struct dist_rule_entry *entry = dist_rule_entries_find(store, name);

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
