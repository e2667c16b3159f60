#include "rule_replace.h"

#include "clock.h"
#include "receiver_change.h"
#include "rule_checks.h"
#include "rule_entries.h"
#include "rule_json.h"
#include "rule_publish.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_OF_PUT_NS (DIST_RULE_LEASE_OF_PUT_MS * DIST_NS_PER_MS)

/* The receivers of `spec` are in the engine; on true `change` is the entry's. */
static bool create(struct dist_rule_store *store, const struct dist_rule_spec *spec,
		   const struct dist_receiver_change *change, uint64_t now_ns, struct dist_error *error)
{
	struct dist_rule_entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return dist_rule_store_no_memory(error);
	entry->state = dist_rule_state_new(store->worker_count);
	if (entry->state == NULL || !dist_rule_publish_reserve(store, 1, 0)) {
		if (entry->state != NULL)
			dist_rule_state_release(entry->state);
		free(entry);
		return dist_rule_store_no_memory(error);
	}
	entry->spec = *spec;
	entry->states = change->states;
	entry->index = change->index;
	entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
	if (!dist_rule_publish_introduce(store, entry, error)) {
		dist_rule_state_release(entry->state);
		free(entry);
		return false;
	}
	free(change->positions); /* of nothing */
	dist_rule_entries_insert(store, entry);
	store->receiver_count += spec->receiver_count;
	return true;
}

/* Puts the entry's new contents into the engine, where that has to be at once. */
static bool bring_in(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *before,
		     bool moves, struct dist_error *error)
{
	struct dist_flow_key key = dist_rule_spec_key(&entry->spec);

	if (moves) {
		/* Built anew, as the first rule of its match. */
		entry->published = NULL;
		entry->positions = NULL;
		return dist_rule_publish_introduce(store, entry, error);
	}
	return entry->spec.media == before->media ||
	       store->ops->flow_change(store->engine, &key, entry->spec.media, error);
}

/* The same for a rule that is there: its old receivers leave the engine with the commit. */
static bool replace(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *spec,
		    const struct dist_receiver_change *change, uint64_t now_ns, struct dist_error *error)
{
	struct dist_rule_entry before = *entry;
	struct dist_flow_key old_key = dist_rule_spec_key(&before.spec);
	bool moves = !change->same_match;

	if (!dist_rule_publish_reserve(store, 2, before.spec.receiver_count))
		return dist_rule_store_no_memory(error);
	entry->spec = *spec;
	entry->states = change->states;
	entry->index = change->index;
	if (!bring_in(store, entry, &before.spec, moves, error)) {
		*entry = before;
		return false;
	}
	if (moves) {
		dist_rule_publish_withdraw(store, &old_key);
		free(change->positions);
	} else {
		entry->positions = change->positions;
		entry->dirty = true;
	}
	free(before.positions);
	dist_receiver_index_free(&before.index);
	dist_receiver_change_leave(change, store, &before.spec, entry);
	store->receiver_count = store->receiver_count - before.spec.receiver_count + spec->receiver_count;
	entry->lease_until_ns = now_ns + LEASE_OF_PUT_NS;
	dist_receiver_states_release(before.states, before.spec.receiver_count);
	dist_rule_spec_clear(&before.spec);
	return true;
}

bool dist_rule_replace(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *rule,
		       uint64_t now_ns, struct dist_error *error)
{
	struct dist_receiver_change change;
	bool done = false;

	if (!dist_receiver_change_prepare(&change, store, entry, rule))
		return dist_rule_store_no_memory(error);
	if (dist_rule_check_change(store, entry, rule, &change, error) &&
	    dist_rule_publish_add_receivers(store, &rule->match, change.fresh, change.fresh_count, error)) {
		done = entry == NULL ? create(store, rule, &change, now_ns, error)
				     : replace(store, entry, rule, &change, now_ns, error);
		/* A rule that was published and withdrawn again may still be read: its receivers stay until the commit. */
		if (!done && dist_rule_store_commit(store))
			dist_rule_publish_remove_receivers(store, &rule->match, change.fresh, change.fresh_count);
	}
	if (done)
		free(change.fresh);
	else
		dist_receiver_change_clear(&change, rule->receiver_count);
	return done;
}
