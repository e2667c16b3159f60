#include "drop_log.h"

#include "clock.h"

#include <stdio.h>

bool dist_drop_log_text(struct dist_drop_log *log, const struct dist_totals *totals, uint64_t now_ns, char *text, size_t size)
{
	size_t at = 0;

	if (now_ns - log->told_ns < DIST_NS_PER_SECOND)
		return false;
	log->told_ns = now_ns;
	for (unsigned i = 0; i < DIST_DROP_COUNT; i++) {
		enum dist_drop_reason reason = (enum dist_drop_reason)i;
		uint64_t since = totals->drops[i] - log->told[i];
		log->told[i] = totals->drops[i];
		/* What goes to the kernel is no loss, and a port that reads its own frames back does so all the time. */
		if (since == 0 || dist_drop_scope(reason) == DIST_SCOPE_PASSED || reason == DIST_DROP_OWN_FRAME || at >= size)
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s%s %llu", at == 0 ? "" : ", ", dist_drop_name(reason),
				       (unsigned long long)since);
	}
	return at > 0;
}
