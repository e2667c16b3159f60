#include "receiver_change.h"

#include "rule_publish.h"

#include <stdlib.h>
#include <string.h>

void dist_receiver_states_release(struct dist_receiver_state **states, uint32_t count)
{
	for (uint32_t i = 0; states != NULL && i < count; i++)
		if (states[i] != NULL)
			dist_receiver_state_release(states[i]);
	free(states);
}

/* Is receiver `at` of the other list the same to the engine (neighbour, source port)? */
static bool stays_in_engine(const struct dist_receiver_change *change, const struct dist_rule_spec *other, uint32_t at,
			    const struct dist_receiver_spec *receiver)
{
	return change->same_match && at != DIST_RECEIVER_NOWHERE &&
	       other->receivers[at].source_port == receiver->source_port;
}

static uint32_t published_position(const struct dist_rule_entry *old, uint32_t at,
				   const struct dist_receiver_spec *receiver)
{
	if (at == DIST_RECEIVER_NOWHERE || memcmp(&old->spec.receivers[at], receiver, sizeof(*receiver)) != 0)
		return DIST_RECEIVER_NOWHERE;
	return old->positions == NULL ? at : old->positions[at];
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

static bool has_same_match(const struct dist_rule_entry *old, const struct dist_rule_spec *spec)
{
	if (old == NULL)
		return false;
	struct dist_flow_key key = dist_rule_spec_key(spec);
	struct dist_flow_key old_key = dist_rule_spec_key(&old->spec);
	return memcmp(&key, &old_key, sizeof(key)) == 0;
}

bool dist_receiver_change_prepare(struct dist_receiver_change *change, const struct dist_rule_store *store,
				  const struct dist_rule_entry *old, const struct dist_rule_spec *spec)
{
	size_t places = (size_t)spec->receiver_count + 1;
	uint32_t twice, hint = 0;

	*change = (struct dist_receiver_change){.states = calloc(places, sizeof(change->states[0])),
						.positions = malloc(places * sizeof(change->positions[0])),
						.same_match = has_same_match(old, spec),
						.fresh = malloc(places * sizeof(change->fresh[0]))};
	if (change->states == NULL || change->positions == NULL || change->fresh == NULL ||
	    !dist_receiver_index_build(&change->index, spec->receivers, spec->receiver_count, &twice)) {
		dist_receiver_change_clear(change, 0);
		return false;
	}
	for (uint32_t i = 0; i < spec->receiver_count; i++) {
		const struct dist_receiver_spec *receiver = &spec->receivers[i];
		uint32_t at = old == NULL ? DIST_RECEIVER_NOWHERE : find_near(old, receiver, &hint);

		change->positions[i] = change->same_match ? published_position(old, at, receiver) : DIST_RECEIVER_NOWHERE;
		if (at == DIST_RECEIVER_NOWHERE || !stays_in_engine(change, &old->spec, at, receiver))
			change->fresh[change->fresh_count++] = *receiver;
		if (at != DIST_RECEIVER_NOWHERE) {
			change->states[i] = old->states[at];
			change->states[i]->references++;
		} else {
			change->states[i] = dist_receiver_state_new(store->worker_count);
		}
		if (change->states[i] == NULL) {
			dist_receiver_change_clear(change, spec->receiver_count);
			return false;
		}
	}
	return true;
}

void dist_receiver_change_clear(struct dist_receiver_change *change, uint32_t count)
{
	dist_receiver_states_release(change->states, count);
	free(change->positions);
	free(change->fresh);
	dist_receiver_index_free(&change->index);
	*change = (struct dist_receiver_change){0};
}

void dist_receiver_change_leave(const struct dist_receiver_change *change, struct dist_rule_store *store,
				const struct dist_rule_spec *before, const struct dist_rule_entry *now)
{
	uint32_t hint = 0;

	for (uint32_t i = 0; i < before->receiver_count; i++) {
		const struct dist_receiver_spec *receiver = &before->receivers[i];
		uint32_t at = find_near(now, receiver, &hint);
		if (!stays_in_engine(change, &now->spec, at, receiver))
			dist_rule_publish_receiver_gone(store, &before->match, receiver);
	}
}
