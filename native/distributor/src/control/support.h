/** Does the engine have what a rule asks for? Else UNSUPPORTED, which says what it lacks (`capabilities` of hello). */
#ifndef DIST_CONTROL_SUPPORT_H
#define DIST_CONTROL_SUPPORT_H

#include "engine.h"

bool dist_support_match(const struct dist_engine_facts *facts, const struct dist_match *match, struct dist_error *error);
/** `match` NULL: the rule is not known. */
bool dist_support_receivers(const struct dist_engine_facts *facts, const struct dist_match *match,
			    const struct dist_receiver_spec *receivers, uint32_t count, struct dist_error *error);

#endif
