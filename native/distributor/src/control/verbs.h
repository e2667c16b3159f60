/** The verbs of the protocol (docs/wire/distributor.md, Verbs). */
#ifndef DIST_CONTROL_VERBS_H
#define DIST_CONTROL_VERBS_H

#include "protocol_state.h"

/** Runs the verb that the request names: false and request->error, or true and what it has set into request->answer. */
bool dist_verb_run(struct dist_protocol *protocol, struct dist_request *request);

#endif
