/**
 * What the machine has to have for a backend, looked at before DPDK is started: DPDK's own complaints name a line of its
 * source, these say what is missing and what to do.
 */
#ifndef DIST_DPDK_PROBE_H
#define DIST_DPDK_PROBE_H

#include "plan.h"

/**
 * Errors: PORT_MISSING, PORT_DOWN, PORT_UNFIT, NOT_PERMITTED, XDP_MISSING, PROGRAM_MISSING, DRIVER_WRONG.
 */
bool dist_probe(const struct dist_engine_options *options, const struct dist_plan *plan, const char *program,
		struct dist_error *error);

/** The largest MTU that AF_XDP takes: a buffer with its head, headroom and the kernel's own 256 bytes fits into a page. */
#define DIST_PROBE_XDP_MTU_MAX 3498

/** Finds the program's file `name`: beside this executable, in the build tree, or where it was installed. */
void dist_probe_program(const char *name, char *path, size_t bytes);

#endif
