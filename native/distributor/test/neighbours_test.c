/* neighbours.c against the kernel: a veth pair in namespaces of the test's own, with a real ARP and ND behind it. */
#include "neighbours.h"

#include "check.h"
#include "clock.h"
#include "own_network.h"

#include <net/if.h>
#include <poll.h>
#include <unistd.h>

static struct dist_neighbours *neighbours;
static bool has_vlan;

static struct dist_address address(const char *text)
{
	struct dist_address result;

	REQUIRE(dist_address_parse(text, &result), "an address: %s", text);
	return result;
}

/* Works as the control thread does until the hop has the state, for three seconds at most. */
static struct dist_hop await(const char *text, uint16_t vlan, enum dist_hop_state state)
{
	struct dist_address wanted = address(text);
	struct dist_hop hop = {0};

	for (uint64_t end = dist_clock_now_ns() + 3 * DIST_NS_PER_SECOND; dist_clock_now_ns() < end;) {
		struct pollfd poll_one = {.fd = dist_neighbours_descriptor(neighbours), .events = POLLIN};

		dist_neighbours_process(neighbours, dist_clock_now_ns());
		hop = dist_neighbours_find(neighbours, &wanted, vlan);
		if (hop.state == state)
			return hop;
		poll(&poll_one, 1, 50);
	}
	REQUIRE(hop.state == state, "%s (tag %u) to become %s, it is %s", text, vlan, dist_hop_state_name(state),
	       dist_hop_state_name(hop.state));
	return hop;
}

static void want(const char *text, uint16_t vlan)
{
	struct dist_address wanted = address(text);

	REQUIRE(dist_neighbours_want(neighbours, &wanted, vlan), "%s to be watched", text);
}

static void clean_up(void)
{
	own_network_run("ip netns del penstock-test-%d", getpid());
}

static void set_up(void)
{
	own_network_require();
	/* The other end lives in a child namespace, which ends with the test. */
	own_network_run("ip link set lo up; ip link add port type veth peer name far");
	own_network_run("ip netns add penstock-test-%d", getpid());
	atexit(clean_up);
	own_network_run("ip link set far netns penstock-test-%d", getpid());
	own_network_run("ip link set port address 02:00:00:00:00:0a up; ip addr add 10.9.0.1/24 dev port;"
	    "ip addr add 2001:db8:9::1/64 dev port nodad");
	has_vlan = system("ip link add link port name port.7 type vlan id 7 2>/dev/null") == 0;
	if (has_vlan)
		own_network_run("ip link set port.7 up && ip addr add 10.9.7.1/24 dev port.7");
	own_network_run("ip netns exec penstock-test-%d sh -ec 'ip link set far address 02:00:00:00:00:0b up; ip addr add 10.9.0.2/24 dev far;"
	    "ip addr add 2001:db8:9::2/64 dev far nodad'",
	    getpid());
	if (has_vlan)
		own_network_run("ip netns exec penstock-test-%d sh -ec 'ip link add link far name far.7 type vlan id 7; ip link set far.7 up;"
		    "ip addr add 10.9.7.2/24 dev far.7'",
		    getpid());
	own_network_run("ip route add 10.20.0.0/16 via 10.9.0.2");
}

int main(void)
{
	static const uint8_t port_mac[6] = {2, 0, 0, 0, 0, 0x0a}, far_mac[6] = {2, 0, 0, 0, 0, 0x0b};
	struct dist_neighbours_settings settings = {.refresh_ms = 200, .retry_ms = 200, .addresses_max = 12000};
	struct dist_address many = address("10.20.0.0");
	struct dist_hop hop;
	uint64_t start_ns;

	set_up();
	settings.interface_index = (int)if_nametoindex("port");
	neighbours = dist_neighbours_open(&settings);
	REQUIRE(neighbours, "neighbours to open");

	want("10.9.0.2", 0);
	hop = await("10.9.0.2", 0, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.source_mac, port_mac, 6) == 0 && memcmp(hop.target_mac, far_mac, 6) == 0, "both Ethernet addresses");
	REQUIRE(hop.mtu == 1500, "an MTU of 1500, not %u", hop.mtu);
	struct dist_address source = address("10.9.0.1");
	REQUIRE(dist_address_equal(&hop.source, &source), "the port's address as source");

	want("2001:db8:9::2", 0);
	hop = await("2001:db8:9::2", 0, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.target_mac, far_mac, 6) == 0, "the far end by neighbour discovery");

	want("10.20.3.4", 0);
	hop = await("10.20.3.4", 0, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.target_mac, far_mac, 6) == 0, "the gateway's address behind a route");

	if (has_vlan) {
		want("10.9.7.2", 7);
		hop = await("10.9.7.2", 7, DIST_HOP_RESOLVED);
		source = address("10.9.7.1");
		REQUIRE(dist_address_equal(&hop.source, &source), "the VLAN interface's address as source");
	} else {
		printf("not tested: this kernel has no VLAN interfaces\n");
	}
	/* A tag without an interface has the port's own neighbours. */
	want("10.9.0.2", 8);
	hop = await("10.9.0.2", 8, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.target_mac, far_mac, 6) == 0, "the far end's Ethernet address");

	want("10.9.0.77", 0);
	await("10.9.0.77", 0, DIST_HOP_WAITING);
	want("203.0.113.1", 0);
	await("203.0.113.1", 0, DIST_HOP_NO_ROUTE);
	want("10.9.0.1", 0);
	await("10.9.0.1", 0, DIST_HOP_LOCAL);

	want("239.1.2.3", 0);
	hop = await("239.1.2.3", 0, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.target_mac, "\x01\x00\x5e\x01\x02\x03", 6) == 0, "the group's Ethernet address");
	want("ff0e::1:2:3", 0);
	hop = await("ff0e::1:2:3", 0, DIST_HOP_RESOLVED);
	REQUIRE(memcmp(hop.target_mac, "\x33\x33\x00\x02\x00\x03", 6) == 0, "the IPv6 group's Ethernet address");

	/* A receiver whose card was changed is found again, through the refresh alone: nobody sends to it by the kernel. */
	own_network_run("ip netns exec penstock-test-%d ip link set far address 02:00:00:00:00:0c", getpid());
	for (int i = 0; i < 100; i++) {
		own_network_run("ip neigh change 10.9.0.2 dev port lladdr 02:00:00:00:00:0c nud stale 2>/dev/null || true");
		hop = await("10.9.0.2", 0, DIST_HOP_RESOLVED);
		if (hop.target_mac[5] == 0x0c)
			break;
	}
	REQUIRE(hop.target_mac[5] == 0x0c, "the new Ethernet address");
	/* An entry that the kernel has thrown away is asked for again. */
	own_network_run("ip neigh flush all");
	await("10.9.0.2", 0, DIST_HOP_RESOLVED);
	/* Gone with its route, and back with it. */
	own_network_run("ip route del 10.20.0.0/16");
	await("10.20.3.4", 0, DIST_HOP_NO_ROUTE);
	own_network_run("ip route add 10.20.0.0/16 via 10.9.0.2");
	await("10.20.3.4", 0, DIST_HOP_RESOLVED);
	/* A link that is down resolves nobody. */
	own_network_run("ip link set port down");
	await("10.9.0.2", 0, DIST_HOP_NO_LINK);
	own_network_run("ip link set port up; ip route replace 10.20.0.0/16 via 10.9.0.2");
	await("10.9.0.2", 0, DIST_HOP_RESOLVED);

	start_ns = dist_clock_now_ns();
	for (unsigned i = 0; i < 10000; i++) {
		many.bytes[14] = (uint8_t)(i >> 8);
		many.bytes[15] = (uint8_t)i;
		REQUIRE(dist_neighbours_want(neighbours, &many, 0), "address %u to be watched", i);
	}
	printf("10000 addresses in %.0f ms\n", (double)(dist_clock_now_ns() - start_ns) / 1e6);
	REQUIRE(dist_clock_now_ns() - start_ns < DIST_NS_PER_SECOND, "10000 addresses in a second");
	for (unsigned i = 0; i < 10000; i++) {
		many.bytes[14] = (uint8_t)(i >> 8);
		many.bytes[15] = (uint8_t)i;
		dist_neighbours_forget(neighbours, &many, 0);
	}
	REQUIRE(dist_neighbours_counts(neighbours).addresses == 9u + has_vlan, "the first addresses left, not %u",
	       dist_neighbours_counts(neighbours).addresses);
	dist_neighbours_close(neighbours);
	return 0;
}
