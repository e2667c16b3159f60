/**
 * Steering: which packets of the port the kernel gets, told to a program that runs in the kernel (bpf/).
 *
 *   steer  AF_XDP: media of the table goes to the engine, the rest to the kernel. The DPDK driver attaches it; this module
 *          finds its maps afterwards. When the process dies, media falls through to the kernel by itself.
 *   shade  AF_PACKET: the engine reads every packet, and the kernel gets all but media of the table. This module attaches
 *          it, and keeps its guard: when the process dies, media reaches the kernel again within DIST_STEERING_GUARD_MS.
 *
 * A key goes in after its rule and comes out before it, so no packet is taken from the kernel that nobody knows.
 * A program that another owner has attached is never touched. One distributor a port: the claim says so before anything
 * is attached, and ends with the process.
 */
#ifndef DIST_DPDK_STEERING_H
#define DIST_DPDK_STEERING_H

#include "../../bpf/flow.h"
#include "../error.h"
#include "../rule.h"
#include "../stats.h"

#include <stdbool.h>
#include <stdint.h>

/** How long `shade` works without being told that the engine lives. */
#define DIST_STEERING_GUARD_MS 400

enum dist_steering_kind { DIST_STEERING_NONE, DIST_STEERING_STEER, DIST_STEERING_SHADE };

struct bpf_object;

/** All zero but for the descriptors is a steering that does nothing: see dist_steering_init. */
struct dist_steering {
	enum dist_steering_kind kind;
	char interface[16];
	int interface_index;
	int claim;
	int keys;
	int counts;
	int guard;
	bool hook_is_ours; /* the port had no ingress hook before */
	struct bpf_object *object;
};

void dist_steering_init(struct dist_steering *steering);

/** Claims the port for this process; PORT_BUSY where another distributor of this network namespace has it. */
bool dist_steering_claim(struct dist_steering *steering, const char *interface, struct dist_error *error);

/**
 * Takes off what a distributor that was killed has left on the claimed port. PORT_BUSY where the XDP program there is
 * not ours; it is left alone.
 */
bool dist_steering_remove_stale(struct dist_steering *steering, struct dist_error *error);

/** Finds the maps of the program that the driver has attached in this process. */
bool dist_steering_open_steer(struct dist_steering *steering, struct dist_error *error);
/** Loads and attaches `shade` from its file. */
bool dist_steering_open_shade(struct dist_steering *steering, const char *path, struct dist_error *error);

/**
 * Takes what is media of a flow from the kernel (`media`: set of DIST_MEDIA_BIT; a flow that is taken already gets the new
 * set), and gives it back. Nothing to do without steering.
 */
bool dist_steering_add(struct dist_steering *steering, const struct dist_flow_key *key, uint8_t media,
		       struct dist_error *error);
void dist_steering_remove(struct dist_steering *steering, const struct dist_flow_key *key);
/** Gives back every flow. */
void dist_steering_remove_all(struct dist_steering *steering);

/** Moves the guard on; at least every DIST_STEERING_GUARD_MS / 3. `now_ns` is CLOCK_MONOTONIC. */
void dist_steering_keep(struct dist_steering *steering, uint64_t now_ns);

/** What the program has counted since it was attached. False without steering. */
bool dist_steering_counts(const struct dist_steering *steering, uint64_t counts[FLOW_COUNTS]);

/**
 * Sets what a worker would have counted of the packets that `steer` leaves to the kernel, which no worker ever sees.
 * (Behind AF_PACKET the workers read everything and count it themselves.)
 */
void dist_steering_count(const struct dist_steering *steering, struct dist_worker_stats *kernel);

/** Detaches what this module attached and gives up the claim. The driver detaches `steer` when its port is closed. */
void dist_steering_close(struct dist_steering *steering);

#endif
