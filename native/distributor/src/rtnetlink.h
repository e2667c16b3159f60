/*
 * The few requests to the kernel's routing socket that neighbours need, and its events.
 *
 * Addresses are 16 bytes, IPv4 as IPv4-mapped. Requests block for the kernel's answer, which comes at once.
 * Functions return 0 or a negative errno. Not here: what to do with the answers (neighbours.c).
 */
#ifndef DIST_RTNETLINK_H
#define DIST_RTNETLINK_H

#include <stdbool.h>
#include <stdint.h>

#define DIST_RTNETLINK_ADDRESS_BYTES 16

struct dist_rtnetlink_route {
	/* RTN_UNICAST, RTN_LOCAL, ...: see rtnetlink(7). */
	uint8_t type;
	int interface_index;
	bool has_gateway;
	uint8_t gateway[DIST_RTNETLINK_ADDRESS_BYTES];
	bool has_source;
	uint8_t source[DIST_RTNETLINK_ADDRESS_BYTES];
	/* 0 where the route has no MTU of its own. */
	uint32_t mtu_bytes;
};

struct dist_rtnetlink_neighbour {
	int interface_index;
	/* NUD_REACHABLE, ... */
	uint16_t state;
	uint8_t address[DIST_RTNETLINK_ADDRESS_BYTES];
	bool has_mac;
	uint8_t mac[6];
};

struct dist_rtnetlink_link {
	int interface_index;
	bool up;
	bool ethernet;
	uint32_t mtu_bytes;
	uint8_t mac[6];
	/* Of a VLAN interface: the one below it, and the tag; otherwise 0. */
	int lower_index;
	uint16_t vlan;
};

struct dist_rtnetlink_events {
	void *context;
	void (*neighbour)(void *context, const struct dist_rtnetlink_neighbour *neighbour, bool gone);
	void (*link)(void *context, const struct dist_rtnetlink_link *link, bool gone);
	/* A route or an address of this machine's has come or gone. */
	void (*routing)(void *context);
};

/* A socket for requests, or, with `listen`, one that gets events and does not block. Returns a descriptor. */
int dist_rtnetlink_open(bool listen);

/* The route to the address, by `interface_index` if that is not 0. */
int dist_rtnetlink_route(int descriptor, const uint8_t *address, int interface_index,
			 struct dist_rtnetlink_route *route);

/* The entry of the address in the neighbour table; -ENOENT where there is none. */
int dist_rtnetlink_neighbour(int descriptor, int interface_index, const uint8_t *address,
			     struct dist_rtnetlink_neighbour *neighbour);

/* Has the kernel find or confirm the neighbour, as if a packet went to it. */
int dist_rtnetlink_use(int descriptor, int interface_index, const uint8_t *address);

/* Tells every interface there is, by events->link. */
int dist_rtnetlink_links(int descriptor, const struct dist_rtnetlink_events *events);

/* Tells all events that wait; -ENOBUFS where the kernel had to drop some: ask for everything again. */
int dist_rtnetlink_read(int descriptor, const struct dist_rtnetlink_events *events);

#endif
