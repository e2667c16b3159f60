/** Lines of the protocol as JSON: read without trust, and written. */
#ifndef DIST_CONTROL_JSON_LINE_H
#define DIST_CONTROL_JSON_LINE_H

#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** The object of a line without its end; NULL and JSON_INVALID if it is none, has a key twice, or is deeper than 32. */
json_t *dist_line_parse(const char *line, size_t length, struct dist_error *error);
/** Has the object an id that is one? Else ID_INVALID. */
bool dist_line_check_id(const json_t *json, struct dist_error *error);

/** The refusal of a request; `id` NULL: of its line none could be read. */
json_t *dist_line_refusal(json_t *id, const struct dist_error *error);
/** `{"code": …, "text": …}`. */
json_t *dist_line_error(const struct dist_error *error);
/** Text for people may name what others sent, cut anywhere: what is not UTF-8 is not let out. */
json_t *dist_line_text(const char *text);

/** The line with its end, the caller's to free; `json` is released. NULL without memory. There is no zero behind it. */
char *dist_line_write(json_t *json, size_t *length);

#endif
