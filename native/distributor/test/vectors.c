#include "vectors.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

unsigned check_failures;

json_t *vectors_load(const char *file)
{
	char path[1024];
	json_error_t error;

	snprintf(path, sizeof(path), "%s/%s", DIST_VECTORS, file);
	json_t *vectors = json_load_file(path, 0, &error);
	if (!json_is_array(vectors) || json_array_size(vectors) == 0) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
		exit(1);
	}
	return vectors;
}

const char *vectors_text(const json_t *vector, const char *key)
{
	const char *text = json_string_value(json_object_get(vector, key));
	return text != NULL ? text : "";
}

uint8_t *vectors_bytes(const char *hex, size_t *length)
{
	*length = strlen(hex) / 2;
	uint8_t *bytes = malloc(*length > 0 ? *length : 1);
	for (size_t i = 0; i < *length; i++) {
		unsigned byte;
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
			fprintf(stderr, "not hex: %s\n", hex);
			exit(1);
		}
		bytes[i] = (uint8_t)byte;
	}
	return bytes;
}
