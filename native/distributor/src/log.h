/**
 * The log: one JSON object a line on stderr, whole lines by one write, so that lines of several threads never mix.
 *   {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"engine.started","text":"…"}
 * Never called per packet: what happens per packet is counted, and the control thread logs what was counted, once a
 * second at most.
 */
#ifndef DIST_LOG_H
#define DIST_LOG_H

enum dist_log_level { DIST_LOG_ERROR, DIST_LOG_WARN, DIST_LOG_INFO, DIST_LOG_DEBUG };

/** What is logged from now on: `info` and worse until told otherwise. */
void dist_log_set_level(enum dist_log_level level);

/** `event` is a dotted name for programs; the text is a sentence for people. */
void dist_log(enum dist_log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
