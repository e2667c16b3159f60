/**
 * Where in a rule's list a receiver stands, found by its address, port and VLAN: so that ten thousand receivers are loaded
 * or compared in one pass. The control thread's alone.
 */
#ifndef DIST_RECEIVER_INDEX_H
#define DIST_RECEIVER_INDEX_H

#include "rule.h"

struct dist_receiver_index {
	uint32_t *slots; /* position in the list, or DIST_RECEIVER_NOWHERE */
	uint32_t mask;
};

/**
 * Builds the index of a list. False without memory, or where a receiver is there twice: `*twice` is then its second
 * position, otherwise DIST_RECEIVER_NOWHERE.
 */
bool dist_receiver_index_build(struct dist_receiver_index *index, const struct dist_receiver_spec *receivers,
			       uint32_t count, uint32_t *twice);
void dist_receiver_index_free(struct dist_receiver_index *index);

/** The receiver's position in the list that the index was built of. */
uint32_t dist_receiver_index_find(const struct dist_receiver_index *index, const struct dist_receiver_spec *receivers,
				  const struct dist_receiver_spec *wanted);

#endif
