#include "protocol.h"

#include "capture_verb.h"
#include "clock.h"
#include "json_line.h"
#include "log.h"
#include "verbs.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/random.h>

#define TICK_MS 50
#define TICK_CAPTURING_MS 5
#define DRAIN_LOOKS_MAX 1000

void dist_protocol_send_event(struct dist_protocol *protocol, json_t *event)
{
	size_t length;
	char *line = dist_line_write(event, &length);

	if (line != NULL)
		protocol->options.send_event(protocol->options.send_context, line, length);
	free(line);
}

/* ---- A line through */

char *dist_protocol_handle(struct dist_protocol *protocol, struct dist_session *session, const char *line, size_t length,
			   uint64_t now_ns, size_t *answer_length)
{
	uint32_t items_left = DIST_ANSWER_ITEMS_MAX;
	struct dist_request request = {.session = session, .now_ns = now_ns, .items_left = &items_left};
	json_t *json = dist_line_parse(line, length, &request.error);

	if (json == NULL)
		return dist_line_write(dist_line_refusal(NULL, &request.error), answer_length);
	if (!dist_line_check_id(json, &request.error)) {
		json_decref(json);
		return dist_line_write(dist_line_refusal(NULL, &request.error), answer_length);
	}
	json_t *id = json_incref(json_object_get(json, "id"));
	request.json = json;
	request.answer = json_object();
	json_object_set(request.answer, "id", id);
	json_object_set_new(request.answer, "ok", json_true());
	char *answer;
	if (dist_verb_run(protocol, &request)) {
		answer = dist_line_write(request.answer, answer_length);
		if (answer != NULL && *answer_length > DIST_ANSWER_BYTES_MAX) {
			free(answer);
			dist_error_set(&request.error, "ANSWER_TOO_LARGE",
				       "the answer would have %zu bytes, but %d is the most; ask for fewer names",
				       *answer_length, DIST_ANSWER_BYTES_MAX);
			answer = dist_line_write(dist_line_refusal(id, &request.error), answer_length);
		}
	} else {
		json_decref(request.answer);
		answer = dist_line_write(dist_line_refusal(id, &request.error), answer_length);
	}
	json_decref(id);
	json_decref(json);
	return answer;
}

char *dist_protocol_refuse_long_line(size_t *answer_length)
{
	struct dist_error error;
	dist_error_set(&error, "LINE_TOO_LONG", "the line has more than %d bytes; the connection is closed",
		       DIST_REQUEST_BYTES_MAX);
	return dist_line_write(dist_line_refusal(NULL, &error), answer_length);
}

/* ---- What is due by time */

static void note_ended(void *context, const char *name)
{
	/* Rules end from the last name to the first; the event has them in their order. */
	json_array_insert_new(context, 0, json_string(name));
}

static void log_drops(struct dist_protocol *protocol, uint64_t now_ns)
{
	unsigned worker_count;
	const struct dist_worker_stats *workers =
		protocol->options.ops->worker_stats(protocol->options.engine, &worker_count);
	struct dist_totals totals = dist_worker_stats_sum(workers, worker_count);
	char text[512];

	if (dist_drop_log_text(&protocol->drop_log, &totals, now_ns, text, sizeof(text)))
		dist_log(DIST_LOG_WARN, "drops", "dropped since the last such line: %s", text);
}

void dist_protocol_tick(struct dist_protocol *protocol, uint64_t now_ns)
{
	json_t *names = json_array();

	log_drops(protocol, now_ns);

	if (dist_rule_store_expire(protocol->store, now_ns, note_ended, names) > 0) {
		dist_rule_store_commit(protocol->store);
		dist_log(DIST_LOG_WARN, "lease.ended", "%zu rules were removed, because no controller renewed them",
			 json_array_size(names));
		dist_protocol_send_event(protocol, json_pack("{s:s, s:O}", "event", "lease.ended", "rules", names));
	}
	json_decref(names);
	if (protocol->capture.file != NULL)
		dist_capture_tick(protocol, now_ns);
}

int dist_protocol_tick_ms(const struct dist_protocol *protocol)
{
	return protocol->capture.file != NULL ? TICK_CAPTURING_MS : TICK_MS;
}

bool dist_protocol_commit(struct dist_protocol *protocol)
{
	return dist_rule_store_commit(protocol->store);
}

void dist_protocol_links_changed(struct dist_protocol *protocol)
{
	dist_rule_store_touch_all(protocol->store);
}

void dist_protocol_fault(struct dist_protocol *protocol, const char *code, const char *text)
{
	json_t *event = json_object();
	json_object_set_new(event, "event", json_string("fault"));
	json_object_set_new(event, "code", json_string(code));
	json_object_set_new(event, "text", dist_line_text(text));
	dist_log(DIST_LOG_ERROR, "engine.fault", "%s: %s", code, text);
	dist_protocol_send_event(protocol, event);
}

void dist_protocol_drain(struct dist_protocol *protocol)
{
	protocol->draining = true;
	/* The rules go last: what was taken in under them is sent. */
	for (unsigned look = 0; look < DRAIN_LOOKS_MAX && !protocol->options.ops->drain(protocol->options.engine); look++)
		nanosleep(&(struct timespec){.tv_nsec = (long)DIST_NS_PER_MS}, NULL);
	dist_rule_store_clear(protocol->store);
	dist_rule_store_commit(protocol->store);
}

bool dist_protocol_quits(const struct dist_protocol *protocol)
{
	return protocol->quits;
}

struct dist_protocol *dist_protocol_new(const struct dist_protocol_options *options, uint64_t now_ns)
{
	struct dist_protocol *protocol = calloc(1, sizeof(*protocol));
	uint64_t instance = now_ns;

	if (protocol == NULL)
		return NULL;
	protocol->options = *options;
	protocol->started_ns = now_ns;
	protocol->store = dist_rule_store_new(options->ops, options->engine, &options->limits);
	if (protocol->store == NULL) {
		free(protocol);
		return NULL;
	}
	if (getrandom(&instance, sizeof(instance), 0) < 0)
		dist_log(DIST_LOG_WARN, "control.instance", "no random number could be had; the instance is the clock's");
	snprintf(protocol->instance, sizeof(protocol->instance), "%016llx", (unsigned long long)instance);
	return protocol;
}

void dist_protocol_free(struct dist_protocol *protocol)
{
	if (protocol == NULL)
		return;
	dist_rule_store_clear(protocol->store);
	if (protocol->capture.file != NULL)
		dist_capture_end(protocol);
	dist_rule_store_free(protocol->store);
	free(protocol);
}
