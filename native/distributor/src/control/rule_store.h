/**
 * All rules, as the control plane wants them: names, generations, leases, counters; and their way into the engine. The
 * control thread's alone.
 *
 * A change is made here at once and reaches the workers with dist_rule_store_commit, which builds every rule that was
 * touched once, publishes them, waits for the workers once, and frees what is gone. So a thousand changes cost one wait.
 * Nothing may be answered as done before the commit.
 * A function that gives false has changed nothing.
 */
#ifndef DIST_CONTROL_RULE_STORE_H
#define DIST_CONTROL_RULE_STORE_H

#include "engine.h"
#include "receiver_index.h"

struct dist_rule_store;

struct dist_limits {
	uint32_t rules;
	uint32_t receivers_per_rule;
	uint32_t receivers; /* of all rules */
};

/** What a change did. */
struct dist_change {
	bool changed;
	uint64_t generation;
	uint32_t receivers;
};

/** A rule as it is now, for reading. */
struct dist_rule_entry {
	struct dist_rule_spec spec;
	struct dist_rule_state *state;
	struct dist_receiver_state **states; /* one a receiver, in the order of the spec */
	struct dist_receiver_index index;    /* of the spec's receivers */
	struct dist_rule *published;         /* what workers read */
	uint32_t *positions;                 /* where receiver i is in `published`, if it is as it was; NULL: all at i */
	bool links_changed;                  /* nothing of `published` may be taken over */
	struct dist_capture *capture;
	uint64_t lease_until_ns;
	bool dirty;
};

struct dist_rule_store *dist_rule_store_new(const struct dist_engine_ops *ops, struct dist_engine *engine,
					    const struct dist_limits *limits);
/** Removes all rules, commits, and frees the store. The engine is still there. */
void dist_rule_store_free(struct dist_rule_store *store);

/** Takes the rule's receivers over (the spec is then empty), whatever comes of it. */
bool dist_rule_store_put(struct dist_rule_store *store, struct dist_rule_spec *rule, uint64_t now_ns,
			 struct dist_change *change, struct dist_error *error);
bool dist_rule_store_delete(struct dist_rule_store *store, const char *name, uint64_t generation,
			    struct dist_change *change, struct dist_error *error);
bool dist_rule_store_add(struct dist_rule_store *store, const char *name, uint64_t generation,
			 const struct dist_receiver_spec *receivers, uint32_t count, struct dist_change *change,
			 struct dist_error *error);
bool dist_rule_store_remove(struct dist_rule_store *store, const char *name, uint64_t generation,
			    const struct dist_receiver_spec *receivers, uint32_t count, struct dist_change *change,
			    struct dist_error *error);

/** Renews all rules that are not permanent; gives how many they are. */
uint32_t dist_rule_store_lease(struct dist_rule_store *store, uint64_t lease_ns, uint64_t now_ns);
/** Called with the name of each rule whose lease has ended, just before it is removed. */
typedef void dist_lease_ended(void *context, const char *name);
/** Removes what has no lease any more; gives how many. Commit after. */
uint32_t dist_rule_store_expire(struct dist_rule_store *store, uint64_t now_ns, dist_lease_ended *ended, void *context);
/** Removes every rule. Commit after. */
void dist_rule_store_clear(struct dist_rule_store *store);

/** From the next commit on the rule's packets are captured, or (NULL) are not any more. False: no such rule. */
bool dist_rule_store_capture(struct dist_rule_store *store, const char *name, struct dist_capture *capture);

/** Links have changed: every rule is built again at the next commit. */
void dist_rule_store_touch_all(struct dist_rule_store *store);
/** False without memory: some changes have not reached the workers, and are tried again with the next commit. */
bool dist_rule_store_commit(struct dist_rule_store *store);

/** For reading: rules in the order of their names. */
uint32_t dist_rule_store_count(const struct dist_rule_store *store);
const struct dist_rule_entry *dist_rule_store_at(const struct dist_rule_store *store, uint32_t position);
const struct dist_rule_entry *dist_rule_store_find(const struct dist_rule_store *store, const char *name);

#endif
