/**
 * What is dropped, in the log: one line a second at most, with how many since the last one, by reason. What is passed to
 * the kernel is no fault and not told.
 */
#ifndef DIST_CONTROL_DROP_LOG_H
#define DIST_CONTROL_DROP_LOG_H

#include "stats.h"

#include <stdbool.h>

struct dist_drop_log {
	uint64_t told_ns;
	uint64_t told[DIST_DROP_COUNT];
};

/** Writes "reason N, reason N" of what has come since; false where nothing has, or a second is not over. */
bool dist_drop_log_text(struct dist_drop_log *log, const struct dist_totals *totals, uint64_t now_ns, char *text,
			size_t size);

#endif
