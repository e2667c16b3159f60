#include "stats.h"

static void add_traffic(const struct dist_traffic *traffic, uint64_t *packets, uint64_t *bytes)
{
	*packets += dist_counter_read(&traffic->packets);
	*bytes += dist_counter_read(&traffic->bytes);
}

struct dist_totals dist_worker_stats_sum(const struct dist_worker_stats *workers, unsigned worker_count)
{
	struct dist_totals totals = {0};

	for (const struct dist_worker_stats *worker = workers; worker < workers + worker_count; worker++) {
		add_traffic(&worker->received, &totals.received_packets, &totals.received_bytes);
		add_traffic(&worker->sent, &totals.sent_packets, &totals.sent_bytes);
		totals.passed += dist_counter_read(&worker->passed);
		totals.polls += dist_counter_read(&worker->polls);
		totals.empty_polls += dist_counter_read(&worker->empty_polls);
		totals.sleeps += dist_counter_read(&worker->sleeps);
		for (unsigned reason = 0; reason < DIST_DROP_COUNT; reason++)
			totals.drops[reason] += dist_counter_read(&worker->drops[reason]);
	}
	return totals;
}

struct dist_totals dist_rule_stats_sum(const struct dist_rule_stats *workers, unsigned worker_count)
{
	struct dist_totals totals = {0};

	for (const struct dist_rule_stats *worker = workers; worker < workers + worker_count; worker++) {
		add_traffic(&worker->received, &totals.received_packets, &totals.received_bytes);
		add_traffic(&worker->sent, &totals.sent_packets, &totals.sent_bytes);
		for (unsigned reason = 0; reason < DIST_DROP_COUNT; reason++)
			totals.drops[reason] += dist_counter_read(&worker->drops[reason]);
	}
	return totals;
}

struct dist_totals dist_receiver_stats_sum(const struct dist_receiver_stats *workers, unsigned worker_count)
{
	struct dist_totals totals = {0};

	for (const struct dist_receiver_stats *worker = workers; worker < workers + worker_count; worker++) {
		add_traffic(&worker->sent, &totals.sent_packets, &totals.sent_bytes);
		for (unsigned reason = 0; reason < DIST_DROP_RECEIVER_COUNT; reason++)
			totals.drops[DIST_DROP_RECEIVER_FIRST + reason] += dist_counter_read(&worker->drops[reason]);
	}
	return totals;
}
