/* Which packets may go out as one message: in order, of one size but the last, within the kernel's bounds. */
#include "check.h"
#include "sockets/fan_out.h"

#include <stdlib.h>

static void check_groups(const uint16_t *sizes, uint16_t count, const char *wanted)
{
	struct iovec payloads[DIST_BATCH_PACKETS] = {0};
	struct dist_segment_group groups[DIST_BATCH_PACKETS];
	char got[512] = "";
	size_t at = 0;
	uint16_t next = 0;

	for (uint16_t i = 0; i < count; i++)
		payloads[i] = (struct iovec){.iov_len = sizes[i]};
	uint16_t made = dist_segment_groups(payloads, count, groups);
	for (uint16_t i = 0; i < made; i++) {
		uint32_t bytes = 0;
		for (uint16_t p = groups[i].first; p < groups[i].first + groups[i].count; p++) {
			bytes += sizes[p];
			CHECK(sizes[p] == groups[i].segment ||
				      (p == groups[i].first + groups[i].count - 1 && sizes[p] < groups[i].segment && sizes[p] > 0),
			      "packet %u of %u bytes in a group of %u", p, sizes[p], groups[i].segment);
		}
		CHECK(groups[i].first == next, "group %u begins at %u", i, groups[i].first);
		CHECK(bytes == groups[i].bytes && (groups[i].count == 1 || bytes <= 65000), "group %u has %u bytes", i, bytes);
		next = (uint16_t)(next + groups[i].count);
		if (at < sizeof(got) - 8)
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%u ", groups[i].count);
	}
	CHECK(next == count, "%u of %u packets", next, count);
	if (wanted != NULL)
		CHECK(__builtin_strcmp(got, wanted) == 0, "groups of %snot %s", got, wanted);
}

int main(void)
{
	uint16_t many[DIST_BATCH_PACKETS];

	check_groups(NULL, 0, "");
	check_groups((uint16_t[]){1200}, 1, "1 ");
	check_groups((uint16_t[]){1200, 1200, 1200}, 3, "3 ");
	check_groups((uint16_t[]){1200, 1200, 300, 1200}, 4, "3 1 ");
	check_groups((uint16_t[]){300, 1200, 1200}, 3, "1 2 ");
	check_groups((uint16_t[]){1200, 300, 300}, 3, "2 1 ");
	check_groups((uint16_t[]){0, 0, 5, 0}, 4, "1 1 1 1 ");
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++)
		many[i] = 1316;
	check_groups(many, DIST_BATCH_PACKETS, "49 15 ");
	for (unsigned i = 0; i < DIST_BATCH_PACKETS; i++)
		many[i] = 100;
	check_groups(many, DIST_BATCH_PACKETS, "64 ");
	srandom(3);
	for (unsigned round = 0; round < 20000; round++) {
		uint16_t count = (uint16_t)(random() % (DIST_BATCH_PACKETS + 1));
		for (unsigned i = 0; i < count; i++)
			many[i] = (uint16_t)(random() % 4 == 0 ? random() % 9217 : 1200);
		check_groups(many, count, NULL);
	}
	CHECK_END();
}
