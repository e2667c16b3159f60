/**
 * One list of receivers into another: which receivers stay (with their counters, and as workers read them), which are new
 * to the engine, and which leave it. Nothing here changes a rule; it prepares what rule_store.c then puts in place.
 */
#ifndef DIST_CONTROL_RECEIVER_CHANGE_H
#define DIST_CONTROL_RECEIVER_CHANGE_H

#include "rule_store_state.h"

/** A list of receivers that is to become a rule's, and what of it is there already. */
struct dist_receiver_change {
	struct dist_receiver_state **states; /* one a receiver, each with a reference of its own */
	struct dist_receiver_index index;
	uint32_t *positions; /* in what is published, of receivers that stay as they are; all of them at `same_match` */
	bool same_match;     /* receivers that stay need nothing of the engine */
	struct dist_receiver_spec *fresh; /* those that the engine does not know yet */
	uint32_t fresh_count;
};

/** Compares the list of `spec` with that of `old` (NULL: there is no such rule). False without memory; nothing is kept. */
bool dist_receiver_change_prepare(struct dist_receiver_change *change, const struct dist_rule_store *store,
				  const struct dist_rule_entry *old, const struct dist_rule_spec *spec);
/** Frees all of it, where it has become no rule's. `count` receivers are in its list. */
void dist_receiver_change_clear(struct dist_receiver_change *change, uint32_t count);
/**
 * Those of `before` that `now` does not have leave the engine with the next commit. Room for them has been reserved
 * (dist_rule_publish_reserve).
 */
void dist_receiver_change_leave(const struct dist_receiver_change *change, struct dist_rule_store *store,
				const struct dist_rule_spec *before, const struct dist_rule_entry *now);

/** Gives up a list of states with `count` places, of which some may be NULL. */
void dist_receiver_states_release(struct dist_receiver_state **states, uint32_t count);

#endif
