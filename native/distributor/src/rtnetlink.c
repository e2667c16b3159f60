/* See rtnetlink.h. */
#include "rtnetlink.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills at most 32 KiB a message where the reader offers that much. */
#define ANSWER_BYTES 32768
#define EVENT_BUFFER_BYTES (4 * 1024 * 1024)

static const uint8_t IPV4_MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Room for a header and a few attributes; aligned as netlink wants it. */
struct request {
	struct nlmsghdr header;
	uint8_t body[128];
};

static bool is_ipv4(const uint8_t *address)
{
	return memcmp(address, IPV4_MAPPED, sizeof(IPV4_MAPPED)) == 0;
}

static void put_attribute(struct request *request, uint16_t type, const void *value, size_t bytes)
{
	struct rtattr *attribute = (void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
	memcpy(RTA_DATA(attribute), value, bytes);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
}

static void put_address(struct request *request, uint16_t type, const uint8_t *address)
{
	if (is_ipv4(address))
		put_attribute(request, type, address + sizeof(IPV4_MAPPED), 4);
	else
		put_attribute(request, type, address, DIST_RTNETLINK_ADDRESS_BYTES);
}

static bool get_address(const struct rtattr *attribute, uint8_t *address)
{
	if (RTA_PAYLOAD(attribute) == 4) {
		memcpy(address, IPV4_MAPPED, sizeof(IPV4_MAPPED));
		memcpy(address + sizeof(IPV4_MAPPED), RTA_DATA(attribute), 4);
		return true;
	}
	if (RTA_PAYLOAD(attribute) != DIST_RTNETLINK_ADDRESS_BYTES)
		return false;
	memcpy(address, RTA_DATA(attribute), DIST_RTNETLINK_ADDRESS_BYTES);
	return true;
}

static uint32_t get_number(const struct rtattr *attribute)
{
	uint32_t number = 0;

	if (RTA_PAYLOAD(attribute) >= sizeof(number))
		memcpy(&number, RTA_DATA(attribute), sizeof(number));
	return number;
}

int dist_rtnetlink_open(bool listen)
{
	static const int groups[] = { RTNLGRP_LINK,	   RTNLGRP_NEIGH,	RTNLGRP_IPV4_ROUTE,
				      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR };
	int flags = SOCK_RAW | SOCK_CLOEXEC | (listen ? SOCK_NONBLOCK : 0);
	int descriptor = socket(AF_NETLINK, flags, NETLINK_ROUTE);
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int bytes = EVENT_BUFFER_BYTES;
	int one = 1;
	int error;

	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (struct sockaddr *)&own, sizeof(own)) < 0)
		goto failed;
	/* Has the kernel check the attributes of a request, and answer one that it does not understand. */
	setsockopt(descriptor, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (listen) {
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			if (setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)) < 0)
				goto failed;
	}
	return descriptor;

failed:
	error = -errno;
	close(descriptor);
	return error;
}

static void read_route(const struct nlmsghdr *message, struct dist_rtnetlink_route *route)
{
	const struct rtmsg *body = NLMSG_DATA(message);
	int rest = (int)RTM_PAYLOAD(message);

	memset(route, 0, sizeof(*route));
	route->type = body->rtm_type;
	for (const struct rtattr *a = RTM_RTA(body); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
		switch (a->rta_type) {
		case RTA_OIF:
			route->interface_index = (int)get_number(a);
			break;
		case RTA_GATEWAY:
			route->has_gateway = get_address(a, route->gateway);
			break;
		case RTA_VIA: {
			/* An IPv4 route through an IPv6 gateway: family, then the address. */
			size_t bytes = RTA_PAYLOAD(a) - sizeof(__kernel_sa_family_t);

			if (bytes == DIST_RTNETLINK_ADDRESS_BYTES) {
				memcpy(route->gateway, (uint8_t *)RTA_DATA(a) + sizeof(__kernel_sa_family_t), bytes);
				route->has_gateway = true;
			}
			break;
		}
		case RTA_PREFSRC:
			route->has_source = get_address(a, route->source);
			break;
		case RTA_METRICS: {
			int inner = (int)RTA_PAYLOAD(a);

			for (const struct rtattr *m = RTA_DATA(a); RTA_OK(m, inner); m = RTA_NEXT(m, inner))
				if (m->rta_type == RTAX_MTU)
					route->mtu_bytes = get_number(m);
			break;
		}
		}
	}
}

static bool read_neighbour(const struct nlmsghdr *message, struct dist_rtnetlink_neighbour *neighbour)
{
	const struct ndmsg *body = NLMSG_DATA(message);
	int rest = (int)(NLMSG_PAYLOAD(message, sizeof(*body)));
	bool has_address = false;

	memset(neighbour, 0, sizeof(*neighbour));
	if (body->ndm_family != AF_INET && body->ndm_family != AF_INET6)
		return false;
	neighbour->interface_index = body->ndm_ifindex;
	neighbour->state = body->ndm_state;
	for (const struct rtattr *a = (const void *)((const uint8_t *)body + NLMSG_ALIGN(sizeof(*body)));
	     RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
		if (a->rta_type == NDA_DST) {
			has_address = get_address(a, neighbour->address);
		} else if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == sizeof(neighbour->mac)) {
			memcpy(neighbour->mac, RTA_DATA(a), sizeof(neighbour->mac));
			neighbour->has_mac = true;
		}
	}
	return has_address;
}

static void read_link_kind(const struct rtattr *info, struct dist_rtnetlink_link *link)
{
	int rest = (int)RTA_PAYLOAD(info);
	bool vlan = false;

	for (const struct rtattr *a = RTA_DATA(info); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
		if (a->rta_type == IFLA_INFO_KIND) {
			vlan = RTA_PAYLOAD(a) >= 4 && memcmp(RTA_DATA(a), "vlan", 4) == 0;
		} else if (a->rta_type == IFLA_INFO_DATA && vlan) {
			int inner = (int)RTA_PAYLOAD(a);

			for (const struct rtattr *d = RTA_DATA(a); RTA_OK(d, inner); d = RTA_NEXT(d, inner))
				if (d->rta_type == IFLA_VLAN_ID)
					memcpy(&link->vlan, RTA_DATA(d), sizeof(link->vlan));
		}
	}
}

static void read_link(const struct nlmsghdr *message, struct dist_rtnetlink_link *link)
{
	const struct ifinfomsg *body = NLMSG_DATA(message);
	int rest = (int)IFLA_PAYLOAD(message);
	int lower = 0;

	memset(link, 0, sizeof(*link));
	link->interface_index = body->ifi_index;
	link->up = (body->ifi_flags & IFF_UP) && (body->ifi_flags & IFF_RUNNING);
	link->ethernet = body->ifi_type == ARPHRD_ETHER;
	for (const struct rtattr *a = IFLA_RTA(body); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
		switch (a->rta_type & NLA_TYPE_MASK) {
		case IFLA_MTU:
			link->mtu_bytes = get_number(a);
			break;
		case IFLA_ADDRESS:
			if (RTA_PAYLOAD(a) == sizeof(link->mac))
				memcpy(link->mac, RTA_DATA(a), sizeof(link->mac));
			break;
		case IFLA_LINK:
			lower = (int)get_number(a);
			break;
		case IFLA_LINKINFO:
			read_link_kind(a, link);
			break;
		}
	}
	if (link->vlan)
		link->lower_index = lower;
}

static void tell(const struct nlmsghdr *message, const struct dist_rtnetlink_events *events)
{
	struct dist_rtnetlink_neighbour neighbour;
	struct dist_rtnetlink_link link;

	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (events->neighbour && read_neighbour(message, &neighbour))
			events->neighbour(events->context, &neighbour, message->nlmsg_type == RTM_DELNEIGH);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* A bridge tells of its ports with the same message and another family. */
		if (events->link && ((const struct ifinfomsg *)NLMSG_DATA(message))->ifi_family == AF_UNSPEC) {
			read_link(message, &link);
			events->link(events->context, &link, message->nlmsg_type == RTM_DELLINK);
		}
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (events->routing)
			events->routing(events->context);
		break;
	}
}

/*
 * Sends the request and hands each answer to `answer`, up to the acknowledgement, the end of a dump, or an error.
 */
static int exchange(int descriptor, struct request *request, void (*answer)(void *, const struct nlmsghdr *),
		    void *context)
{
	static _Thread_local uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t buffer[ANSWER_BYTES];
	bool dump = (request->header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	request->header.nlmsg_flags |= NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK);
	request->header.nlmsg_seq = ++sequence;
	if (send(descriptor, request, request->header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t bytes = recv(descriptor, buffer, sizeof(buffer), 0);
		int rest = (int)bytes;

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return -errno;
		for (const struct nlmsghdr *m = (void *)buffer; NLMSG_OK(m, rest); m = NLMSG_NEXT(m, rest)) {
			if (m->nlmsg_seq != request->header.nlmsg_seq)
				continue;
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			if (answer)
				answer(context, m);
		}
	}
}

static void answer_route(void *context, const struct nlmsghdr *message)
{
	if (message->nlmsg_type == RTM_NEWROUTE)
		read_route(message, context);
}

int dist_rtnetlink_route(int descriptor, const uint8_t *address, int interface_index,
			 struct dist_rtnetlink_route *route)
{
	struct request request = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
					       .nlmsg_type = RTM_GETROUTE } };
	struct rtmsg *body = NLMSG_DATA(&request.header);
	uint32_t index = (uint32_t)interface_index;

	memset(route, 0, sizeof(*route));
	body->rtm_family = is_ipv4(address) ? AF_INET : AF_INET6;
	body->rtm_dst_len = is_ipv4(address) ? 32 : 128;
	put_address(&request, RTA_DST, address);
	if (interface_index)
		put_attribute(&request, RTA_OIF, &index, sizeof(index));
	return exchange(descriptor, &request, answer_route, route);
}

static void answer_neighbour(void *context, const struct nlmsghdr *message)
{
	if (message->nlmsg_type == RTM_NEWNEIGH)
		read_neighbour(message, context);
}

int dist_rtnetlink_neighbour(int descriptor, int interface_index, const uint8_t *address,
			     struct dist_rtnetlink_neighbour *neighbour)
{
	struct request request = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
					       .nlmsg_type = RTM_GETNEIGH } };
	struct ndmsg *body = NLMSG_DATA(&request.header);

	memset(neighbour, 0, sizeof(*neighbour));
	body->ndm_family = is_ipv4(address) ? AF_INET : AF_INET6;
	body->ndm_ifindex = interface_index;
	put_address(&request, NDA_DST, address);
	return exchange(descriptor, &request, answer_neighbour, neighbour);
}

int dist_rtnetlink_use(int descriptor, int interface_index, const uint8_t *address)
{
	struct request request = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
					       .nlmsg_type = RTM_NEWNEIGH,
					       .nlmsg_flags = NLM_F_CREATE } };
	struct ndmsg *body = NLMSG_DATA(&request.header);

	body->ndm_family = is_ipv4(address) ? AF_INET : AF_INET6;
	body->ndm_ifindex = interface_index;
	body->ndm_state = NUD_NONE;
	body->ndm_flags = NTF_USE;
	put_address(&request, NDA_DST, address);
	return exchange(descriptor, &request, NULL, NULL);
}

static void answer_link(void *context, const struct nlmsghdr *message)
{
	tell(message, context);
}

int dist_rtnetlink_links(int descriptor, const struct dist_rtnetlink_events *events)
{
	struct request request = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
					       .nlmsg_type = RTM_GETLINK,
					       .nlmsg_flags = NLM_F_DUMP } };

	return exchange(descriptor, &request, answer_link, (void *)(uintptr_t)events);
}

int dist_rtnetlink_read(int descriptor, const struct dist_rtnetlink_events *events)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[ANSWER_BYTES];

	for (;;) {
		ssize_t bytes = recv(descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);
		int rest = (int)bytes;

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (const struct nlmsghdr *m = (void *)buffer; NLMSG_OK(m, rest); m = NLMSG_NEXT(m, rest))
			tell(m, events);
	}
}
