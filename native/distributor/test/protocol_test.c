/*
 * The golden conversations, with the sockets engine behind the protocol: rules bind real sockets. Time is the test's own.
 */
#include "check.h"
#include "clock.h"
#include "control/protocol.h"
#include "own_network.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

struct conversation {
	struct dist_protocol *protocol;
	struct dist_session session;
	uint64_t now_ns;
	json_t *events; /* since the last request */
};

/* Is the expected value a part of the real one? (README of the vectors) */
static bool is_part(const json_t *expected, const json_t *real)
{
	const char *key;
	size_t i;
	json_t *value;

	if (json_is_object(expected)) {
		if (!json_is_object(real))
			return false;
		json_object_foreach ((json_t *)expected, key, value)
			if (!is_part(value, json_object_get(real, key)))
				return false;
		return true;
	}
	if (json_is_array(expected)) {
		if (!json_is_array(real) || json_array_size(real) != json_array_size(expected))
			return false;
		json_array_foreach (expected, i, value)
			if (!is_part(value, json_array_get(real, i)))
				return false;
		return true;
	}
	return json_equal(expected, real) != 0;
}

static void collect_event(void *context, const char *line, size_t length)
{
	struct conversation *conversation = context;
	json_array_append_new(conversation->events, json_loadb(line, length, 0, NULL));
}

static void check_answer(const char *name, struct conversation *conversation, const char *line, size_t length,
			 const json_t *expected)
{
	size_t answer_length = 0;
	/* In memory of its own size, so that a read beyond the line is seen. */
	char *exact = malloc(length > 0 ? length : 1);
	memcpy(exact, line, length);
	json_array_clear(conversation->events);
	char *answer = dist_protocol_handle(conversation->protocol, &conversation->session, exact, length,
					    conversation->now_ns, &answer_length);
	dist_protocol_commit(conversation->protocol);
	json_t *real = json_loadb(answer, answer_length, 0, NULL);

	CHECK(answer_length > 0 && answer[answer_length - 1] == '\n', "%s: an answer is a line", name);
	CHECK(expected == NULL || is_part(expected, real), "%s:\n  %.*s\n  %.*s", name, (int)(length < 400 ? length : 400), line,
	      (int)(answer_length < 800 ? answer_length : 800), answer);
	json_decref(real);
	free(answer);
	free(exact);
}

static void wait_ms(struct conversation *conversation, json_int_t ms)
{
	for (json_int_t passed = 0; passed < ms; passed += 50) {
		conversation->now_ns += 50 * DIST_NS_PER_MS;
		dist_protocol_tick(conversation->protocol, conversation->now_ns);
	}
}

static void check_event(const char *name, const struct conversation *conversation, const json_t *expected)
{
	size_t i;
	json_t *event;
	bool came = false;

	json_array_foreach (conversation->events, i, event)
		came = came || is_part(expected, event);
	CHECK(came, "%s: the event %s has not come", name, vectors_text(expected, "event"));
}

static void take_step(const char *name, struct conversation *conversation, const json_t *step)
{
	const json_t *send = json_object_get(step, "send");
	const json_t *answer = json_object_get(step, "answer");

	if (send != NULL) {
		char *line = json_dumps(send, JSON_COMPACT);
		check_answer(name, conversation, line, strlen(line), answer);
		free(line);
	} else if (json_object_get(step, "line") != NULL) {
		const json_t *line = json_object_get(step, "line");
		check_answer(name, conversation, json_string_value(line), json_string_length(line), answer);
	} else if (json_object_get(step, "lineHex") != NULL) {
		size_t length;
		uint8_t *bytes = vectors_bytes(vectors_text(step, "lineHex"), &length);
		check_answer(name, conversation, (const char *)bytes, length, answer);
		free(bytes);
	} else if (json_object_get(step, "waitMs") != NULL) {
		wait_ms(conversation, json_integer_value(json_object_get(step, "waitMs")));
	} else if (json_object_get(step, "event") != NULL) {
		check_event(name, conversation, json_object_get(step, "event"));
	} else {
		CHECK(false, "%s: a step that this test does not know", name);
	}
}

static void hold(const json_t *vector)
{
	static const char hello[] = "{\"id\":0,\"do\":\"hello\",\"protocol\":1,\"controller\":\"vectors\"}";
	const char *name = vectors_text(vector, "name");
	const struct dist_engine_options engine_options = {.idle = DIST_IDLE_BALANCED, .flows_max = 4 + 1};
	struct dist_error error;
	struct dist_engine *engine = dist_sockets_engine.open(&engine_options, &error);
	struct conversation conversation = {.now_ns = 1000 * DIST_NS_PER_SECOND, .events = json_array()};
	const struct dist_protocol_options options = {.ops = &dist_sockets_engine,
						      .engine = engine,
						      .limits = {.rules = 4, .receivers_per_rule = 3, .receivers = 6},
						      .version = "0",
						      .capture = true,
						      .send_event = collect_event,
						      .send_context = &conversation};
	size_t i;
	json_t *step;

	CHECK(engine != NULL && dist_sockets_engine.start(engine, &error), "%s: %s", name, error.text);
	conversation.protocol = dist_protocol_new(&options, conversation.now_ns);
	if (!json_is_false(json_object_get(vector, "hello")))
		check_answer(name, &conversation, hello, strlen(hello), NULL);
	json_array_foreach (json_object_get(vector, "steps"), i, step)
		take_step(name, &conversation, step);
	dist_sockets_engine.stop(engine);
	dist_protocol_free(conversation.protocol);
	dist_sockets_engine.close(engine);
	json_decref(conversation.events);
}

int main(void)
{
	own_network_enter();
	json_t *vectors = vectors_load("conversations.json");
	size_t i;
	json_t *vector;

	json_array_foreach (vectors, i, vector)
		hold(vector);
	json_decref(vectors);
	CHECK_END();
}
