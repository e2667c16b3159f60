#include "stats_json.h"

#include "clock.h"
#include "rule_json.h"

#include <sys/resource.h>

static json_t *traffic(uint64_t packets, uint64_t bytes)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)packets, "bytes", (json_int_t)bytes);
}

/* Reasons with a count, in the order of the list. */
static json_t *drops(const struct dist_totals *totals)
{
	json_t *json = json_object();

	for (unsigned reason = 0; reason < DIST_DROP_COUNT; reason++)
		if (totals->drops[reason] > 0)
			json_object_set_new(json, dist_drop_name((enum dist_drop_reason)reason),
					    json_integer((json_int_t)totals->drops[reason]));
	return json;
}

/* CPU time of the process, user's and system's, in milliseconds. */
static double cpu_ms(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

void dist_stats_set_totals(json_t *answer, const struct dist_engine_ops *ops, struct dist_engine *engine,
			   uint64_t started_ns, uint64_t now_ns)
{
	unsigned worker_count;
	const struct dist_worker_stats *workers = ops->worker_stats(engine, &worker_count);
	struct dist_totals totals = dist_worker_stats_sum(workers, worker_count);

	json_object_set_new(answer, "uptimeMs", json_integer((json_int_t)((now_ns - started_ns) / DIST_NS_PER_MS)));
	json_object_set_new(answer, "cpuMs", json_real(cpu_ms()));
	json_object_set_new(answer, "received", traffic(totals.received_packets, totals.received_bytes));
	json_object_set_new(answer, "sent", traffic(totals.sent_packets, totals.sent_bytes));
	json_object_set_new(answer, "passed", json_integer((json_int_t)totals.passed));
	json_object_set_new(answer, "drops", drops(&totals));
}

static json_t *stats_of_receiver(const struct dist_rule_entry *entry, uint32_t at, unsigned worker_count)
{
	struct dist_totals totals = dist_receiver_stats_sum(entry->states[at]->stats, worker_count);
	bool ready = entry->published != NULL && at < entry->published->receiver_count &&
		     entry->published->receivers[at].resolved;
	json_t *json = dist_receiver_identity_to_json(&entry->spec.receivers[at]);

	json_object_set_new(json, "packets", json_integer((json_int_t)totals.sent_packets));
	json_object_set_new(json, "bytes", json_integer((json_int_t)totals.sent_bytes));
	json_object_set_new(json, "drops", drops(&totals));
	json_object_set_new(json, "state", json_string(ready ? "ready" : "unresolved"));
	return json;
}

json_t *dist_stats_of_rule(const struct dist_rule_entry *entry, unsigned worker_count, bool with_receivers)
{
	struct dist_totals totals = dist_rule_stats_sum(entry->state->stats, worker_count);
	json_t *json = json_object();

	json_object_set_new(json, "name", json_string(entry->spec.name));
	json_object_set_new(json, "generation", json_integer((json_int_t)entry->spec.generation));
	json_object_set_new(json, "received", traffic(totals.received_packets, totals.received_bytes));
	json_object_set_new(json, "sent", traffic(totals.sent_packets, totals.sent_bytes));
	json_object_set_new(json, "drops", drops(&totals));
	if (with_receivers) {
		json_t *receivers = json_array();
		for (uint32_t i = 0; i < entry->spec.receiver_count; i++)
			json_array_append_new(receivers, stats_of_receiver(entry, i, worker_count));
		json_object_set_new(json, "receivers", receivers);
	}
	return json;
}
