#include "check.h"
#include "clock.h"
#include "control/drop_log.h"

#include <string.h>

int main(void)
{
	struct dist_drop_log log = {0};
	struct dist_totals totals = {0};
	char text[512] = "";

	CHECK(!dist_drop_log_text(&log, &totals, 2 * DIST_NS_PER_SECOND, text, sizeof(text)), "nothing was dropped");
	totals.drops[DIST_DROP_NO_RULE] = 7; /* passed to the kernel */
	CHECK(!dist_drop_log_text(&log, &totals, 3 * DIST_NS_PER_SECOND, text, sizeof(text)), "what is passed is no fault");
	totals.drops[DIST_DROP_NO_NEIGHBOUR] = 20;
	totals.drops[DIST_DROP_WRONG_SOURCE] = 1;
	CHECK(!dist_drop_log_text(&log, &totals, 3 * DIST_NS_PER_SECOND + 1, text, sizeof(text)), "the second is not over");
	CHECK(dist_drop_log_text(&log, &totals, 4 * DIST_NS_PER_SECOND, text, sizeof(text)) &&
		      strcmp(text, "wrong-source 1, no-neighbour 20") == 0,
	      "%s", text);
	totals.drops[DIST_DROP_NO_NEIGHBOUR] = 25;
	CHECK(dist_drop_log_text(&log, &totals, 5 * DIST_NS_PER_SECOND, text, sizeof(text)) && strcmp(text, "no-neighbour 5") == 0,
	      "%s", text);
	for (unsigned i = 0; i < DIST_DROP_COUNT; i++)
		totals.drops[i] = UINT64_C(1) << 62;
	char small[16];
	CHECK(dist_drop_log_text(&log, &totals, 6 * DIST_NS_PER_SECOND, small, sizeof(small)) && strlen(small) < sizeof(small),
	      "a small buffer is kept to");
	CHECK_END();
}
