#include "links.h"

#include "worker.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Entries in use are asked for again this often; the kernel lets them grow stale after 15 to 45 s. */
#define NEIGHBOUR_REFRESH_MS 5000
#define NEIGHBOUR_RETRY_MS 1000

void dist_links_init(struct dist_links *links)
{
	*links = (struct dist_links){.local_v4 = -1, .local_v6 = -1};
}

bool dist_links_open(struct dist_links *links, const struct dist_plan *plan, const struct dist_port *port,
		     struct dist_error *error)
{
	struct dist_neighbours_settings settings = {.refresh_ms = NEIGHBOUR_REFRESH_MS,
						    .retry_ms = NEIGHBOUR_RETRY_MS,
						    .addresses_max = DIST_RECEIVERS_MAX};

	links->plan = plan;
	links->port = port;
	if (!plan->netdev)
		return true;
	settings.interface_index = (int)if_nametoindex(plan->netdev);
	links->neighbours = dist_neighbours_open(&settings);
	if (!links->neighbours)
		return dist_error_set(error, "ENGINE_FAILED", "the kernel's routes cannot be read: %s", strerror(errno));
	/* Without the right to do so, receivers on this machine stay unresolved. */
	links->local_v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	links->local_v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return true;
}

void dist_links_close(struct dist_links *links)
{
	dist_neighbours_close(links->neighbours);
	if (links->local_v4 >= 0)
		close(links->local_v4);
	if (links->local_v6 >= 0)
		close(links->local_v6);
	dist_links_init(links);
}

bool dist_links_want(struct dist_links *links, const struct dist_receiver_spec *receiver, struct dist_error *error)
{
	if (!links->neighbours || dist_neighbours_want(links->neighbours, &receiver->address, receiver->vlan))
		return true;
	return dist_error_set(error, "RECEIVERS_LIMIT", "the engine watches the neighbours of %u addresses already",
			      DIST_RECEIVERS_MAX);
}

void dist_links_forget(struct dist_links *links, const struct dist_receiver_spec *receiver)
{
	if (links->neighbours)
		dist_neighbours_forget(links->neighbours, &receiver->address, receiver->vlan);
}

static bool fixed_link(const struct dist_links *links, const struct dist_address *address, struct dist_link *link)
{
	const struct dist_plan *plan = links->plan;

	memcpy(link->source_mac, links->port->mac, sizeof(link->source_mac));
	memcpy(link->destination_mac, plan->link.target_mac, sizeof(link->destination_mac));
	if (dist_address_is_multicast(address))
		dist_neighbours_group_mac(address, link->destination_mac);
	link->source = dist_address_is_v4(address) ? plan->link.source_v4 : plan->link.source_v6;
	link->mtu = plan->link.mtu;
	return true;
}

bool dist_links_find(const struct dist_links *links, const struct dist_receiver_spec *receiver, struct dist_link *link)
{
	struct dist_hop hop;

	memset(link, 0, sizeof(*link));
	if (!links->neighbours)
		return fixed_link(links, &receiver->address, link);
	hop = dist_neighbours_find(links->neighbours, &receiver->address, receiver->vlan);
	link->source = hop.source;
	link->mtu = (uint16_t)(hop.mtu < UINT16_MAX ? hop.mtu : UINT16_MAX);
	if (hop.state == DIST_HOP_LOCAL) {
		link->port = DIST_PORT_LOCAL;
		return (dist_address_is_v4(&receiver->address) ? links->local_v4 : links->local_v6) >= 0;
	}
	if (hop.state != DIST_HOP_RESOLVED)
		return false;
	/* No frame leaves that is larger than the port's own buffers. */
	if (link->mtu > links->port->mtu)
		link->mtu = links->port->mtu;
	memcpy(link->source_mac, hop.source_mac, sizeof(link->source_mac));
	memcpy(link->destination_mac, hop.target_mac, sizeof(link->destination_mac));
	return true;
}
