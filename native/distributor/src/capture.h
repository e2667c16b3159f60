/**
 * A capture of one rule: the first N packets that come in for it, as pcapng. Between workers and the control thread lies a
 * bounded queue of slots, allocated before the rule points to the capture: a worker takes a slot by one compare-and-swap
 * and copies into it, so capturing neither allocates nor waits, and any number of workers may do it. Where the queue is
 * full, or the packet larger than a slot, the packet is counted as lost, and the file says how many were.
 * The control thread empties the queue into the file some hundred times a second.
 */
#ifndef DIST_CAPTURE_H
#define DIST_CAPTURE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

#define DIST_CAPTURE_PACKETS_MAX 100000

/** pcapng's link types. */
enum dist_capture_link { DIST_CAPTURE_ETHERNET = 1, DIST_CAPTURE_RAW_IP = 101 };

struct dist_capture;

/** Makes the file, with mode 0600 and only where none is, and the queue. `rule_name` becomes the interface's name. */
struct dist_capture *dist_capture_open(const char *path, const char *rule_name, enum dist_capture_link link,
				       uint32_t packets, struct dist_error *error);

/**
 * Hot path while a capture runs. Two pieces, so that the sockets engine can put the headers that it makes up before the
 * payload; `at_ns` is CLOCK_REALTIME.
 */
void dist_capture_add(struct dist_capture *capture, const void *head, uint32_t head_length, const void *tail,
		      uint32_t tail_length, uint64_t at_ns);

/** Writes what is in the queue; true when the file has all its packets (or cannot be written any more). */
bool dist_capture_write(struct dist_capture *capture);
/** Packets in the file. */
uint32_t dist_capture_written(const struct dist_capture *capture);
/** Writes what is left and the count of lost packets, and closes. No worker may hold the capture any more. */
void dist_capture_close(struct dist_capture *capture);

#endif
