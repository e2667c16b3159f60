/** The answer to `stats` (docs/wire/distributor.md, stats). */
#ifndef DIST_CONTROL_STATS_JSON_H
#define DIST_CONTROL_STATS_JSON_H

#include "engine.h"
#include "rule_store.h"

#include <jansson.h>

/** What the distributor as a whole has counted, set into `answer`. */
void dist_stats_set_totals(json_t *answer, const struct dist_engine_ops *ops, struct dist_engine *engine,
			   uint64_t started_ns, uint64_t now_ns);
/** One rule's counters, and those of its receivers if asked for. */
json_t *dist_stats_of_rule(const struct dist_rule_entry *entry, unsigned worker_count, bool with_receivers);

#endif
