/** Time as the distributor counts it: nanoseconds of CLOCK_MONOTONIC. Whoever decides by time is given it. */
#ifndef DIST_CLOCK_H
#define DIST_CLOCK_H

#include <stdint.h>
#include <time.h>

#define DIST_NS_PER_MS UINT64_C(1000000)
#define DIST_NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t dist_clock_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * DIST_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

#endif
