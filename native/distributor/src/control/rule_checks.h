/** What the rule store refuses: old generations, matches that meet, packets that would go round, too much of anything. */
#ifndef DIST_CONTROL_RULE_CHECKS_H
#define DIST_CONTROL_RULE_CHECKS_H

#include "receiver_change.h"
#include "rule_store_state.h"

/** RULE_OLD, where the entry is newer. */
bool dist_rule_check_generation(const struct dist_rule_entry *entry, uint64_t generation, struct dist_error *error);

/**
 * RULE_CONFLICT, RULES_LIMIT, RECEIVERS_LIMIT, for a rule that is to take the place of `entry` (NULL: a new one). As no
 * receiver has ever been the match of a rule, only new matches and new receivers have to be looked at.
 */
bool dist_rule_check_change(const struct dist_rule_store *store, const struct dist_rule_entry *entry,
			    const struct dist_rule_spec *rule, const struct dist_receiver_change *change,
			    struct dist_error *error);

#endif
