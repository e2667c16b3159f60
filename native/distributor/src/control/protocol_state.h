/** What the protocol knows, for its own two halves: protocol.c (lines, time) and verbs.c (what is asked for). */
#ifndef DIST_CONTROL_PROTOCOL_STATE_H
#define DIST_CONTROL_PROTOCOL_STATE_H

#include "drop_log.h"
#include "protocol.h"

#include <jansson.h>

/** Rules and receivers in one answer: more could not fit its line, and a batch of lists must not fill the memory. */
#define DIST_ANSWER_ITEMS_MAX 350000

struct dist_protocol {
	struct dist_protocol_options options;
	struct dist_rule_store *store;
	uint64_t started_ns;
	char instance[17];
	bool draining;
	bool quits;
	struct dist_capture *capture; /* NULL: none runs */
	char *capture_path;
	char capture_rule[DIST_RULE_NAME_MAX + 1];
	uint64_t capture_until_ns;
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

#endif
