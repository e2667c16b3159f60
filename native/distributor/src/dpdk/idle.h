/**
 * How a worker waits: it polls while packets come, and the longer none come the longer it sleeps. Pure; the worker does
 * the sleeping.
 *
 *              polls before it sleeps   woken by packets (a descriptor)   not woken
 *   latency    –                        never                             never
 *   balanced   256                      1 ms at most                      50 µs, after 10 ms of that 250 µs
 *   eco        16                       10 ms at most                     250 µs, after 10 ms of that 1 ms
 */
#ifndef DIST_DPDK_IDLE_H
#define DIST_DPDK_IDLE_H

#include "../engine.h"

#include <stdbool.h>
#include <stdint.h>

struct dist_idle_state {
	enum dist_idle mode;
	bool woken; /* packets end the sleep */
	uint32_t empty_polls;
	uint32_t slept_us; /* since packets came last */
};

static inline void dist_idle_busy(struct dist_idle_state *state)
{
	state->empty_polls = 0;
	state->slept_us = 0;
}

/** After a poll that found nothing: how long to sleep, in microseconds; 0: poll again. */
static inline uint32_t dist_idle_empty(struct dist_idle_state *state)
{
	static const struct {
		uint32_t polls, woken_us, first_us, then_us;
	} modes[] = {
		[DIST_IDLE_LATENCY] = {UINT32_MAX, 0, 0, 0},
		[DIST_IDLE_BALANCED] = {256, 1000, 50, 250},
		[DIST_IDLE_ECO] = {16, 10000, 250, 1000},
	};
	uint32_t sleep_us;

	if (modes[state->mode].polls == UINT32_MAX || state->empty_polls++ < modes[state->mode].polls)
		return 0;
	state->empty_polls = modes[state->mode].polls;
	if (state->woken)
		return modes[state->mode].woken_us;
	sleep_us = state->slept_us < 10000 ? modes[state->mode].first_us : modes[state->mode].then_us;
	if (state->slept_us < 10000)
		state->slept_us += sleep_us;
	return sleep_us;
}

#endif
