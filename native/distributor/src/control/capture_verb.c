/* The verb `capture`, and what becomes of the capture then. */
#include "capture_verb.h"

#include "capture.h"
#include "clock.h"
#include "verb_list.h"

#include <stdlib.h>
#include <string.h>

#define CAPTURE_MS_DEFAULT 60000
#define CAPTURE_MS_MAX 600000
#define PATH_BYTES_MAX 4095

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

bool dist_verb_capture(struct dist_protocol *protocol, struct dist_request *request)
{
	static const struct dist_field fields[] = {{"id", false},  {"do", false},      {"name", true},
						   {"path", true}, {"packets", true}, {"durationMs", false}};
	const char *name = "", *path = "";
	int64_t packets = 0, duration_ms = CAPTURE_MS_DEFAULT;

	if (!dist_request_check(request, fields, COUNT(fields)) ||
	    !dist_json_name(request->json, "", "name", &name, &request->error) ||
	    !dist_json_text(request->json, "", "path", PATH_BYTES_MAX, &path, &request->error))
		return false;
	if (path[0] != '/')
		return dist_error_set(&request->error, "VALUE_INVALID", "path must be absolute");
	if (!dist_json_integer(request->json, "", "packets", 1, DIST_CAPTURE_PACKETS_MAX, &packets, &request->error) ||
	    !dist_json_integer(request->json, "", "durationMs", 1, CAPTURE_MS_MAX, &duration_ms, &request->error))
		return false;
	if (!protocol->options.capture)
		return dist_error_set(&request->error, "UNSUPPORTED", "this distributor may not write captures");
	if (dist_rule_store_find(protocol->store, name) == NULL)
		return dist_error_set(&request->error, "RULE_UNKNOWN", "there is no rule %s", name);
	if (protocol->capture.file != NULL)
		return dist_error_set(&request->error, "CAPTURE_BUSY", "rule %s is being captured to %s",
				      protocol->capture.rule, protocol->capture.path);
	char *path_copy = strdup(path);
	if (path_copy == NULL)
		return dist_error_set(&request->error, "CAPTURE_FAILED", "no memory");
	struct dist_capture *capture =
		dist_capture_open(path, name, protocol->options.ops->capture_link(protocol->options.engine),
				  (uint32_t)packets, &request->error);
	if (capture == NULL) {
		free(path_copy);
		return false;
	}
	dist_rule_store_capture(protocol->store, name, capture);
	protocol->capture.file = capture;
	protocol->capture.path = path_copy;
	strcpy(protocol->capture.rule, name);
	protocol->capture.until_ns = request->now_ns + (uint64_t)duration_ms * DIST_NS_PER_MS;
	return true;
}

void dist_capture_end(struct dist_protocol *protocol)
{
	struct dist_capture_run *run = &protocol->capture;
	const struct dist_rule_entry *entry = dist_rule_store_find(protocol->store, run->rule);

	if (entry != NULL && entry->capture == run->file)
		dist_rule_store_capture(protocol->store, run->rule, NULL);
	if (!dist_rule_store_commit(protocol->store))
		return; /* workers may still write to it: at the next look, then */
	dist_capture_write(run->file);
	json_t *event = json_pack("{s:s, s:s, s:s, s:I}", "event", "capture.ended", "name", run->rule, "path", run->path,
				  "packets", (json_int_t)dist_capture_written(run->file));
	dist_capture_close(run->file);
	free(run->path);
	*run = (struct dist_capture_run){0};
	dist_protocol_send_event(protocol, event);
}

void dist_capture_tick(struct dist_protocol *protocol, uint64_t now_ns)
{
	const struct dist_capture_run *run = &protocol->capture;
	const struct dist_rule_entry *entry = dist_rule_store_find(protocol->store, run->rule);
	bool rule_gone = entry == NULL || entry->capture != run->file;

	if (dist_capture_write(run->file) || rule_gone || now_ns >= run->until_ns)
		dist_capture_end(protocol);
}
