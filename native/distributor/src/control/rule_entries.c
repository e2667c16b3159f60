#include "rule_entries.h"

#include "receiver_change.h"
#include "rule_json.h"

#include <stdlib.h>
#include <string.h>

uint32_t dist_rule_entries_position(const struct dist_rule_store *store, const char *name, bool *found)
{
	uint32_t low = 0, high = store->entry_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(store->entries[middle]->spec.name, name);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

struct dist_rule_entry *dist_rule_entries_find(const struct dist_rule_store *store, const char *name)
{
	bool found;
	uint32_t at = dist_rule_entries_position(store, name, &found);
	return found ? store->entries[at] : NULL;
}

void dist_rule_entries_insert(struct dist_rule_store *store, struct dist_rule_entry *entry)
{
	bool found;
	uint32_t at = dist_rule_entries_position(store, entry->spec.name, &found);
	memmove(store->entries + at + 1, store->entries + at, (store->entry_count - at) * sizeof(store->entries[0]));
	store->entries[at] = entry;
	store->entry_count++;
}

struct dist_rule_entry *dist_rule_entries_take(struct dist_rule_store *store, uint32_t at)
{
	struct dist_rule_entry *entry = store->entries[at];
	store->entry_count--;
	memmove(store->entries + at, store->entries + at + 1, (store->entry_count - at) * sizeof(store->entries[0]));
	return entry;
}

void dist_rule_entry_free(struct dist_rule_entry *entry)
{
	dist_receiver_states_release(entry->states, entry->spec.receiver_count);
	free(entry->positions);
	dist_receiver_index_free(&entry->index);
	if (entry->state != NULL)
		dist_rule_state_release(entry->state);
	dist_rule_spec_clear(&entry->spec);
	free(entry);
}
