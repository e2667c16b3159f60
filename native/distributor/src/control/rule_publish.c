#include "rule_publish.h"

#include "log.h"

#include <stdlib.h>

/* ---- What is gone, until the commit */

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

bool dist_rule_publish_reserve(struct dist_rule_store *store, size_t rules, size_t receivers)
{
	return reserve((void **)&store->gone_rules, &store->gone_rule_capacity, store->gone_rule_count + rules,
		       sizeof(store->gone_rules[0])) &&
	       reserve((void **)&store->gone_receivers, &store->gone_receiver_capacity,
		       store->gone_receiver_count + receivers, sizeof(store->gone_receivers[0]));
}

void dist_rule_publish_receiver_gone(struct dist_rule_store *store, const struct dist_match *match,
				     const struct dist_receiver_spec *receiver)
{
	store->gone_receivers[store->gone_receiver_count++] =
		(struct dist_gone_receiver){.match = *match, .receiver = *receiver};
}

static void rule_gone(struct dist_rule_store *store, const struct dist_rule *rule)
{
	if (rule != NULL)
		store->gone_rules[store->gone_rule_count++] = rule;
}

/* ---- Receivers */

bool dist_rule_publish_add_receivers(struct dist_rule_store *store, const struct dist_match *match,
				     const struct dist_receiver_spec *receivers, uint32_t count, struct dist_error *error)
{
	for (uint32_t i = 0; i < count; i++) {
		if (store->ops->receiver_add(store->engine, match, &receivers[i], error))
			continue;
		dist_rule_publish_remove_receivers(store, match, receivers, i);
		return false;
	}
	return true;
}

void dist_rule_publish_remove_receivers(struct dist_rule_store *store, const struct dist_match *match,
					const struct dist_receiver_spec *receivers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		store->ops->receiver_remove(store->engine, match, &receivers[i]);
}

/* ---- Rules */

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
	struct dist_flow_key key = dist_rule_spec_key(&entry->spec);
	const struct dist_rule *old;
	struct dist_rule *rule = build(store, entry);

	if (rule == NULL)
		return dist_rule_store_no_memory(error);
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

void dist_rule_publish_withdraw(struct dist_rule_store *store, const struct dist_flow_key *key)
{
	const struct dist_rule *old;
	struct dist_error ignored;

	store->ops->flow_remove(store->engine, key);
	store->table->ops->set(store->table, key, NULL, &old, &ignored);
	rule_gone(store, old);
}

bool dist_rule_publish_introduce(struct dist_rule_store *store, struct dist_rule_entry *entry, struct dist_error *error)
{
	struct dist_flow_key key = dist_rule_spec_key(&entry->spec);
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

bool dist_rule_store_commit(struct dist_rule_store *store)
{
	struct dist_error error;
	bool failed = false;

	for (uint32_t i = 0; i < store->entry_count; i++) {
		struct dist_rule_entry *entry = store->entries[i];
		if (entry->dirty && (!dist_rule_publish_reserve(store, 1, 0) || !publish(store, entry, &error)))
			failed = true;
	}
	if (failed) { /* The old rules are still read, so nothing that they need may go. */
		dist_log(DIST_LOG_ERROR, "rules.commit", "no memory to build rules; they are tried again");
		return false;
	}
	if (store->gone_rule_count == 0 && store->gone_receiver_count == 0)
		return true;
	store->table->ops->synchronize(store->table);
	for (size_t i = 0; i < store->gone_rule_count; i++)
		dist_rule_free((struct dist_rule *)store->gone_rules[i]);
	store->gone_rule_count = 0;
	for (size_t i = 0; i < store->gone_receiver_count; i++)
		store->ops->receiver_remove(store->engine, &store->gone_receivers[i].match,
					    &store->gone_receivers[i].receiver);
	store->gone_receiver_count = 0;
	return true;
}
