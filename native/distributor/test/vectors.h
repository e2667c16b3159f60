/** Golden vectors (test/vectors/distributor): the same files as the TypeScript tests read. */
#ifndef DIST_TEST_VECTORS_H
#define DIST_TEST_VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/** The file's array; the program ends where it cannot be read. */
json_t *vectors_load(const char *file);
/** Text of a vector; "" where the key is missing. */
const char *vectors_text(const json_t *vector, const char *key);
/**
 * Bytes of hex text, in memory of exactly their size, so that a read beyond them is seen. The caller's to free.
 */
uint8_t *vectors_bytes(const char *hex, size_t *length);

#endif
