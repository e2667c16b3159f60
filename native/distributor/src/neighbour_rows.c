#include "neighbour_rows.h"

#include "clock.h"

#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

/* States in which the kernel would itself send to the address that it holds. */
#define NUD_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

unsigned dist_neighbour_bucket(const struct dist_address *address, uint32_t more)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ more;

	for (size_t i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * UINT64_C(0x100000001b3);
	return (unsigned)((hash ^ hash >> 32) % DIST_NEIGHBOUR_BUCKETS);
}

static struct dist_neighbour_row *find(struct dist_neighbour_rows *rows, int interface_index,
				       const struct dist_address *address)
{
	struct dist_neighbour_row *row;

	LIST_FOREACH(row, &rows->buckets[dist_neighbour_bucket(address, (uint32_t)interface_index)], in_bucket)
		if (row->interface_index == interface_index && dist_address_equal(&row->address, address))
			return row;
	return NULL;
}

/* What the kernel says of the row, by an answer or an event. */
static void take(struct dist_neighbour_rows *rows, struct dist_neighbour_row *row,
		 const struct dist_rtnetlink_neighbour *said, bool gone)
{
	bool usable = !gone && said->has_mac && (said->state & NUD_USABLE);

	row->permanent = !gone && (said->state & (NUD_PERMANENT | NUD_NOARP));
	if (usable != row->usable || (usable && memcmp(row->mac, said->mac, sizeof(row->mac)) != 0))
		rows->changed = true;
	row->usable = usable;
	if (usable)
		memcpy(row->mac, said->mac, sizeof(row->mac));
}

static void ask(struct dist_neighbour_rows *rows, struct dist_neighbour_row *row)
{
	row->asked_ns = rows->now_ns;
	if (dist_rtnetlink_use(rows->requests, row->interface_index, row->address.bytes) < 0)
		rows->refusals++;
}

static void read_again(struct dist_neighbour_rows *rows, struct dist_neighbour_row *row)
{
	struct dist_rtnetlink_neighbour said;
	bool known = dist_rtnetlink_neighbour(rows->requests, row->interface_index, row->address.bytes, &said) == 0;

	take(rows, row, &said, !known);
}

struct dist_neighbour_row *dist_neighbour_rows_hold(struct dist_neighbour_rows *rows, int interface_index,
						    const struct dist_address *address)
{
	struct dist_neighbour_row *row = find(rows, interface_index, address);

	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row)
			return NULL;
		row->interface_index = interface_index;
		row->address = *address;
		LIST_INSERT_HEAD(&rows->buckets[dist_neighbour_bucket(address, (uint32_t)interface_index)], row, in_bucket);
		read_again(rows, row);
		if (!row->permanent)
			ask(rows, row);
	}
	row->users++;
	return row;
}

void dist_neighbour_rows_release(struct dist_neighbour_row *row)
{
	if (row && --row->users == 0) {
		LIST_REMOVE(row, in_bucket);
		free(row);
	}
}

void dist_neighbour_rows_take(struct dist_neighbour_rows *rows, const struct dist_rtnetlink_neighbour *said, bool gone)
{
	struct dist_address address = dist_address_from_v6(said->address);
	struct dist_neighbour_row *row = find(rows, said->interface_index, &address);

	if (row)
		take(rows, row, said, gone);
}

void dist_neighbour_rows_reread(struct dist_neighbour_rows *rows)
{
	struct dist_neighbour_row *row;

	for (unsigned i = 0; i < DIST_NEIGHBOUR_BUCKETS; i++)
		LIST_FOREACH(row, &rows->buckets[i], in_bucket)
			read_again(rows, row);
}

void dist_neighbour_rows_ask_due(struct dist_neighbour_rows *rows, uint32_t usable_ms, uint32_t unresolved_ms)
{
	struct dist_neighbour_row *row;

	for (unsigned i = 0; i < DIST_NEIGHBOUR_BUCKETS; i++) {
		LIST_FOREACH(row, &rows->buckets[i], in_bucket) {
			uint64_t wait_ns = (row->usable ? usable_ms : unresolved_ms) * DIST_NS_PER_MS;

			if (!row->permanent && rows->now_ns - row->asked_ns >= wait_ns)
				ask(rows, row);
		}
	}
}
