/* rule_table_rcu.c: what is found, what is replaced, and that a change waits for readers and for nobody who sleeps. */
#include "rule_table_rcu.h"

#include "check.h"
#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rte_eal.h>

#define RULES 4096

static struct dist_rule_table *table;
static atomic_bool reading, done;

static struct dist_flow_key key_of(unsigned i)
{
	struct dist_address address;

	REQUIRE(dist_address_parse("239.0.0.0", &address), "an address");
	address.bytes[14] = (uint8_t)(i >> 8);
	address.bytes[15] = (uint8_t)i;
	return dist_flow_key(&address, 5004, DIST_VLAN_NONE);
}

static const struct dist_rule *rule_of(unsigned i)
{
	return (const struct dist_rule *)(uintptr_t)(0x1000 + i * 64ul);
}

static const struct dist_rule *set(const struct dist_flow_key *key, const struct dist_rule *rule)
{
	const struct dist_rule *old;
	struct dist_error error = {0};

	REQUIRE(table->ops->set(table, key, rule, &old, &error), "%s", error.text);
	return old;
}

/* Online and without a quiescent point for 50 ms. */
static void *read_slowly(void *context)
{
	struct dist_rule_table_rcu *rcu = dist_rule_table_rcu_of(table);

	(void)context;
	dist_rule_table_rcu_online(rcu, 0);
	atomic_store(&reading, true);
	usleep(50000);
	atomic_store(&done, true);
	dist_rule_table_rcu_quiescent(rcu, 0);
	dist_rule_table_rcu_offline(rcu, 0);
	return NULL;
}

int main(void)
{
	char *arguments[] = {"test",	       "--no-huge",  "-m", "128", "--no-pci", "--iova-mode=va", "--no-shconf",
			     "--no-telemetry", "--lcores", "0", "--log-level", "3", NULL};
	struct dist_rule_table_rcu *rcu;
	const struct dist_rule *rules[DIST_RULE_TABLE_RCU_BURST];
	const struct dist_flow_key *keys[DIST_RULE_TABLE_RCU_BURST];
	struct dist_flow_key storage[DIST_RULE_TABLE_RCU_BURST];
	uint64_t start_ns;
	pthread_t thread;

	REQUIRE(rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments) >= 0, "EAL to start");
	table = dist_rule_table_rcu_new("test", 2, RULES);
	REQUIRE(table, "a table");
	rcu = dist_rule_table_rcu_of(table);

	/* As many rules as were asked for find a place, whatever their hashes are. */
	for (unsigned i = 0; i < RULES; i++) {
		struct dist_flow_key key = key_of(i);

		REQUIRE(set(&key, rule_of(i)) == NULL, "rule %u to be new", i);
	}
	for (unsigned i = 0; i < RULES; i++) {
		struct dist_flow_key key = key_of(i);

		REQUIRE(dist_rule_table_rcu_find(rcu, &key) == rule_of(i), "rule %u to be found", i);
	}
	/* A burst finds the same; a key that has none is NULL between those that have. */
	for (unsigned i = 0; i < DIST_RULE_TABLE_RCU_BURST; i++) {
		storage[i] = key_of(i % 3 == 1 ? RULES + i : i);
		keys[i] = &storage[i];
	}
	dist_rule_table_rcu_find_burst(rcu, keys, DIST_RULE_TABLE_RCU_BURST, rules);
	for (unsigned i = 0; i < DIST_RULE_TABLE_RCU_BURST; i++)
		REQUIRE(rules[i] == (i % 3 == 1 ? NULL : rule_of(i)), "key %u of the burst", i);
	/* Port and tag belong to the key. */
	storage[0].vlan_be = htons(7);
	REQUIRE(!dist_rule_table_rcu_find(rcu, &storage[0]), "no rule for the tag");

	storage[0] = key_of(5);
	REQUIRE(set(&storage[0], rule_of(9999)) == rule_of(5), "the old rule back");
	REQUIRE(dist_rule_table_rcu_find(rcu, &storage[0]) == rule_of(9999), "the new rule");
	REQUIRE(set(&storage[0], NULL) == rule_of(9999), "the rule back that is removed");
	REQUIRE(!dist_rule_table_rcu_find(rcu, &storage[0]) && set(&storage[0], NULL) == NULL, "nothing there any more");

	/* Nobody is online: nobody is waited for. */
	start_ns = dist_clock_now_ns();
	for (int i = 0; i < 1000; i++)
		table->ops->synchronize(table);
	REQUIRE(dist_clock_now_ns() - start_ns < 500 * DIST_NS_PER_MS, "synchronize to wait for no sleeper");
	/* A reader that is online is waited for. */
	REQUIRE(pthread_create(&thread, NULL, read_slowly, NULL) == 0, "a thread");
	while (!atomic_load(&reading))
		usleep(1000);
	table->ops->synchronize(table);
	REQUIRE(atomic_load(&done), "synchronize to wait for the reader");
	pthread_join(thread, NULL);

	for (unsigned i = 0; i < RULES; i++) {
		storage[0] = key_of(i);
		set(&storage[0], NULL);
	}
	/* Places are used again. */
	for (unsigned i = 0; i < RULES; i++) {
		storage[0] = key_of(i + 10000);
		set(&storage[0], rule_of(i));
	}
	table->ops->destroy(table);
	rte_eal_cleanup();
	return 0;
}
