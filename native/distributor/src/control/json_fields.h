/**
 * Reading JSON objects that others wrote: every key known, none missing, every value of its type and in its range; else
 * a refusal that says which value, where, and what it must be. The order is the protocol's: KEY_UNKNOWN, KEY_MISSING,
 * VALUE_INVALID, for each object.
 * `path` is where the object stands ("rule.receivers[3]"), "" for the request itself.
 */
#ifndef DIST_CONTROL_JSON_FIELDS_H
#define DIST_CONTROL_JSON_FIELDS_H

#include "address.h"
#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The largest whole number that every reader of JSON keeps exact: 2⁵³ − 1. */
#define DIST_JSON_INTEGER_MAX INT64_C(9007199254740991)
#define DIST_JSON_PATH_BYTES 96

struct dist_field {
	const char *key;
	bool required;
};

/** Is `object` an object, with no key but these, and all that are required? */
bool dist_json_check(const json_t *object, const char *path, const struct dist_field *fields, size_t field_count,
		     struct dist_error *error);

/* Each leaves `*value` alone where the key is missing, and is true then. */
bool dist_json_integer(const json_t *object, const char *path, const char *key, int64_t least, int64_t most, int64_t *value,
		       struct dist_error *error);
bool dist_json_boolean(const json_t *object, const char *path, const char *key, bool *value, struct dist_error *error);
/** An address that a rule may have. */
bool dist_json_address(const json_t *object, const char *path, const char *key, struct dist_address *value,
		       struct dist_error *error);
/** A name of a rule: 1 to 128 of A-Z a-z 0-9 _ -, not starting with -. The text belongs to the object. */
bool dist_json_name(const json_t *object, const char *path, const char *key, const char **value, struct dist_error *error);
bool dist_json_is_name(const json_t *value);
/** Text of at most `most` bytes, without a zero byte. The text belongs to the object. */
bool dist_json_text(const json_t *object, const char *path, const char *key, size_t most, const char **value,
		    struct dist_error *error);

/** Writes "path.key", or "key" where path is "". */
const char *dist_json_path(char out[DIST_JSON_PATH_BYTES], const char *path, const char *key);

#endif
