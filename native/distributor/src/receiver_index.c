#include "receiver_index.h"

#include "hash.h"

#include <stdlib.h>

static uint32_t hash(const struct dist_receiver_spec *receiver)
{
	return dist_hash(&receiver->address, (uint32_t)receiver->port << 16 | receiver->vlan);
}

/* The slot where the receiver is, or would be. */
static uint32_t slot_of(const struct dist_receiver_index *index, const struct dist_receiver_spec *receivers,
			const struct dist_receiver_spec *wanted)
{
	uint32_t at = hash(wanted) & index->mask;
	while (index->slots[at] != DIST_RECEIVER_NOWHERE &&
	       !dist_receiver_spec_same(&receivers[index->slots[at]], wanted))
		at = (at + 1) & index->mask;
	return at;
}

bool dist_receiver_index_build(struct dist_receiver_index *index, const struct dist_receiver_spec *receivers,
			       uint32_t count, uint32_t *twice)
{
	uint32_t slots = 16;

	while (slots < count * 2)
		slots *= 2;
	*twice = DIST_RECEIVER_NOWHERE;
	index->mask = slots - 1;
	index->slots = malloc(slots * sizeof(*index->slots));
	if (index->slots == NULL)
		return false;
	memset(index->slots, 0xff, slots * sizeof(*index->slots));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = slot_of(index, receivers, &receivers[i]);
		if (index->slots[at] != DIST_RECEIVER_NOWHERE) {
			*twice = i;
			dist_receiver_index_free(index);
			return false;
		}
		index->slots[at] = i;
	}
	return true;
}

void dist_receiver_index_free(struct dist_receiver_index *index)
{
	free(index->slots);
	index->slots = NULL;
}

uint32_t dist_receiver_index_find(const struct dist_receiver_index *index, const struct dist_receiver_spec *receivers,
				  const struct dist_receiver_spec *wanted)
{
	return index->slots[slot_of(index, receivers, wanted)];
}
