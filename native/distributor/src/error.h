/**
 * Why something that a person or the control plane asked for was not done: a stable code and a sentence that says which
 * object, which numbers, and what to do. Never used per packet (those are counted: drop_reasons.h).
 */
#ifndef DIST_ERROR_H
#define DIST_ERROR_H

#include <stdbool.h>

struct dist_error {
	const char *code; /* UPPER_SNAKE, a literal; NULL while nothing is wrong */
	char text[384];   /* UTF-8, cut at the end if longer */
};

/** Fills the error and gives false, so that a failing function ends in `return dist_error_set(error, …)`. */
bool dist_error_set(struct dist_error *error, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
