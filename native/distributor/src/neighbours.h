/**
 * Neighbours: which source and which Ethernet address lead to a receiver.
 *
 * The kernel owns routes, ARP and neighbour discovery; this module asks it by rtnetlink, listens for what changes, and
 * keeps the entries in use alive: packets that go out beside the kernel confirm nothing, so an entry is asked for again
 * before it grows stale. A receiver whose next hop is unknown is unresolved, which its sender counts; nothing is ever
 * flooded.
 *
 * One thread owns an instance: the control thread. It polls the descriptor and calls dist_neighbours_process.
 * Invariant: a hop is told as resolved only while the kernel holds an Ethernet address for it.
 */
#ifndef DIST_NEIGHBOURS_H
#define DIST_NEIGHBOURS_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIST_MAC_BYTES 6

/** Why there is no way to an address, or that there is one. */
enum dist_hop_state {
	/** Everything is known. */
	DIST_HOP_RESOLVED,
	/** The kernel has been asked for the Ethernet address and has none yet. */
	DIST_HOP_WAITING,
	/** No route, or one that refuses. */
	DIST_HOP_NO_ROUTE,
	/** The address is one of this machine's: `source` and `mtu` are set, and there is no Ethernet. */
	DIST_HOP_LOCAL,
	/** The route leaves by another interface than the port's, or the port is down or no Ethernet. */
	DIST_HOP_NO_LINK,
	/** Nobody has asked for the address, or there was no room for it. */
	DIST_HOP_UNKNOWN,
};

/** The way to an address. */
struct dist_hop {
	enum dist_hop_state state;
	uint32_t mtu; /* bytes of IP packet */
	uint8_t source_mac[DIST_MAC_BYTES];
	uint8_t target_mac[DIST_MAC_BYTES];
	struct dist_address source;
};

struct dist_neighbours_settings {
	int interface_index;    /* the port's netdev: all hops leave by it, or by a VLAN interface above it */
	uint32_t refresh_ms;    /* how often entries in use are asked for again; the kernel's own time is 15 s and more */
	uint32_t retry_ms;      /* how often unresolved ones are asked for */
	uint32_t addresses_max;
};

struct dist_neighbours_counts {
	uint32_t addresses;
	uint32_t unresolved;
	uint64_t refusals; /* requests that the kernel refused */
	uint64_t overruns; /* floods of events in which some got lost; everything is asked for again then */
};

struct dist_neighbours;

/** Asks in the calling thread's network namespace. NULL with errno where that fails. */
struct dist_neighbours *dist_neighbours_open(const struct dist_neighbours_settings *settings);
void dist_neighbours_close(struct dist_neighbours *neighbours);

/** Readable when dist_neighbours_process has work. */
int dist_neighbours_descriptor(const struct dist_neighbours *neighbours);

/**
 * Reads what the kernel has told and asks for what is due. Call it when the descriptor is readable and every 100 ms
 * besides. True when hops have changed since it last said so; it says so at most once in 20 ms.
 */
bool dist_neighbours_process(struct dist_neighbours *neighbours, uint64_t now_ns);

/**
 * Counts one more user of the address by the tag `vlan` (0: untagged): a new one is asked for, and watched from now on.
 * A tag has the routes and neighbours of its VLAN interface above the port; where there is none, those of the port itself
 * (a neighbour may then be a permanent entry of the operator's). False where there is no room for the address.
 */
bool dist_neighbours_want(struct dist_neighbours *neighbours, const struct dist_address *address, uint16_t vlan);
/** The counterpart of dist_neighbours_want: with its last user an address is forgotten. */
void dist_neighbours_forget(struct dist_neighbours *neighbours, const struct dist_address *address, uint16_t vlan);

/** The hop to an address that is wanted, as it is known now. */
struct dist_hop dist_neighbours_find(const struct dist_neighbours *neighbours, const struct dist_address *address,
				     uint16_t vlan);

struct dist_neighbours_counts dist_neighbours_counts(const struct dist_neighbours *neighbours);

/** The Ethernet address of a multicast group (RFC 1112, RFC 2464). */
void dist_neighbours_group_mac(const struct dist_address *group, uint8_t mac[DIST_MAC_BYTES]);

/** "resolved", "waiting", … */
const char *dist_hop_state_name(enum dist_hop_state state);

#endif
