/** The store's list of rules, in the order of their names. */
#ifndef DIST_CONTROL_RULE_ENTRIES_H
#define DIST_CONTROL_RULE_ENTRIES_H

#include "rule_store_state.h"

/** Where the name is, or would be; `*found` says which. */
uint32_t dist_rule_entries_position(const struct dist_rule_store *store, const char *name, bool *found);
/** The entry with this name, or NULL. */
struct dist_rule_entry *dist_rule_entries_find(const struct dist_rule_store *store, const char *name);
/** Puts in an entry whose name is not there; the caller has seen that there is room. */
void dist_rule_entries_insert(struct dist_rule_store *store, struct dist_rule_entry *entry);
/** Takes the entry out of the list; it is the caller's then. */
struct dist_rule_entry *dist_rule_entries_take(struct dist_rule_store *store, uint32_t at);
/** Frees an entry that is in no list, but not what workers read of it. */
void dist_rule_entry_free(struct dist_rule_entry *entry);

#endif
