/** Rules and receivers as the control protocol writes them (docs/wire/distributor.md, Rules). */
#ifndef DIST_CONTROL_RULE_JSON_H
#define DIST_CONTROL_RULE_JSON_H

#include "json_fields.h"
#include "rule.h"

/** Reads a whole rule. What it fills is freed by dist_rule_spec_clear, after a refusal too. */
bool dist_rule_from_json(const json_t *json, struct dist_rule_spec *rule, struct dist_error *error);

/** Reads a list of receivers; `identity`: only what tells them apart, as in receivers.remove. The list is the caller's. */
bool dist_receivers_from_json(const json_t *json, const char *path, bool identity, uint32_t least,
			      struct dist_receiver_spec **receivers, uint32_t *count, struct dist_error *error);

/** The rule as an object of its own; without its receivers, how many they are. */
json_t *dist_rule_to_json(const struct dist_rule_spec *rule, bool with_receivers);
/** What tells a receiver apart: address, port and VLAN. */
json_t *dist_receiver_identity_to_json(const struct dist_receiver_spec *receiver);

void dist_rule_spec_clear(struct dist_rule_spec *rule);

#endif
