#include "sender.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (8 << 20)

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* A socket that is only sent from must not gather what others send to its port. */
static void receive_nothing(int fd)
{
	struct sock_filter none = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog program = {.len = 1, .filter = &none};
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Don't-fragment is set, and only the port's own MTU counts: a forged "too big" from the network changes nothing. */
static void set_defaults(const struct dist_sender *sender, const char *interface)
{
	int index = interface == NULL ? 0 : (int)if_nametoindex(interface);

	set_option(sender->fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
	set_option(sender->fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES);
	if (sender->is_v4) {
		struct ip_mreqn through = {.imr_ifindex = index};
		set_option(sender->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
		set_option(sender->fd, IPPROTO_IP, IP_TTL, DIST_SENDER_TTL);
		set_option(sender->fd, IPPROTO_IP, IP_MULTICAST_TTL, DIST_SENDER_TTL);
		set_option(sender->fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
		if (index != 0)
			setsockopt(sender->fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof(through));
	} else {
		set_option(sender->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		set_option(sender->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		set_option(sender->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, DIST_SENDER_TTL);
		set_option(sender->fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, DIST_SENDER_TTL);
		if (index != 0)
			set_option(sender->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
	}
}

static void share_port(const struct dist_socket_flow *flows, uint16_t port, bool shared)
{
	for (const struct dist_socket_flow *flow = flows; flow != NULL; flow = flow->next)
		if (flow->port == port)
			dist_socket_flow_share(flow, shared);
}

static bool open_socket(struct dist_sender *sender, const struct dist_socket_flow *flows, const char *interface,
			struct dist_error *error)
{
	union dist_sockaddr address = {0};
	socklen_t length = sender->is_v4 ? sizeof(address.v4) : sizeof(address.v6);

	address.any.sa_family = sender->is_v4 ? AF_INET : AF_INET6;
	if (sender->is_v4)
		address.v4.sin_port = htons(sender->source_port);
	else
		address.v6.sin6_port = htons(sender->source_port);
	sender->fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sender->fd < 0)
		return dist_error_set(error, "ENGINE_FAILED", "a sending socket cannot be made: %s", strerror(errno));
	receive_nothing(sender->fd);
	set_defaults(sender, interface);
	set_option(sender->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	share_port(flows, sender->source_port, true);
	int failed = bind(sender->fd, &address.any, length);
	int why = errno;
	share_port(flows, sender->source_port, false);
	if (failed == 0)
		return true;
	close(sender->fd);
	return dist_error_set(error, "ENGINE_FAILED",
			      "source port %u cannot be had: %s; end the program that has it, or send from another sourcePort",
			      sender->source_port, strerror(why));
}

/* Asking for the option is enough to know whether the kernel has it; 0 leaves it off. */
static bool kernel_segments(int fd)
{
	int none = 0;
	return setsockopt(fd, SOL_UDP, UDP_SEGMENT, &none, sizeof(none)) == 0;
}

static struct dist_sender *place_of(struct dist_senders *senders, bool is_v4, uint16_t source_port)
{
	for (uint32_t i = 0; i < senders->used; i++) {
		struct dist_sender *sender = &senders->places[i];
		if (sender->references > 0 && sender->is_v4 == is_v4 && sender->source_port == source_port)
			return sender;
	}
	return NULL;
}

static struct dist_sender *free_place(struct dist_senders *senders)
{
	for (uint32_t i = 0; i < senders->used; i++)
		if (senders->places[i].references == 0)
			return &senders->places[i];
	return senders->used < DIST_SENDERS_MAX ? &senders->places[senders->used++] : NULL;
}

bool dist_senders_take(struct dist_senders *senders, bool is_v4, uint16_t source_port, const struct dist_socket_flow *flows,
		       const char *interface, struct dist_error *error)
{
	struct dist_sender *sender = place_of(senders, is_v4, source_port);

	if (sender == NULL) {
		sender = free_place(senders);
		if (sender == NULL)
			return dist_error_set(error, "ENGINE_FAILED", "there are %d source ports, which is the most",
					      DIST_SENDERS_MAX);
		sender->is_v4 = is_v4;
		sender->source_port = source_port;
		if (!open_socket(sender, flows, interface, error))
			return false;
		sender->segments = kernel_segments(sender->fd);
	}
	sender->references++;
	return true;
}

void dist_senders_give(struct dist_senders *senders, bool is_v4, uint16_t source_port)
{
	struct dist_sender *sender = place_of(senders, is_v4, source_port);

	if (sender != NULL && --sender->references == 0)
		close(sender->fd);
}

uint32_t dist_senders_find(const struct dist_senders *senders, bool is_v4, uint16_t source_port)
{
	return (uint32_t)(place_of((struct dist_senders *)senders, is_v4, source_port) - senders->places);
}
