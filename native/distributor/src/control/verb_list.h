/** Verbs that have files of their own: what verbs.c chooses among. Each as dist_verb_run. */
#ifndef DIST_CONTROL_VERB_LIST_H
#define DIST_CONTROL_VERB_LIST_H

#include "json_fields.h"
#include "protocol_state.h"

/* rule_verbs.c */
bool dist_verb_rule_put(struct dist_protocol *protocol, struct dist_request *request);
bool dist_verb_rule_delete(struct dist_protocol *protocol, struct dist_request *request);
bool dist_verb_receivers_add(struct dist_protocol *protocol, struct dist_request *request);
bool dist_verb_receivers_remove(struct dist_protocol *protocol, struct dist_request *request);
bool dist_verb_lease(struct dist_protocol *protocol, struct dist_request *request);
/* reading_verbs.c */
bool dist_verb_rule_list(struct dist_protocol *protocol, struct dist_request *request);
bool dist_verb_stats(struct dist_protocol *protocol, struct dist_request *request);
/* capture_verb.c */
bool dist_verb_capture(struct dist_protocol *protocol, struct dist_request *request);

/** The keys that a request may and must have; false and an error where one is wrong. */
static inline bool dist_request_check(struct dist_request *request, const struct dist_field *fields, size_t field_count)
{
	return dist_json_check(request->json, "", fields, field_count, &request->error);
}

#endif
