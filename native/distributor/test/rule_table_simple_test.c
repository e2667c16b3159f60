/*
 * The table against a plain list, over many changes; and a worker that reads while rules change: it must never see a rule
 * that was freed (the sanitizers look), nor miss one that stays.
 */
#include "check.h"
#include "rule_table_simple.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CAPACITY 100
#define KEYS 300
#define CHANGES 100000
#define CHURN 3000

static struct dist_flow_key key_of(unsigned number)
{
	uint8_t bytes[4] = {10, 0, (uint8_t)(number >> 4), 1};
	struct dist_address address = dist_address_from_v4(bytes);
	return dist_flow_key(&address, (uint16_t)(5000 + number % 16), 0);
}

static struct dist_rule *rule_of(unsigned number)
{
	struct dist_rule *rule = aligned_alloc(DIST_CACHE_LINE, sizeof(*rule));
	memset(rule, 0, sizeof(*rule));
	rule->key = key_of(number);
	return rule;
}

static void check_changes(void)
{
	static const struct dist_rule *model[KEYS];
	struct dist_rule_table *table = dist_rule_table_simple_new(1, CAPACITY);
	unsigned used = 0;

	srandom(7);
	for (unsigned change = 0; change < CHANGES; change++) {
		unsigned number = (unsigned)random() % KEYS;
		struct dist_flow_key key = key_of(number);
		struct dist_rule *rule = random() % 2 == 0 ? rule_of(number) : NULL;
		const struct dist_rule *old = NULL;
		struct dist_error error;
		bool fits = rule == NULL || model[number] != NULL || used < CAPACITY;

		CHECK(table->ops->set(table, &key, rule, &old, &error) == fits, "change %u", change);
		if (!fits) {
			free(rule);
			continue;
		}
		CHECK(old == model[number], "change %u of key %u gives the old rule", change, number);
		used += (rule != NULL) - (old != NULL);
		model[number] = rule;
		free((void *)old);
		unsigned looked = (unsigned)random() % KEYS;
		struct dist_flow_key looked_key = key_of(looked);
		CHECK(dist_rule_table_simple_find(dist_rule_table_simple_of(table), &looked_key) == model[looked],
		      "key %u after change %u", looked, change);
	}
	for (unsigned i = 0; i < KEYS; i++)
		free((void *)model[i]);
	table->ops->destroy(table);
}

struct reader {
	struct dist_rule_table_simple *table;
	atomic_bool ends;
	atomic_uint rounds;
	unsigned missed, wrong;
};

/* Key 0 is always there; the others come and go. */
static void *read_on(void *context)
{
	struct reader *reader = context;

	while (!atomic_load(&reader->ends)) {
		dist_rule_table_simple_online(reader->table, 0);
		for (unsigned i = 0; i < 16; i++) {
			struct dist_flow_key key = key_of(i);
			const struct dist_rule *rule = dist_rule_table_simple_find(reader->table, &key);
			reader->missed += i == 0 && rule == NULL;
			reader->wrong += rule != NULL && memcmp(&rule->key, &key, sizeof(key)) != 0;
		}
		if (atomic_fetch_add(&reader->rounds, 1) % 2 == 0)
			dist_rule_table_simple_quiescent(reader->table, 0);
		dist_rule_table_simple_offline(reader->table, 0);
	}
	return NULL;
}

static void check_reader(void)
{
	struct dist_rule_table *table = dist_rule_table_simple_new(1, CAPACITY);
	struct reader reader = {.table = dist_rule_table_simple_of(table)};
	const struct dist_rule *old;
	struct dist_error error;
	pthread_t thread;

	for (unsigned i = 0; i < 16; i++) {
		struct dist_flow_key key = key_of(i);
		table->ops->set(table, &key, rule_of(i), &old, &error);
	}
	pthread_create(&thread, NULL, read_on, &reader);
	while (atomic_load(&reader.rounds) == 0)
		sched_yield();
	for (unsigned change = 0; change < CHURN; change++) {
		unsigned number = change % 16;
		struct dist_flow_key key = key_of(number);
		struct dist_rule *rule = number == 0 || change % 3 != 0 ? rule_of(number) : NULL;
		table->ops->set(table, &key, rule, &old, &error);
		table->ops->synchronize(table);
		if (old != NULL)
			memset((void *)old, 0xee, sizeof(*old)); /* who still reads it finds a wrong key */
		free((void *)old);
	}
	atomic_store(&reader.ends, true);
	pthread_join(thread, NULL);
	CHECK(reader.missed == 0, "a rule that stays was missed %u times", reader.missed);
	CHECK(reader.wrong == 0, "a rule that is gone was read %u times", reader.wrong);
	for (unsigned i = 0; i < 16; i++) {
		struct dist_flow_key key = key_of(i);
		table->ops->set(table, &key, NULL, &old, &error);
		free((void *)old);
	}
	table->ops->destroy(table);
}

int main(void)
{
	check_changes();
	check_reader();
	CHECK_END();
}
