/**
 * The rule table: what the control thread changes and workers read, without a lock between them. This is the control
 * thread's side, the same for every table. Workers call the table they were built with by its own functions
 * (rule_table_simple.h for sockets, rule_table_rcu.h for DPDK), so that a lookup is no call through a pointer.
 *
 * A change is three steps:
 *   old = ops->set(table, key, rule)     workers see the new rule from their next lookup on
 *   ops->synchronize(table)              returns when no worker can still hold a rule that it looked up before
 *   dist_rule_free(old)                  and only now may "done" be answered: a removed receiver gets nothing more
 * Several sets may share one synchronize: that is what a batch does.
 */
#ifndef DIST_RULE_TABLE_H
#define DIST_RULE_TABLE_H

#include "error.h"
#include "rule.h"

#include <stdbool.h>

struct dist_rule_table;

struct dist_rule_table_ops {
	/**
	 * Publishes the rule under the key, or removes the key if `rule` is NULL. `*old` is what was there (NULL: nothing),
	 * still in the hands of workers until the next synchronize. False if the table is full.
	 */
	bool (*set)(struct dist_rule_table *table, const struct dist_flow_key *key, const struct dist_rule *rule,
		    const struct dist_rule **old, struct dist_error *error);
	/** What is under the key now, or NULL: for the control thread. */
	const struct dist_rule *(*find)(struct dist_rule_table *table, const struct dist_flow_key *key);
	/** Waits until every worker has passed a quiescent point. */
	void (*synchronize)(struct dist_rule_table *table);
	void (*destroy)(struct dist_rule_table *table);
};

/** The head of every table: the first member of its own struct. */
struct dist_rule_table {
	const struct dist_rule_table_ops *ops;
};

#endif
