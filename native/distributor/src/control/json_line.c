#include "json_line.h"

#include "json_fields.h"

#include <string.h>

#define DEPTH_MAX 32

json_t *dist_line_text(const char *text)
{
	json_t *json = json_string(text);
	return json != NULL ? json : json_string("(the text is not UTF-8)");
}

json_t *dist_line_error(const struct dist_error *error)
{
	json_t *json = json_object();
	json_object_set_new(json, "code", json_string(error->code));
	json_object_set_new(json, "text", dist_line_text(error->text));
	return json;
}

char *dist_line_write(json_t *json, size_t *length)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(json);
	if (text == NULL)
		return NULL;
	*length = strlen(text) + 1;
	text[*length - 1] = '\n'; /* in the place of the zero: the length is what counts */
	return text;
}

json_t *dist_line_refusal(json_t *id, const struct dist_error *error)
{
	json_t *json = json_object();
	json_object_set_new(json, "id", id != NULL ? json_incref(id) : json_null());
	json_object_set_new(json, "ok", json_false());
	json_object_set_new(json, "error", dist_line_error(error));
	return json;
}

/* The depth is looked at before the parser, which would recurse into it. Brackets inside text do not count. */
static bool is_too_deep(const char *line, size_t length)
{
	unsigned depth = 0;
	bool in_text = false;

	for (size_t i = 0; i < length; i++) {
		if (in_text) {
			if (line[i] == '\\')
				i++;
			else if (line[i] == '"')
				in_text = false;
		} else if (line[i] == '"') {
			in_text = true;
		} else if (line[i] == '[' || line[i] == '{') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if ((line[i] == ']' || line[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return false;
}

json_t *dist_line_parse(const char *line, size_t length, struct dist_error *error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	json_error_t why;

	if (is_too_deep(line, length)) {
		dist_error_set(error, "JSON_INVALID", "the line is deeper than %d", DEPTH_MAX);
		return NULL;
	}
	json_t *json = json_loadb(line, length, flags, &why);
	/* A number too large for an integer is valid JSON: it is read again, and refused by its key as no whole number. */
	if (json == NULL && json_error_code(&why) == json_error_numeric_overflow)
		json = json_loadb(line, length, flags | JSON_DECODE_INT_AS_REAL, &why);
	if (json == NULL)
		dist_error_set(error, "JSON_INVALID", "at byte %d: %s", why.position, why.text);
	else if (!json_is_object(json))
		dist_error_set(error, "JSON_INVALID", "the line is not an object");
	if (json != NULL && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

bool dist_line_check_id(const json_t *json, struct dist_error *error)
{
	const json_t *id = json_object_get(json, "id");

	if (json_is_integer(id) && json_integer_value(id) >= 0 && json_integer_value(id) <= DIST_JSON_INTEGER_MAX)
		return true;
	return dist_error_set(error, "ID_INVALID", "id must be a whole number from 0 to 2^53 - 1");
}
