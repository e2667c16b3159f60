#include "telemetry.h"

#include <pthread.h>

#include <rte_ethdev.h>
#include <rte_telemetry.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dist_telemetry current;

/* Names there have no hyphens: the wire's `no-rule` is `no_rule`. */
static void add_count(struct rte_tel_data *data, const char *name, uint64_t count)
{
	char allowed[32];
	size_t i;

	for (i = 0; i < sizeof(allowed) - 1 && name[i] != 0; i++)
		allowed[i] = name[i] == '-' ? '_' : name[i];
	allowed[i] = 0;
	rte_tel_data_add_dict_u64(data, allowed, count);
}

static int answer_stats(const char *command, const char *parameters, struct rte_tel_data *data)
{
	struct dist_totals totals;

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (current.workers) {
		totals = dist_worker_stats_sum(current.workers, current.worker_count);
		rte_tel_data_add_dict_u64(data, "receivedPackets", totals.received_packets);
		rte_tel_data_add_dict_u64(data, "receivedBytes", totals.received_bytes);
		rte_tel_data_add_dict_u64(data, "sentPackets", totals.sent_packets);
		rte_tel_data_add_dict_u64(data, "sentBytes", totals.sent_bytes);
		rte_tel_data_add_dict_u64(data, "passed", totals.passed);
		rte_tel_data_add_dict_u64(data, "polls", totals.polls);
		rte_tel_data_add_dict_u64(data, "emptyPolls", totals.empty_polls);
		rte_tel_data_add_dict_u64(data, "sleeps", totals.sleeps);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int answer_drops(const char *command, const char *parameters, struct rte_tel_data *data)
{
	struct dist_totals totals;

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (current.workers) {
		totals = dist_worker_stats_sum(current.workers, current.worker_count);
		for (int i = 0; i < DIST_DROP_COUNT; i++)
			if (totals.drops[i])
				add_count(data, dist_drop_name((enum dist_drop_reason)i), totals.drops[i]);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int answer_port(const char *command, const char *parameters, struct rte_tel_data *data)
{
	struct rte_eth_stats stats;

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (current.port && rte_eth_stats_get(current.port->id, &stats) == 0) {
		rte_tel_data_add_dict_int(data, "queues", (int)current.port->queues);
		rte_tel_data_add_dict_int(data, "byReference", current.port->by_reference);
		rte_tel_data_add_dict_u64(data, "deviceReceived", stats.ipackets);
		rte_tel_data_add_dict_u64(data, "deviceSent", stats.opackets);
		rte_tel_data_add_dict_u64(data, "deviceMissed", stats.imissed);
		rte_tel_data_add_dict_u64(data, "deviceReceiveErrors", stats.ierrors);
		rte_tel_data_add_dict_u64(data, "deviceSendErrors", stats.oerrors);
		rte_tel_data_add_dict_u64(data, "deviceNoBuffer", stats.rx_nombuf);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int answer_steering(const char *command, const char *parameters, struct rte_tel_data *data)
{
	static const char *const names[FLOW_COUNTS] = {
		[FLOW_COUNT_TAKEN] = "taken",		 [FLOW_COUNT_UNGUARDED] = "unguarded",
		[FLOW_COUNT_NO_MEDIA] = "no-media",	 [FLOW_COUNT_WRONG_MEDIA] = "wrong-media",
		[FLOW_COUNT_FRAGMENT] = "fragment",	 [FLOW_COUNT_IP_OPTIONS] = "ip-options",
		[FLOW_COUNT_IP_HEADER] = "ip-header",	 [FLOW_COUNT_UDP_LENGTH] = "udp-length",
	};
	uint64_t counts[FLOW_COUNTS];

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	if (current.steering && dist_steering_counts(current.steering, counts))
		for (int i = 0; i < FLOW_COUNTS; i++)
			add_count(data, names[i], counts[i]);
	pthread_mutex_unlock(&lock);
	return 0;
}

void dist_telemetry_open(const struct dist_telemetry *telemetry)
{
	pthread_mutex_lock(&lock);
	current = *telemetry;
	pthread_mutex_unlock(&lock);
	rte_telemetry_register_cmd("/penstock/stats", answer_stats, "Packets and bytes in and out, polls, sleeps");
	rte_telemetry_register_cmd("/penstock/drops", answer_drops, "Packets and copies that were not sent, by reason");
	rte_telemetry_register_cmd("/penstock/port", answer_port, "The port, and what its device has counted");
	rte_telemetry_register_cmd("/penstock/steering", answer_steering, "What the program in the kernel has counted");
}

void dist_telemetry_close(void)
{
	pthread_mutex_lock(&lock);
	current = (struct dist_telemetry){0};
	pthread_mutex_unlock(&lock);
}
