/**
 * The rule table of the sockets engine: open addressing over a fixed array of atomic pointers, and one epoch per worker.
 * Lookup is wait-free: no lock, no allocation, no write. The control thread is the only writer.
 *
 * A worker is online from dist_rule_table_simple_online to …_offline. Between two calls of …_quiescent it may hold what
 * it looked up; at them it holds nothing. It is offline while it sleeps, so that nobody waits for a sleeper.
 */
#ifndef DIST_RULE_TABLE_SIMPLE_H
#define DIST_RULE_TABLE_SIMPLE_H

#include "rule_table.h"

struct dist_rule_table_simple;

/** `capacity` keys at most. NULL without memory. */
struct dist_rule_table *dist_rule_table_simple_new(unsigned worker_count, unsigned capacity);

struct dist_rule_table_simple *dist_rule_table_simple_of(struct dist_rule_table *table);

/* For workers: */
const struct dist_rule *dist_rule_table_simple_find(const struct dist_rule_table_simple *table,
						    const struct dist_flow_key *key);
void dist_rule_table_simple_online(struct dist_rule_table_simple *table, unsigned worker);
void dist_rule_table_simple_quiescent(struct dist_rule_table_simple *table, unsigned worker);
void dist_rule_table_simple_offline(struct dist_rule_table_simple *table, unsigned worker);

#endif
