#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048

static atomic_int level_now = DIST_LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void dist_log_set_level(enum dist_log_level level)
{
	atomic_store(&level_now, (int)level);
}

/* Appends text as the inside of a JSON string, as far as it fits; gives where the next byte goes. */
static size_t append_escaped(char *line, size_t at, size_t limit, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (at + 6 > limit)
			break;
		if (*c == '"' || *c == '\\') {
			line[at++] = '\\';
			line[at++] = (char)*c;
		} else if (*c < 0x20 || *c == 0x7f) {
			at += (size_t)snprintf(line + at, 7, "\\u%04x", *c);
		} else {
			line[at++] = (char)*c;
		}
	}
	return at;
}

void dist_log(enum dist_log_level level, const char *event, const char *format, ...)
{
	if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
		return;

	char text[LINE_BYTES / 2];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	struct timespec now;
	struct tm utc;
	char line[LINE_BYTES];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t at = strftime(line, sizeof(line), "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
	at += (size_t)snprintf(line + at, sizeof(line) - at, ".%03ldZ\",\"level\":\"%s\",\"event\":\"%s\",\"text\":\"",
			       now.tv_nsec / 1000000, level_names[level], event);
	at = append_escaped(line, at, sizeof(line) - 4, text);
	memcpy(line + at, "\"}\n", 3);
	/* A log that nobody reads any more must not end the distributor. */
	ssize_t written = write(STDERR_FILENO, line, at + 3);
	(void)written;
}
