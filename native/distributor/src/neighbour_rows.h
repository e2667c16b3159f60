/**
 * The rows of the kernel's neighbour table that are in use: a receiver's own or its gateway's, each with its users. A row is
 * asked for again before it grows stale, because packets that go out beside the kernel confirm nothing.
 */
#ifndef DIST_NEIGHBOUR_ROWS_H
#define DIST_NEIGHBOUR_ROWS_H

#include "address.h"
#include "neighbours.h"
#include "rtnetlink.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define DIST_NEIGHBOUR_BUCKETS 8192

struct dist_neighbour_row {
	LIST_ENTRY(dist_neighbour_row) in_bucket;
	int interface_index;
	struct dist_address address;
	bool usable; /* the kernel would itself send to `mac` */
	bool permanent;
	uint8_t mac[DIST_MAC_BYTES];
	uint64_t asked_ns;
	uint32_t users;
};

struct dist_neighbour_rows {
	int requests;      /* the owner's descriptor for them */
	uint64_t now_ns;   /* set by the owner */
	bool changed;      /* some row's address has; the owner takes it back */
	uint64_t refusals; /* requests that the kernel refused */
	LIST_HEAD(, dist_neighbour_row) buckets[DIST_NEIGHBOUR_BUCKETS];
};

/** One more user of the row, which is read and asked for if it is new. NULL without memory. */
struct dist_neighbour_row *dist_neighbour_rows_hold(struct dist_neighbour_rows *rows, int interface_index,
						    const struct dist_address *address);
/** One user less; `row` may be NULL. */
void dist_neighbour_rows_release(struct dist_neighbour_row *row);

/** What an event says of a row; it may be none of ours. */
void dist_neighbour_rows_take(struct dist_neighbour_rows *rows, const struct dist_rtnetlink_neighbour *said, bool gone);
/** Reads every row again, because events were lost. */
void dist_neighbour_rows_reread(struct dist_neighbour_rows *rows);
/** Asks for those that were asked for last so long ago. */
void dist_neighbour_rows_ask_due(struct dist_neighbour_rows *rows, uint32_t usable_ms, uint32_t unresolved_ms);

/** Where an address lies among DIST_NEIGHBOUR_BUCKETS. */
unsigned dist_neighbour_bucket(const struct dist_address *address, uint32_t more);

#endif
