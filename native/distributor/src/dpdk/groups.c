#include "groups.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct dist_group {
	struct dist_group *next;
	struct dist_address address;
	unsigned users;
	int socket;
};

static int join(const struct dist_address *address, int interface_index)
{
	bool v4 = dist_address_is_v4(address);
	int descriptor = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int code;

	if (descriptor < 0)
		return -1;
	if (v4) {
		struct ip_mreqn request = {.imr_ifindex = interface_index};

		memcpy(&request.imr_multiaddr, address->bytes + 12, 4);
		code = setsockopt(descriptor, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
	} else {
		struct ipv6_mreq request = {.ipv6mr_interface = (unsigned)interface_index};

		memcpy(&request.ipv6mr_multiaddr, address->bytes, 16);
		code = setsockopt(descriptor, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
	}
	if (code == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

bool dist_groups_join(struct dist_groups *groups, const struct dist_address *address, struct dist_error *error)
{
	char text[DIST_ADDRESS_TEXT_BYTES];
	struct dist_group *group;

	if (groups->interface_index == 0 || !dist_address_is_multicast(address))
		return true;
	for (group = groups->first; group; group = group->next) {
		if (dist_address_equal(&group->address, address)) {
			group->users++;
			return true;
		}
	}
	group = calloc(1, sizeof(*group));
	if (group) {
		group->address = *address;
		group->users = 1;
		/* A socket for each: the kernel lets one socket be in twenty groups only. */
		group->socket = join(address, groups->interface_index);
		if (group->socket >= 0) {
			group->next = groups->first;
			groups->first = group;
			return true;
		}
	}
	free(group);
	dist_address_format(address, text);
	return dist_error_set(error, "ENGINE_FAILED", "the port cannot join the group %s: %s", text, strerror(errno));
}

void dist_groups_leave(struct dist_groups *groups, const struct dist_address *address)
{
	for (struct dist_group **at = &groups->first; *at; at = &(*at)->next) {
		struct dist_group *group = *at;

		if (!dist_address_equal(&group->address, address))
			continue;
		if (--group->users == 0) {
			*at = group->next;
			close(group->socket);
			free(group);
		}
		return;
	}
}

void dist_groups_leave_all(struct dist_groups *groups)
{
	while (groups->first) {
		groups->first->users = 1;
		dist_groups_leave(groups, &groups->first->address);
	}
}
