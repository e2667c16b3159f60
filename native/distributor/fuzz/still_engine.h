/**
 * An engine that takes every rule and moves no packet: what the protocol's fuzzing has behind it, so that a run makes no
 * system call and ten million of them are a matter of minutes.
 */
#ifndef DIST_FUZZ_STILL_ENGINE_H
#define DIST_FUZZ_STILL_ENGINE_H

#include "engine.h"

extern const struct dist_engine_ops still_engine;

/** Receivers that were added and not removed. */
int still_engine_receivers(const struct dist_engine *engine);

#endif
