#include "rule_checks.h"

#include <string.h>

bool dist_rule_check_generation(const struct dist_rule_entry *entry, uint64_t generation, struct dist_error *error)
{
	if (generation >= entry->spec.generation)
		return true;
	return dist_error_set(error, "RULE_OLD", "rule %s has generation %llu, and %llu is older; send the newest",
			      entry->spec.name, (unsigned long long)entry->spec.generation, (unsigned long long)generation);
}

static bool refuse_loop(const struct dist_rule_spec *rule, const struct dist_receiver_spec *receiver,
			struct dist_error *error)
{
	char address[DIST_ADDRESS_TEXT_BYTES];

	dist_address_format(&receiver->address, address);
	return dist_error_set(error, "RULE_CONFLICT",
			      "receiver %s, port %u, of rule %s is the match of a rule: its packets would come back; send elsewhere",
			      address, receiver->port, rule->name);
}

/* The rule's match as it would stand among receivers. */
static struct dist_receiver_spec match_as_receiver(const struct dist_match *match)
{
	return (struct dist_receiver_spec){.address = match->address, .port = match->port, .vlan = match->vlan};
}

/* A match that is new: no other rule may have it, and none may send to it. */
static bool check_match(const struct dist_rule_store *store, const struct dist_rule_spec *rule,
			const struct dist_receiver_change *change, struct dist_error *error)
{
	struct dist_flow_key key = dist_rule_spec_key(rule);
	struct dist_receiver_spec match = match_as_receiver(&rule->match);

	for (uint32_t i = 0; i < store->entry_count; i++) {
		const struct dist_rule_entry *other = store->entries[i];
		struct dist_flow_key other_key = dist_rule_spec_key(&other->spec);
		if (strcmp(other->spec.name, rule->name) == 0)
			continue;
		if (memcmp(&key, &other_key, sizeof(key)) == 0)
			return dist_error_set(error, "RULE_CONFLICT", "rule %s has the match of rule %s; delete that first",
					      rule->name, other->spec.name);
		if (dist_receiver_index_find(&other->index, other->spec.receivers, &match) != DIST_RECEIVER_NOWHERE)
			return refuse_loop(&other->spec, &match, error);
	}
	return dist_receiver_index_find(&change->index, rule->receivers, &match) == DIST_RECEIVER_NOWHERE ||
	       refuse_loop(rule, &match, error);
}

/* Receivers that are new: none may be the match of a rule. (That of the rule itself before this change does not count.) */
static bool check_fresh(const struct dist_rule_store *store, const struct dist_rule_entry *entry,
			const struct dist_rule_spec *rule, const struct dist_receiver_change *change,
			struct dist_error *error)
{
	for (uint32_t i = 0; i < change->fresh_count; i++) {
		const struct dist_receiver_spec *receiver = &change->fresh[i];
		struct dist_flow_key key = dist_flow_key(&receiver->address, receiver->port, receiver->vlan);
		const struct dist_rule *found = store->table->ops->find(store->table, &key);
		if (found != NULL && (entry == NULL || change->same_match || found->state != entry->state))
			return refuse_loop(rule, receiver, error);
	}
	return true;
}

static bool check_count(const struct dist_rule_store *store, const char *name, uint32_t before, uint32_t after,
			struct dist_error *error)
{
	if (after > store->limits.receivers_per_rule)
		return dist_error_set(error, "RECEIVERS_LIMIT", "rule %s would have %u receivers, but %u is the most", name,
				      after, store->limits.receivers_per_rule);
	uint32_t all = store->receiver_count - before + after;
	if (after > before && all > store->limits.receivers)
		return dist_error_set(error, "RECEIVERS_LIMIT",
				      "with rule %s there would be %u receivers in all, but %u is the most", name, all,
				      store->limits.receivers);
	return true;
}

bool dist_rule_check_change(const struct dist_rule_store *store, const struct dist_rule_entry *entry,
			    const struct dist_rule_spec *rule, const struct dist_receiver_change *change,
			    struct dist_error *error)
{
	if (!change->same_match && !check_match(store, rule, change, error))
		return false;
	if (!check_fresh(store, entry, rule, change, error))
		return false;
	if (entry == NULL && store->entry_count == store->limits.rules)
		return dist_error_set(error, "RULES_LIMIT", "there are %u rules, which is the most", store->limits.rules);
	return check_count(store, rule->name, entry == NULL ? 0 : entry->spec.receiver_count, rule->receiver_count, error);
}
