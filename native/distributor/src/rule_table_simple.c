#include "rule_table_simple.h"

#include "hash.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SYNCHRONIZE_SPINS 64
#define SYNCHRONIZE_SLEEP_NS 20000

/* A slot is empty (NULL), was used (`gone`: look further), or holds a rule, whose key is in it. Rules never move. */
static const struct dist_rule gone_rule;
static const struct dist_rule *const gone = &gone_rule;

struct worker_epoch {
	alignas(DIST_CACHE_LINE) _Atomic uint64_t at; /* 0: offline */
};

struct dist_rule_table_simple {
	struct dist_rule_table head;
	unsigned worker_count;
	unsigned capacity;
	unsigned used;
	uint32_t mask; /* slots less one, a power of two, at least twice the capacity */
	_Atomic uint64_t epoch;
	struct worker_epoch *workers;
	_Atomic(const struct dist_rule *) slots[];
};

static uint32_t hash(const struct dist_flow_key *key)
{
	return dist_hash(&key->destination, (uint32_t)key->port_be << 16 | key->vlan_be);
}

static bool key_equal(const struct dist_flow_key *a, const struct dist_flow_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct dist_rule_table_simple *dist_rule_table_simple_of(struct dist_rule_table *table)
{
	return (struct dist_rule_table_simple *)table;
}

const struct dist_rule *dist_rule_table_simple_find(const struct dist_rule_table_simple *table,
						    const struct dist_flow_key *key)
{
	for (uint32_t at = hash(key) & table->mask;; at = (at + 1) & table->mask) {
		const struct dist_rule *rule = atomic_load_explicit(&table->slots[at], memory_order_acquire);
		if (rule == NULL)
			return NULL;
		if (rule != gone && key_equal(&rule->key, key))
			return rule;
	}
}

static const struct dist_rule *find(struct dist_rule_table *head, const struct dist_flow_key *key)
{
	return dist_rule_table_simple_find(dist_rule_table_simple_of(head), key);
}

/* The control thread may have seen the worker offline a moment ago: then what it changed before is seen from here on. */
void dist_rule_table_simple_online(struct dist_rule_table_simple *table, unsigned worker)
{
	dist_rule_table_simple_quiescent(table, worker);
	atomic_thread_fence(memory_order_seq_cst);
}

/* Sequentially consistent: what is looked up after it was published before the epoch that is stored here. */
void dist_rule_table_simple_quiescent(struct dist_rule_table_simple *table, unsigned worker)
{
	atomic_store(&table->workers[worker].at, atomic_load(&table->epoch));
}

void dist_rule_table_simple_offline(struct dist_rule_table_simple *table, unsigned worker)
{
	atomic_store(&table->workers[worker].at, 0);
}

/* Slots that were used and lead to an empty one need not be looked beyond any more. */
static void clear_tail(struct dist_rule_table_simple *table, uint32_t at)
{
	if (atomic_load(&table->slots[(at + 1) & table->mask]) != NULL)
		return;
	while (atomic_load(&table->slots[at]) == gone) {
		atomic_store(&table->slots[at], NULL);
		at = (at - 1) & table->mask;
	}
}

static bool set(struct dist_rule_table *head, const struct dist_flow_key *key, const struct dist_rule *rule,
		const struct dist_rule **old, struct dist_error *error)
{
	struct dist_rule_table_simple *table = dist_rule_table_simple_of(head);
	uint32_t at = hash(key) & table->mask;
	uint32_t free_at = UINT32_MAX;
	const struct dist_rule *there;

	*old = NULL;
	for (; (there = atomic_load(&table->slots[at])) != NULL; at = (at + 1) & table->mask) {
		if (there == gone) {
			if (free_at == UINT32_MAX)
				free_at = at;
		} else if (key_equal(&there->key, key)) {
			*old = there;
			atomic_store(&table->slots[at], rule != NULL ? rule : gone);
			if (rule == NULL) {
				table->used--;
				clear_tail(table, at);
			}
			return true;
		}
	}
	if (rule == NULL)
		return true;
	if (table->used == table->capacity)
		return dist_error_set(error, "RULES_LIMIT", "the rule table holds %u flows and is full; remove rules first",
				      table->capacity);
	atomic_store(&table->slots[free_at != UINT32_MAX ? free_at : at], rule);
	table->used++;
	return true;
}

static void synchronize(struct dist_rule_table *head)
{
	struct dist_rule_table_simple *table = dist_rule_table_simple_of(head);
	uint64_t epoch = atomic_fetch_add(&table->epoch, 1) + 1;

	for (unsigned worker = 0; worker < table->worker_count; worker++) {
		for (unsigned spin = 0;; spin++) {
			uint64_t at = atomic_load(&table->workers[worker].at);
			if (at == 0 || at >= epoch)
				break;
			if (spin < SYNCHRONIZE_SPINS)
				sched_yield();
			else
				nanosleep(&(struct timespec){.tv_nsec = SYNCHRONIZE_SLEEP_NS}, NULL);
		}
	}
}

static void destroy(struct dist_rule_table *head)
{
	struct dist_rule_table_simple *table = dist_rule_table_simple_of(head);
	free(table->workers);
	free(table);
}

struct dist_rule_table *dist_rule_table_simple_new(unsigned worker_count, unsigned capacity)
{
	static const struct dist_rule_table_ops ops = {
		.set = set, .find = find, .synchronize = synchronize, .destroy = destroy};
	uint32_t slots = 16;

	while (slots < capacity * 2)
		slots *= 2;
	struct dist_rule_table_simple *table = calloc(1, sizeof(*table) + slots * sizeof(table->slots[0]));
	if (table == NULL)
		return NULL;
	table->workers = aligned_alloc(DIST_CACHE_LINE, worker_count * sizeof(*table->workers));
	if (table->workers == NULL) {
		free(table);
		return NULL;
	}
	memset(table->workers, 0, worker_count * sizeof(*table->workers));
	table->head.ops = &ops;
	table->worker_count = worker_count;
	table->capacity = capacity;
	table->mask = slots - 1;
	atomic_store(&table->epoch, 1);
	return &table->head;
}
