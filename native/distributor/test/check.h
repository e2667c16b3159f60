/**
 * The tests' own asserts. A failed CHECK says where and what, the test goes on, and the program ends with status 1; after a
 * failed REQUIRE there is nothing left to test, and it ends at once.
 */
#ifndef DIST_TEST_CHECK_H
#define DIST_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

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

#define REQUIRE(what, ...)                                                                                              \
	do {                                                                                                             \
		if (!(what)) {                                                                                           \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #what);                               \
			fprintf(stderr, __VA_ARGS__);                                                                    \
			fputc('\n', stderr);                                                                             \
			exit(1);                                                                                         \
		}                                                                                                        \
	} while (0)

/** The last statement of every main. */
#define CHECK_END() return check_failures > 0 ? 1 : 0

#endif
