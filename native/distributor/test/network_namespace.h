/**
 * For tests that need interfaces: a network namespace of their own, so that nothing of the machine is touched. Making one
 * is root's right; without it the test says so and ends as skipped (77, which meson reports).
 */
#ifndef TEST_NETWORK_NAMESPACE_H
#define TEST_NETWORK_NAMESPACE_H

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_SKIPPED 77

/** Ends the test with a line that says what was expected. */
#define EXPECT(condition, ...)                                                                                          \
	do {                                                                                                            \
		if (!(condition)) {                                                                                     \
			fprintf(stderr, "%s:%d: expected %s: ", __FILE__, __LINE__, #condition);                        \
			fprintf(stderr, __VA_ARGS__);                                                                   \
			fputc('\n', stderr);                                                                            \
			exit(1);                                                                                        \
		}                                                                                                       \
	} while (0)

static inline void enter_network_namespace(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return;
	fprintf(stderr, "skipped: a network namespace cannot be made (%s); run as root\n", strerror(errno));
	exit(TEST_SKIPPED);
}

__attribute__((format(printf, 1, 2))) static inline void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	EXPECT(system(command) == 0, "the command to work: %s", command);
}

#endif
