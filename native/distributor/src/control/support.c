#include "support.h"

#define TTL_DEFAULT 64

static bool unsupported(struct dist_error *error, const char *what)
{
	return dist_error_set(error, "UNSUPPORTED", "this engine has no %s (see capabilities of hello)", what);
}

static bool check_address(const struct dist_engine_facts *facts, const struct dist_address *address,
			  struct dist_error *error)
{
	if (!facts->ipv4 && dist_address_is_v4(address))
		return unsupported(error, "IPv4");
	if (!facts->ipv6 && !dist_address_is_v4(address))
		return unsupported(error, "IPv6");
	if (!facts->multicast && dist_address_is_multicast(address))
		return unsupported(error, "multicast");
	return true;
}

bool dist_support_receivers(const struct dist_engine_facts *facts, const struct dist_match *match,
			    const struct dist_receiver_spec *receivers, uint32_t count, struct dist_error *error)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct dist_receiver_spec *receiver = &receivers[i];
		if (!check_address(facts, &receiver->address, error))
			return false;
		if (!facts->vlan && receiver->vlan != DIST_VLAN_NONE)
			return unsupported(error, "VLAN tags");
		if (!facts->dscp && receiver->dscp != 0)
			return unsupported(error, "DSCP");
		if (!facts->ttl && receiver->ttl != TTL_DEFAULT)
			return unsupported(error, "time to live");
		if (!facts->source_port && match != NULL && receiver->source_port != 0 &&
		    receiver->source_port != match->port)
			return unsupported(error, "source port");
	}
	return true;
}

bool dist_support_match(const struct dist_engine_facts *facts, const struct dist_match *match, struct dist_error *error)
{
	if (!check_address(facts, &match->address, error))
		return false;
	return facts->vlan || match->vlan == DIST_VLAN_NONE || unsupported(error, "VLAN tags");
}
