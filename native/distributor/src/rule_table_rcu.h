/**
 * The rule table of the DPDK engine: rte_hash with lock-free readers, and rte_rcu_qsbr to know when they are done. Lookup
 * takes no lock and writes nothing; a burst of packets is looked up at once, so that the memory of one is fetched while
 * another is compared. The control thread is the only writer.
 *
 * A worker is online from …_online to …_offline. Between two calls of …_quiescent it may hold what it looked up; at them
 * it holds nothing. It is offline while it sleeps, so that nobody waits for a sleeper.
 * EAL has to be initialized before a table is made.
 */
#ifndef DIST_RULE_TABLE_RCU_H
#define DIST_RULE_TABLE_RCU_H

#include "rule_table.h"

#include <stdint.h>

struct dist_rule_table_rcu;

/** Keys that one bulk lookup takes. */
#define DIST_RULE_TABLE_RCU_BURST 64

/** `capacity` keys at most. `name` is EAL's and unique in the process. NULL without memory. */
struct dist_rule_table *dist_rule_table_rcu_new(const char *name, unsigned worker_count, unsigned capacity);

struct dist_rule_table_rcu *dist_rule_table_rcu_of(struct dist_rule_table *table);

/* For workers: */
const struct dist_rule *dist_rule_table_rcu_find(const struct dist_rule_table_rcu *table,
						 const struct dist_flow_key *key);
/** Looks up `count` ≤ DIST_RULE_TABLE_RCU_BURST keys; rules[i] is NULL where keys[i] has none. */
void dist_rule_table_rcu_find_burst(const struct dist_rule_table_rcu *table, const struct dist_flow_key *const *keys,
				    unsigned count, const struct dist_rule **rules);
void dist_rule_table_rcu_online(struct dist_rule_table_rcu *table, unsigned worker);
void dist_rule_table_rcu_quiescent(struct dist_rule_table_rcu *table, unsigned worker);
void dist_rule_table_rcu_offline(struct dist_rule_table_rcu *table, unsigned worker);

#endif
