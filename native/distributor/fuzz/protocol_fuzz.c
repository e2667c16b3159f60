/*
 * Any bytes as lines of the control protocol, with an engine behind it that moves no packet (and no captures). Every answer is
 * one line of JSON with an id and ok, and in the end the engine has no receiver left.
 */
#include "clock.h"
#include "control/protocol.h"
#include "log.h"
#include "still_engine.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Of one input: what is worth finding needs few of them. */
#define LINES_MAX 6

#define ASSERT(what)                                                                                                    \
	do {                                                                                                             \
		if (!(what))                                                                                             \
			abort();                                                                                         \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct dist_engine *engine;

static void check_event(void *context, const char *line, size_t length)
{
	(void)context;
	json_t *event = json_loadb(line, length, 0, NULL);
	ASSERT(json_is_string(json_object_get(event, "event")));
	json_decref(event);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct dist_engine_options options = {.idle = DIST_IDLE_BALANCED, .flows_max = 5};
	struct dist_error error;
	(void)argc, (void)argv;

	dist_log_set_level(DIST_LOG_ERROR);
	engine = still_engine.open(&options, &error);
	ASSERT(engine != NULL);
	return 0;
}

static void handle(struct dist_protocol *protocol, struct dist_session *session, const char *line, size_t length,
		   uint64_t now_ns)
{
	size_t answer_length;
	char *exact = malloc(length > 0 ? length : 1);

	ASSERT(exact != NULL);
	memcpy(exact, line, length);
	char *answer = dist_protocol_handle(protocol, session, exact, length, now_ns, &answer_length);
	free(exact);
	ASSERT(answer != NULL && answer[answer_length - 1] == '\n' && memchr(answer, '\n', answer_length - 1) == NULL);
	json_t *json = json_loadb(answer, answer_length, JSON_REJECT_DUPLICATES, NULL);
	ASSERT(json_is_boolean(json_object_get(json, "ok")) && json_object_get(json, "id") != NULL);
	json_decref(json);
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const struct dist_protocol_options options = {.ops = &still_engine,
						      .engine = engine,
						      .limits = {.rules = 4, .receivers_per_rule = 3, .receivers = 6},
						      .version = "0",
						      .send_event = check_event};
	uint64_t now_ns = 1000 * DIST_NS_PER_SECOND;
	struct dist_protocol *protocol = dist_protocol_new(&options, now_ns);
	/* An odd length: the fuzzer says hello itself. */
	struct dist_session session = {.greeted = length % 2 == 0};
	const char *at = (const char *)bytes;
	const char *end = at + length;

	ASSERT(protocol != NULL);
	for (unsigned lines = 0; at < end && lines < LINES_MAX && !dist_protocol_quits(protocol); lines++) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t line_length = (size_t)((line_end != NULL ? line_end : end) - at);
		handle(protocol, &session, at, line_length, now_ns);
		dist_protocol_commit(protocol);
		now_ns += 700 * DIST_NS_PER_MS;
		dist_protocol_tick(protocol, now_ns);
		at += line_length + 1;
	}
	dist_protocol_free(protocol);
	ASSERT(still_engine_receivers(engine) == 0);
	return 0;
}
