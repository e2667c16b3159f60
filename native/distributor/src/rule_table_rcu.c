#include "rule_table_rcu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

struct dist_rule_table_rcu {
	struct dist_rule_table table;
	struct rte_hash *hash;
	struct rte_rcu_qsbr *readers;
};

struct dist_rule_table_rcu *dist_rule_table_rcu_of(struct dist_rule_table *table)
{
	return (struct dist_rule_table_rcu *)table;
}

/* The same sum as rte_hash_crc's, which wants keys at addresses that are a multiple of 8; ours lie as packets come. */
static uint32_t hash_key(const void *key, uint32_t bytes, uint32_t start)
{
	uint64_t words[2];
	uint32_t last;

	(void)bytes;
	memcpy(words, key, sizeof(words));
	memcpy(&last, (const uint8_t *)key + sizeof(words), sizeof(last));
	return rte_hash_crc_4byte(last, rte_hash_crc_8byte(words[1], rte_hash_crc_8byte(words[0], start)));
}

static bool set_rule(struct dist_rule_table *table, const struct dist_flow_key *key, const struct dist_rule *rule,
		     const struct dist_rule **old, struct dist_error *error)
{
	struct dist_rule_table_rcu *rcu = dist_rule_table_rcu_of(table);
	void *data = NULL;
	int code;

	*old = rte_hash_lookup_data(rcu->hash, key, &data) >= 0 ? data : NULL;
	if (!rule) {
		if (*old)
			rte_hash_del_key(rcu->hash, key);
		return true;
	}
	/* A key that is there keeps its place: workers see the old pointer or the new one. */
	code = rte_hash_add_key_data(rcu->hash, key, (void *)(uintptr_t)rule);
	if (code == 0)
		return true;
	*old = NULL;
	return dist_error_set(error, "RULES_LIMIT", "the rule table takes no more keys (%s); raise its size",
			      rte_strerror(-code));
}

static const struct dist_rule *find_rule(struct dist_rule_table *table, const struct dist_flow_key *key)
{
	return dist_rule_table_rcu_find(dist_rule_table_rcu_of(table), key);
}

static void synchronize(struct dist_rule_table *table)
{
	rte_rcu_qsbr_synchronize(dist_rule_table_rcu_of(table)->readers, RTE_QSBR_THRID_INVALID);
}

static void destroy(struct dist_rule_table *table)
{
	struct dist_rule_table_rcu *rcu = dist_rule_table_rcu_of(table);

	rte_hash_free(rcu->hash);
	rte_free(rcu->readers);
	free(rcu);
}

static const struct dist_rule_table_ops OPS = {
	.set = set_rule,
	.find = find_rule,
	.synchronize = synchronize,
	.destroy = destroy,
};

struct dist_rule_table *dist_rule_table_rcu_new(const char *name, unsigned worker_count, unsigned capacity)
{
	struct dist_rule_table_rcu *rcu = calloc(1, sizeof(*rcu));
	/* The extendable table takes `entries` for sure; without it, a full bucket may refuse a key long before. */
	struct rte_hash_parameters hash = {
		.name = name,
		.entries = capacity < 64 ? 64 : capacity,
		.key_len = sizeof(struct dist_flow_key),
		.hash_func = hash_key,
		.socket_id = (int)SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	/*
	 * Readers are waited for before the place of a deleted key is used again. In the mode "sync" a deletion does so
	 * itself; deletions are rare beside changes of rules, which need none.
	 */
	struct rte_hash_rcu_config reclaim = {.mode = RTE_HASH_QSBR_MODE_SYNC};

	if (!rcu)
		return NULL;
	rcu->table.ops = &OPS;
	rcu->readers = rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(worker_count), RTE_CACHE_LINE_SIZE);
	if (!rcu->readers || rte_rcu_qsbr_init(rcu->readers, worker_count) != 0)
		goto failed;
	for (unsigned i = 0; i < worker_count; i++)
		if (rte_rcu_qsbr_thread_register(rcu->readers, i) != 0)
			goto failed;
	rcu->hash = rte_hash_create(&hash);
	if (!rcu->hash)
		goto failed;
	reclaim.v = rcu->readers;
	if (rte_hash_rcu_qsbr_add(rcu->hash, &reclaim) != 0)
		goto failed;
	return &rcu->table;

failed:
	destroy(&rcu->table);
	return NULL;
}

const struct dist_rule *dist_rule_table_rcu_find(const struct dist_rule_table_rcu *table,
						 const struct dist_flow_key *key)
{
	void *data;

	return rte_hash_lookup_data(table->hash, key, &data) >= 0 ? data : NULL;
}

void dist_rule_table_rcu_find_burst(const struct dist_rule_table_rcu *table, const struct dist_flow_key *const *keys,
				    unsigned count, const struct dist_rule **rules)
{
	void *data[DIST_RULE_TABLE_RCU_BURST];
	uint64_t hits = 0;

	rte_hash_lookup_bulk_data(table->hash, (const void **)(uintptr_t)keys, count, &hits, data);
	for (unsigned i = 0; i < count; i++)
		rules[i] = hits >> i & 1 ? data[i] : NULL;
}

void dist_rule_table_rcu_online(struct dist_rule_table_rcu *table, unsigned worker)
{
	rte_rcu_qsbr_thread_online(table->readers, worker);
}

void dist_rule_table_rcu_quiescent(struct dist_rule_table_rcu *table, unsigned worker)
{
	rte_rcu_qsbr_quiescent(table->readers, worker);
}

void dist_rule_table_rcu_offline(struct dist_rule_table_rcu *table, unsigned worker)
{
	rte_rcu_qsbr_thread_offline(table->readers, worker);
}
