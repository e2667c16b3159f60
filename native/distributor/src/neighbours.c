#include "neighbours.h"

#include "clock.h"
#include "neighbour_rows.h"
#include "rtnetlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define TELL_NS (20 * DIST_NS_PER_MS)
#define REROUTE_NS (50 * DIST_NS_PER_MS)
/* Where routes change all the time, looking all addresses up again takes one part in so many of our time. */
#define REROUTE_REST 5
#define SCAN_NS (100 * DIST_NS_PER_MS)

/* An address that a receiver has. */
struct destination {
	LIST_ENTRY(destination) in_bucket;
	struct dist_address address;
	uint16_t vlan;
	uint32_t users;
	struct dist_neighbour_row *neighbour;
	struct dist_hop hop;
};

struct link {
	LIST_ENTRY(link) in_list;
	struct dist_rtnetlink_link link;
};

LIST_HEAD(destination_bucket, destination);
LIST_HEAD(link_list, link);

struct dist_neighbours {
	struct dist_neighbours_settings settings;
	int events;
	uint64_t told_ns;
	uint64_t scanned_ns;
	uint64_t rerouted_ns;
	uint64_t reroute_wait_ns;
	bool reroute; /* routes, addresses or links have changed: every destination is looked up again */
	uint32_t addresses;
	uint64_t overruns;
	struct link_list links;
	struct dist_neighbour_rows rows; /* and the clock, the requests and what has changed, for all of us */
	struct destination_bucket destinations[DIST_NEIGHBOUR_BUCKETS];
};

static struct dist_rtnetlink_link *link_find(struct dist_neighbours *n, int interface_index)
{
	struct link *link;

	LIST_FOREACH(link, &n->links, in_list)
		if (link->link.interface_index == interface_index)
			return &link->link;
	return NULL;
}

/* The VLAN interface above the port that bears the tag. */
static struct dist_rtnetlink_link *link_tagged(struct dist_neighbours *n, uint16_t vlan)
{
	struct link *link;

	LIST_FOREACH(link, &n->links, in_list)
		if (link->link.vlan == vlan && link->link.lower_index == n->settings.interface_index)
			return &link->link;
	return NULL;
}

/* Looks up route, link and neighbour of the destination afresh. */
static enum dist_hop_state destination_route(struct dist_neighbours *n, struct destination *d, struct dist_hop *hop)
{
	struct dist_rtnetlink_link *port = link_find(n, n->settings.interface_index);
	struct dist_rtnetlink_link *tagged = d->vlan ? link_tagged(n, d->vlan) : NULL;
	struct dist_rtnetlink_link *way = tagged ? tagged : port;
	struct dist_address next = d->address;
	struct dist_rtnetlink_route route;
	int error;

	if (!port || !port->up || !port->ethernet || !way->up)
		return DIST_HOP_NO_LINK;
	error = dist_rtnetlink_route(n->rows.requests, d->address.bytes, 0, &route);
	/* Groups seldom have a route, and the first route may be another port's: the port is asked for by name then. */
	if (error < 0 ? dist_address_is_multicast(&d->address)
		      : route.type != RTN_LOCAL && route.interface_index != way->interface_index)
		error = dist_rtnetlink_route(n->rows.requests, d->address.bytes, way->interface_index, &route);
	if (error < 0)
		return DIST_HOP_NO_ROUTE;
	if (route.type == RTN_LOCAL) {
		memcpy(hop->source.bytes, route.has_source ? route.source : d->address.bytes, sizeof(hop->source.bytes));
		hop->mtu = UINT16_MAX;
		return DIST_HOP_LOCAL;
	}
	if ((route.type != RTN_UNICAST && route.type != RTN_MULTICAST) || !route.has_source)
		return DIST_HOP_NO_ROUTE;
	if (route.interface_index != way->interface_index)
		return DIST_HOP_NO_LINK;

	memcpy(hop->source.bytes, route.source, sizeof(hop->source.bytes));
	memcpy(hop->source_mac, way->mac, sizeof(hop->source_mac));
	hop->mtu = route.mtu_bytes && route.mtu_bytes < way->mtu_bytes ? route.mtu_bytes : way->mtu_bytes;
	if (dist_address_is_multicast(&d->address)) {
		dist_neighbours_group_mac(&d->address, hop->target_mac);
		return DIST_HOP_RESOLVED;
	}
	if (route.has_gateway)
		memcpy(next.bytes, route.gateway, sizeof(next.bytes));
	d->neighbour = dist_neighbour_rows_hold(&n->rows, way->interface_index, &next);
	return d->neighbour ? DIST_HOP_WAITING : DIST_HOP_UNKNOWN;
}

static void destination_resolve(struct dist_neighbours *n, struct destination *d)
{
	struct dist_neighbour_row *held = d->neighbour;
	struct dist_hop hop = {0};

	d->neighbour = NULL;
	hop.state = destination_route(n, d, &hop);
	/* Only now, so that a row which stays in use is not asked for again. */
	dist_neighbour_rows_release(held);
	if (d->neighbour != held || memcmp(&hop, &d->hop, sizeof(hop)) != 0)
		n->rows.changed = true;
	d->hop = hop;
}

static void on_neighbour(void *context, const struct dist_rtnetlink_neighbour *said, bool gone)
{
	struct dist_neighbours *n = context;

	dist_neighbour_rows_take(&n->rows, said, gone);
}

static void on_link(void *context, const struct dist_rtnetlink_link *said, bool gone)
{
	struct dist_neighbours *n = context;
	struct link *link;

	LIST_FOREACH(link, &n->links, in_list)
		if (link->link.interface_index == said->interface_index)
			break;
	if (gone) {
		if (link) {
			LIST_REMOVE(link, in_list);
			free(link);
			n->reroute = true;
		}
		return;
	}
	if (!link) {
		link = calloc(1, sizeof(*link));
		if (!link)
			return;
		LIST_INSERT_HEAD(&n->links, link, in_list);
	}
	/* Both come out of a memset, so comparing bytes compares values. */
	if (memcmp(&link->link, said, sizeof(*said)) != 0)
		n->reroute = true;
	link->link = *said;
}

static void on_routing(void *context)
{
	((struct dist_neighbours *)context)->reroute = true;
}

static const struct dist_rtnetlink_events *events_of(struct dist_neighbours *n, struct dist_rtnetlink_events *events)
{
	*events = (struct dist_rtnetlink_events){
		.context = n, .neighbour = on_neighbour, .link = on_link, .routing = on_routing};
	return events;
}

struct dist_neighbours *dist_neighbours_open(const struct dist_neighbours_settings *settings)
{
	struct dist_neighbours *n = calloc(1, sizeof(*n));
	struct dist_rtnetlink_events events;
	int error;

	if (!n)
		return NULL;
	n->settings = *settings;
	n->rows.now_ns = dist_clock_now_ns();
	n->events = -1;
	n->rows.requests = dist_rtnetlink_open(false);
	error = n->rows.requests;
	if (error < 0)
		goto failed;
	/* Listening first: what changes while the links are read is told again. */
	n->events = dist_rtnetlink_open(true);
	error = n->events;
	if (error < 0)
		goto failed;
	error = dist_rtnetlink_links(n->rows.requests, events_of(n, &events));
	if (error < 0)
		goto failed;
	return n;

failed:
	dist_neighbours_close(n);
	errno = -error;
	return NULL;
}

static void destination_free(struct dist_neighbours *n, struct destination *d)
{
	LIST_REMOVE(d, in_bucket);
	dist_neighbour_rows_release(d->neighbour);
	free(d);
	n->addresses--;
}

void dist_neighbours_close(struct dist_neighbours *n)
{
	struct link *link;

	if (!n)
		return;
	for (unsigned i = 0; i < DIST_NEIGHBOUR_BUCKETS; i++)
		while (!LIST_EMPTY(&n->destinations[i]))
			destination_free(n, LIST_FIRST(&n->destinations[i]));
	while ((link = LIST_FIRST(&n->links))) {
		LIST_REMOVE(link, in_list);
		free(link);
	}
	if (n->events >= 0)
		close(n->events);
	if (n->rows.requests >= 0)
		close(n->rows.requests);
	free(n);
}

int dist_neighbours_descriptor(const struct dist_neighbours *n)
{
	return n->events;
}

static void reread(struct dist_neighbours *n)
{
	struct dist_rtnetlink_events events;

	n->overruns++;
	n->reroute = true;
	dist_rtnetlink_links(n->rows.requests, events_of(n, &events));
	dist_neighbour_rows_reread(&n->rows);
}

static void reroute(struct dist_neighbours *n)
{
	struct destination *d;

	uint64_t began_ns = dist_clock_now_ns();

	n->reroute = false;
	n->rerouted_ns = n->rows.now_ns;
	for (unsigned i = 0; i < DIST_NEIGHBOUR_BUCKETS; i++)
		LIST_FOREACH(d, &n->destinations[i], in_bucket)
			destination_resolve(n, d);
	n->reroute_wait_ns = (dist_clock_now_ns() - began_ns) * REROUTE_REST;
	if (n->reroute_wait_ns < REROUTE_NS)
		n->reroute_wait_ns = REROUTE_NS;
}

bool dist_neighbours_process(struct dist_neighbours *n, uint64_t now_ns)
{
	struct dist_rtnetlink_events events;

	n->rows.now_ns = now_ns;
	if (dist_rtnetlink_read(n->events, events_of(n, &events)) == -ENOBUFS)
		reread(n);
	if (n->reroute && now_ns - n->rerouted_ns >= n->reroute_wait_ns)
		reroute(n);
	if (now_ns - n->scanned_ns >= SCAN_NS) {
		n->scanned_ns = now_ns;
		dist_neighbour_rows_ask_due(&n->rows, n->settings.refresh_ms, n->settings.retry_ms);
	}
	if (!n->rows.changed || now_ns - n->told_ns < TELL_NS)
		return false;
	n->rows.changed = false;
	n->told_ns = now_ns;
	return true;
}

static struct dist_hop hop_now(const struct destination *d)
{
	struct dist_hop hop = d->hop;

	if (hop.state == DIST_HOP_WAITING && d->neighbour->usable) {
		memcpy(hop.target_mac, d->neighbour->mac, sizeof(hop.target_mac));
		hop.state = DIST_HOP_RESOLVED;
	}
	return hop;
}

static struct destination *destination_find(const struct dist_neighbours *n, const struct dist_address *address,
					    uint16_t vlan)
{
	struct destination *d;

	LIST_FOREACH(d, &n->destinations[dist_neighbour_bucket(address, vlan)], in_bucket)
		if (d->vlan == vlan && dist_address_equal(&d->address, address))
			return d;
	return NULL;
}

bool dist_neighbours_want(struct dist_neighbours *n, const struct dist_address *address, uint16_t vlan)
{
	struct destination *d = destination_find(n, address, vlan);
	bool changed = n->rows.changed;

	if (d) {
		d->users++;
		return true;
	}
	d = n->addresses < n->settings.addresses_max ? calloc(1, sizeof(*d)) : NULL;
	if (!d)
		return false;
	d->address = *address;
	d->vlan = vlan;
	d->users = 1;
	n->addresses++;
	LIST_INSERT_HEAD(&n->destinations[dist_neighbour_bucket(address, vlan)], d, in_bucket);
	destination_resolve(n, d);
	/* The caller asks for the hop next; for it nothing has changed. */
	n->rows.changed = changed;
	return true;
}

void dist_neighbours_forget(struct dist_neighbours *n, const struct dist_address *address, uint16_t vlan)
{
	struct destination *d = destination_find(n, address, vlan);

	if (d && --d->users == 0)
		destination_free(n, d);
}

struct dist_hop dist_neighbours_find(const struct dist_neighbours *n, const struct dist_address *address, uint16_t vlan)
{
	const struct destination *d = destination_find(n, address, vlan);

	return d ? hop_now(d) : (struct dist_hop){.state = DIST_HOP_UNKNOWN};
}

struct dist_neighbours_counts dist_neighbours_counts(const struct dist_neighbours *n)
{
	struct dist_neighbours_counts counts = {
		.addresses = n->addresses, .refusals = n->rows.refusals, .overruns = n->overruns};
	const struct destination *d;

	for (unsigned i = 0; i < DIST_NEIGHBOUR_BUCKETS; i++)
		LIST_FOREACH(d, &n->destinations[i], in_bucket)
			counts.unresolved += hop_now(d).state != DIST_HOP_RESOLVED;
	return counts;
}

void dist_neighbours_group_mac(const struct dist_address *group, uint8_t mac[DIST_MAC_BYTES])
{
	if (dist_address_is_v4(group)) {
		/* RFC 1112: the lower 23 bits. */
		const uint8_t v4[DIST_MAC_BYTES] = {
			0x01, 0x00, 0x5e, group->bytes[13] & 0x7f, group->bytes[14], group->bytes[15]};
		memcpy(mac, v4, DIST_MAC_BYTES);
		return;
	}
	/* RFC 2464: the lower 32 bits. */
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, group->bytes + 12, 4);
}

const char *dist_hop_state_name(enum dist_hop_state state)
{
	static const char *const names[] = {
		[DIST_HOP_RESOLVED] = "resolved", [DIST_HOP_WAITING] = "waiting", [DIST_HOP_NO_ROUTE] = "no-route",
		[DIST_HOP_LOCAL] = "local",	  [DIST_HOP_NO_LINK] = "no-link", [DIST_HOP_UNKNOWN] = "unknown",
	};

	return names[state];
}
