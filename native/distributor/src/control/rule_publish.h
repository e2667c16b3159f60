/**
 * Rules into the engine and its rule table, and out of them. What a change sets free is kept in lists until the commit has
 * waited for the workers; room in the lists is reserved before anything changes, so that no change can fail half-way.
 */
#ifndef DIST_CONTROL_RULE_PUBLISH_H
#define DIST_CONTROL_RULE_PUBLISH_H

#include "rule_store_state.h"

/** Makes room for so many more that are gone. */
bool dist_rule_publish_reserve(struct dist_rule_store *store, size_t rules, size_t receivers);
/** Leaves the engine with the next commit. */
void dist_rule_publish_receiver_gone(struct dist_rule_store *store, const struct dist_match *match,
				     const struct dist_receiver_spec *receiver);

/** Makes the receivers known to the engine, all or none. */
bool dist_rule_publish_add_receivers(struct dist_rule_store *store, const struct dist_match *match,
				     const struct dist_receiver_spec *receivers, uint32_t count, struct dist_error *error);
/** Takes back what was added, where no worker can have seen it. */
void dist_rule_publish_remove_receivers(struct dist_rule_store *store, const struct dist_match *match,
					const struct dist_receiver_spec *receivers, uint32_t count);

/**
 * A flow that was not there: published at once, because the engine may refuse it. Room for one rule is reserved. Where it
 * is refused, what was published for a moment is gone with the next commit.
 */
bool dist_rule_publish_introduce(struct dist_rule_store *store, struct dist_rule_entry *entry, struct dist_error *error);
/** Takes the flow out of the engine and the table. Room for one rule is reserved. */
void dist_rule_publish_withdraw(struct dist_rule_store *store, const struct dist_flow_key *key);

#endif
