/** A rule in the place of another, or of none: all of it, or nothing. */
#ifndef DIST_CONTROL_RULE_REPLACE_H
#define DIST_CONTROL_RULE_REPLACE_H

#include "rule_store_state.h"

#define DIST_RULE_LEASE_OF_PUT_MS 5000

/** Puts a rule in the place of `entry` (NULL: a new one). On true its receivers are the store's. */
bool dist_rule_replace(struct dist_rule_store *store, struct dist_rule_entry *entry, const struct dist_rule_spec *rule,
		       uint64_t now_ns, struct dist_error *error);

#endif
