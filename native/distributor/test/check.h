/** The tests' own asserts: a failed check says where and what, the test goes on, and the program ends with status 1. */
#ifndef DIST_TEST_CHECK_H
#define DIST_TEST_CHECK_H

#include <stdio.h>

extern unsigned check_failures;

/** CHECK(what, format, …): the format says what was looked at, with its numbers. */
#define CHECK(what, ...)                                                                                                \
	do {                                                                                                             \
		if (!(what)) {                                                                                           \
			check_failures++;                                                                                \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #what);                               \
			fprintf(stderr, __VA_ARGS__);                                                                    \
			fputc('\n', stderr);                                                                             \
		}                                                                                                        \
	} while (0)

/** The last statement of every main. */
#define CHECK_END() return check_failures > 0 ? 1 : 0

#endif
