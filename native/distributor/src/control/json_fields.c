#include "json_fields.h"

#include "rule.h"

#include <stdio.h>
#include <string.h>

const char *dist_json_path(char out[DIST_JSON_PATH_BYTES], const char *path, const char *key)
{
	snprintf(out, DIST_JSON_PATH_BYTES, "%s%s%s", path, path[0] != '\0' ? "." : "", key);
	return out;
}

static bool refuse_value(struct dist_error *error, const char *path, const char *key, const char *must)
{
	char at[DIST_JSON_PATH_BYTES];
	return dist_error_set(error, "VALUE_INVALID", "%s must be %s", dist_json_path(at, path, key), must);
}

static bool is_field(const char *key, const struct dist_field *fields, size_t field_count)
{
	for (size_t i = 0; i < field_count; i++)
		if (strcmp(key, fields[i].key) == 0)
			return true;
	return false;
}

bool dist_json_check(const json_t *object, const char *path, const struct dist_field *fields, size_t field_count,
		     struct dist_error *error)
{
	char at[DIST_JSON_PATH_BYTES];
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return dist_error_set(error, "VALUE_INVALID", "%s must be an object", path);
	json_object_foreach ((json_t *)object, key, value)
		if (!is_field(key, fields, field_count))
			return dist_error_set(error, "KEY_UNKNOWN", "%s is not known here; leave it out",
					      dist_json_path(at, path, key));
	for (size_t i = 0; i < field_count; i++)
		if (fields[i].required && json_object_get(object, fields[i].key) == NULL)
			return dist_error_set(error, "KEY_MISSING", "%s is missing", dist_json_path(at, path, fields[i].key));
	return true;
}

bool dist_json_integer(const json_t *object, const char *path, const char *key, int64_t least, int64_t most, int64_t *value,
		       struct dist_error *error)
{
	const json_t *json = json_object_get(object, key);
	char must[96];

	if (json == NULL)
		return true;
	int64_t integer = json_integer_value(json);
	if (!json_is_integer(json) || integer < least || integer > most) {
		snprintf(must, sizeof(must), "a whole number from %lld to %lld", (long long)least, (long long)most);
		return refuse_value(error, path, key, must);
	}
	*value = integer;
	return true;
}

bool dist_json_boolean(const json_t *object, const char *path, const char *key, bool *value, struct dist_error *error)
{
	const json_t *json = json_object_get(object, key);

	if (json == NULL)
		return true;
	if (!json_is_boolean(json))
		return refuse_value(error, path, key, "true or false");
	*value = json_is_true(json);
	return true;
}

/* json_string_value stops at a zero byte: text with one in it is none of ours. */
static const char *plain_text(const json_t *json)
{
	const char *text = json_string_value(json);
	return text != NULL && strlen(text) == json_string_length(json) ? text : NULL;
}

bool dist_json_address(const json_t *object, const char *path, const char *key, struct dist_address *value,
		       struct dist_error *error)
{
	const json_t *json = json_object_get(object, key);

	if (json == NULL)
		return true;
	const char *text = plain_text(json);
	if (text == NULL || !dist_address_parse(text, value) || !dist_address_is_usable(value))
		return refuse_value(error, path, key,
				    "an IPv4 or IPv6 address: no name, no zone, not link-local, not unspecified");
	return true;
}

bool dist_json_is_name(const json_t *value)
{
	const char *text = plain_text(value);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length < 1 || length > DIST_RULE_NAME_MAX || text[0] == '-')
		return false;
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

bool dist_json_name(const json_t *object, const char *path, const char *key, const char **value, struct dist_error *error)
{
	const json_t *json = json_object_get(object, key);

	if (json == NULL)
		return true;
	if (!dist_json_is_name(json))
		return refuse_value(error, path, key, "a name: 1 to 128 of A-Z a-z 0-9 _ -, not starting with -");
	*value = json_string_value(json);
	return true;
}

bool dist_json_text(const json_t *object, const char *path, const char *key, size_t most, const char **value,
		    struct dist_error *error)
{
	const json_t *json = json_object_get(object, key);
	char must[64];

	if (json == NULL)
		return true;
	const char *text = plain_text(json);
	if (text == NULL || strlen(text) > most) {
		snprintf(must, sizeof(must), "text of at most %zu bytes", most);
		return refuse_value(error, path, key, must);
	}
	*value = text;
	return true;
}
