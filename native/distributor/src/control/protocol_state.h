/** What the protocol knows, for its own parts: protocol.c (lines, time) and the verbs. */
#ifndef DIST_CONTROL_PROTOCOL_STATE_H
#define DIST_CONTROL_PROTOCOL_STATE_H

#include "drop_log.h"
#include "protocol.h"

#include <jansson.h>

/** Rules and receivers in one answer: more could not fit its line, and a batch of lists must not fill the memory. */
#define DIST_ANSWER_ITEMS_MAX 350000

struct dist_capture_run {
	struct dist_capture *file; /* NULL: none runs */
	char *path;
	char rule[DIST_RULE_NAME_MAX + 1];
	uint64_t until_ns;
};

struct dist_protocol {
	struct dist_protocol_options options;
	struct dist_rule_store *store;
	uint64_t started_ns;
	char instance[17];
	bool draining;
	bool quits;
	struct dist_capture_run capture;
	struct dist_drop_log drop_log;
};

/** One request on its way through. */
struct dist_request {
	struct dist_session *session;
	const json_t *json;
	json_t *answer; /* what is to be set besides id and ok */
	uint64_t now_ns;
	uint32_t *items_left; /* of DIST_ANSWER_ITEMS_MAX, for the whole line */
	struct dist_error error;
};

/** Sends the event to everybody, and gives up the object. */
void dist_protocol_send_event(struct dist_protocol *protocol, json_t *event);

#endif
