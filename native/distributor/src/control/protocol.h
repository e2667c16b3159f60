/**
 * The control protocol without its socket (docs/wire/distributor.md): a line in, a line out. Total over any bytes.
 *
 * An answer may be sent only after dist_protocol_commit: then the change that it tells of is complete. Several lines may
 * be handled before one commit.
 */
#ifndef DIST_CONTROL_PROTOCOL_H
#define DIST_CONTROL_PROTOCOL_H

#include "engine.h"
#include "rule_store.h"

#include <stdbool.h>
#include <stddef.h>

#define DIST_PROTOCOL_VERSION 1
/** Bytes of a line at most, with its end. */
#define DIST_REQUEST_BYTES_MAX 1048576
#define DIST_ANSWER_BYTES_MAX 16777216

struct dist_protocol;

/** Sends an event to all who have said hello: a line with its end, which is the caller's again after the call. */
typedef void dist_event_send(void *context, const char *line, size_t length);

struct dist_protocol_options {
	const struct dist_engine_ops *ops;
	struct dist_engine *engine; /* opened; outlives the protocol */
	struct dist_limits limits;
	const char *version;
	bool capture; /* may the verb write files? */
	dist_event_send *send_event;
	void *send_context;
};

/** What is known of one connection. All zero at first. */
struct dist_session {
	bool greeted;
};

struct dist_protocol *dist_protocol_new(const struct dist_protocol_options *options, uint64_t now_ns);
/** Removes every rule first. */
void dist_protocol_free(struct dist_protocol *protocol);

/** Handles one line without its end. The answer, with its end, is the caller's to free; NULL without memory. */
char *dist_protocol_handle(struct dist_protocol *protocol, struct dist_session *session, const char *line, size_t length,
			   uint64_t now_ns, size_t *answer_length);
/** The answer to a line that is longer than allowed. */
char *dist_protocol_refuse_long_line(size_t *answer_length);

/** Brings all changes to the workers. False without memory: then nothing may be answered as done. */
bool dist_protocol_commit(struct dist_protocol *protocol);

/**
 * What is due by time: leases that end, a capture that is written. Call it at least every dist_protocol_tick_ms; it
 * commits what it changes.
 */
void dist_protocol_tick(struct dist_protocol *protocol, uint64_t now_ns);
/** Milliseconds to the next tick at most. */
int dist_protocol_tick_ms(const struct dist_protocol *protocol);

/** Links have changed: rules are built again with the next commit. */
void dist_protocol_links_changed(struct dist_protocol *protocol);
/** Tells everybody that the engine can no longer do its work in part or at all. */
void dist_protocol_fault(struct dist_protocol *protocol, const char *code, const char *text);
/** Waits (a second at most) until everything is sent, and takes every rule away; `rule.put` is refused from now on. */
void dist_protocol_drain(struct dist_protocol *protocol);
/** Has somebody asked the process to end? */
bool dist_protocol_quits(const struct dist_protocol *protocol);

#endif
