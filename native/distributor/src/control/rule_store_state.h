/**
 * What the rule store knows, for its own parts: rule_store.c (what may change), rule_entries.c (the list), receiver_change.c
 * (one list of receivers into another), rule_publish.c (into the engine and out of it).
 */
#ifndef DIST_CONTROL_RULE_STORE_STATE_H
#define DIST_CONTROL_RULE_STORE_STATE_H

#include "rule_store.h"

#include <stddef.h>

/** A receiver that has left its rule, until no worker can send to it any more. */
struct dist_gone_receiver {
	struct dist_match match;
	struct dist_receiver_spec receiver;
};

struct dist_rule_store {
	const struct dist_engine_ops *ops;
	struct dist_engine *engine;
	struct dist_rule_table *table;
	struct dist_limits limits;
	unsigned worker_count;
	uint32_t receiver_count; /* of all rules */
	uint32_t entry_count;
	struct dist_rule_entry **entries; /* limits.rules of them, sorted by name */

	/* What the next commit sets free. */
	const struct dist_rule **gone_rules;
	size_t gone_rule_count, gone_rule_capacity;
	struct dist_gone_receiver *gone_receivers;
	size_t gone_receiver_count, gone_receiver_capacity;
};

static inline struct dist_flow_key dist_rule_spec_key(const struct dist_rule_spec *spec)
{
	return dist_flow_key(&spec->match.address, spec->match.port, spec->match.vlan);
}

/** ENGINE_FAILED; false. */
static inline bool dist_rule_store_no_memory(struct dist_error *error)
{
	return dist_error_set(error, "ENGINE_FAILED", "no memory for the change; the rule is as it was");
}

#endif
