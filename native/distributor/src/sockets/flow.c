#include "flow.h"

#include "log.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Some tens of milliseconds of the busiest flow: what comes in while the worker sends to ten thousand receivers. */
#define RECEIVE_BUFFER_BYTES (8 << 20)

static bool refuse(struct dist_error *error, const struct dist_socket_flow *flow, const char *what)
{
	char text[DIST_ADDRESS_TEXT_BYTES];
	int why = errno;

	dist_address_format(&flow->key.destination, text);
	switch (why) {
	case EADDRINUSE:
		return dist_error_set(error, "ENGINE_FAILED",
				      "%s, port %u, is in use by another socket, perhaps another distributor's; end that first",
				      text, flow->port);
	case EADDRNOTAVAIL:
		return dist_error_set(error, "ENGINE_FAILED",
				      "%s is no address of this machine's; match one that is, or a multicast group", text);
	case EACCES:
	case EPERM:
		return dist_error_set(error, "ENGINE_FAILED",
				      "%s, port %u: %s is not permitted; ports below 1024 need CAP_NET_BIND_SERVICE", text,
				      flow->port, what);
	default:
		return dist_error_set(error, "ENGINE_FAILED", "%s, port %u: %s failed: %s", text, flow->port, what,
				      strerror(why));
	}
}

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

static bool join(const struct dist_socket_flow *flow, unsigned interface_index)
{
	if (dist_address_is_v4(&flow->key.destination)) {
		struct ip_mreqn request = {.imr_ifindex = (int)interface_index};
		memcpy(&request.imr_multiaddr, flow->key.destination.bytes + 12, 4);
		set_option(flow->fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		return setsockopt(flow->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) == 0;
	}
	struct ipv6_mreq request = {.ipv6mr_interface = interface_index};
	memcpy(&request.ipv6mr_multiaddr, flow->key.destination.bytes, 16);
	return setsockopt(flow->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) == 0;
}

static bool open_socket(struct dist_socket_flow *flow, const char *interface, struct dist_error *error)
{
	union dist_sockaddr address;
	socklen_t length = dist_address_to_sockaddr(&flow->key.destination, flow->port, &address);

	flow->fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (flow->fd < 0)
		return refuse(error, flow, "making a socket");
	if (address.any.sa_family == AF_INET6)
		set_option(flow->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	/* Beyond what the system lets everybody have where the process may; otherwise what it lets. */
	set_option(flow->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
	set_option(flow->fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
	if (interface != NULL &&
	    setsockopt(flow->fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0)
		return refuse(error, flow, "binding to the interface");
	dist_socket_flow_share(flow, true);
	if (bind(flow->fd, &address.any, length) < 0)
		return refuse(error, flow, "binding");
	dist_socket_flow_share(flow, false);
	if (dist_address_is_multicast(&flow->key.destination) &&
	    !join(flow, interface == NULL ? 0 : if_nametoindex(interface)))
		return refuse(error, flow, "joining the group");
	return true;
}

struct dist_socket_flow *dist_socket_flow_open(const struct dist_flow_key *key, const char *interface,
					       struct dist_error *error)
{
	struct dist_socket_flow *flow = calloc(1, sizeof(*flow));
	if (flow == NULL) {
		dist_error_set(error, "ENGINE_FAILED", "no memory for a flow");
		return NULL;
	}
	flow->key = *key;
	flow->port = ntohs(key->port_be);
	if (!open_socket(flow, interface, error)) {
		dist_socket_flow_close(flow);
		return NULL;
	}
	return flow;
}

void dist_socket_flow_close(struct dist_socket_flow *flow)
{
	if (flow->fd >= 0)
		close(flow->fd);
	free(flow);
}

uint64_t dist_socket_flow_missed(const struct dist_socket_flow *flow)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof(memory);

	return getsockopt(flow->fd, SOL_SOCKET, SO_MEMINFO, memory, &bytes) == 0 ? memory[SK_MEMINFO_DROPS] : 0;
}

/*
 * Linux lets two sockets have one port only while both have SO_REUSEADDR. The distributor's sending sockets always do;
 * this one only in the moments when it, or one of them, is bound: so they go together, and others are refused.
 */
void dist_socket_flow_share(const struct dist_socket_flow *flow, bool shared)
{
	set_option(flow->fd, SOL_SOCKET, SO_REUSEADDR, shared);
}
