/**
 * DPDK's environment (EAL): its arguments, made from the options and the plan, and its start. EAL starts once a process.
 * What it logs becomes lines of our log, and its first complaint becomes part of an error.
 */
#ifndef DIST_DPDK_EAL_H
#define DIST_DPDK_EAL_H

#include "plan.h"

#define DIST_EAL_ARGUMENTS_MAX 32

struct dist_eal_arguments {
	int count;
	char *values[DIST_EAL_ARGUMENTS_MAX + 1];
	char text[8192];
	size_t used;
};

/** `cpus[0]` is where EAL starts (the control thread), the next ones are the workers'. */
bool dist_eal_arguments(const struct dist_engine_options *options, const struct dist_plan *plan, const int *cpus,
			struct dist_eal_arguments *arguments, struct dist_error *error);

/** Reads a list of CPUs such as "1-3,6"; gives how many there are, at most `room`, or 0 where it is none. */
unsigned dist_eal_read_cpus(const char *list, int *cpus, unsigned room);

/** Makes DIST_HUGE_PAGES_IF_FREE one of the others, by what the machine has. HUGEPAGES_MISSING. */
bool dist_eal_choose_pages(struct dist_engine_options *options, const struct dist_plan *plan, struct dist_error *error);

/**
 * Starts EAL. The calling thread keeps its CPUs; the workers wait on theirs. Errors: NOT_PERMITTED, CORES_MISSING,
 * EAL_FAILED.
 */
bool dist_eal_start(const struct dist_engine_options *options, const struct dist_plan *plan, struct dist_error *error);
void dist_eal_stop(void);

/** DPDK's first complaint since the start, or since the last one was forgotten; or "". */
const char *dist_eal_complaint(void);
void dist_eal_forget_complaint(void);

#endif
