/*
 * Copies for receivers on this machine itself, by raw sockets on a loopback of the test's own: real sockets get them, with
 * the TTL, the DSCP and the source port that were asked for, and each is counted.
 */
#include "dpdk/local_sender.h"

#include "check.h"
#include "checksum.h"
#include "frame.h"
#include "own_network.h"

#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#define PACKETS 50 /* more than a burst */

static alignas(DIST_CACHE_LINE) struct dist_worker_stats worker;
static alignas(DIST_CACHE_LINE) struct dist_rule_stats rule;

struct end {
	int descriptor;
	struct dist_receiver receiver;
	alignas(DIST_CACHE_LINE) struct dist_receiver_stats stats;
};

static void open_end(struct end *end, const char *text)
{
	struct dist_receiver_spec spec = {.source_port = 45000, .ttl = 9, .dscp = 46};
	struct timeval patience = {.tv_sec = 2};
	struct dist_link link = {.mtu = UINT16_MAX};
	union dist_sockaddr address;
	socklen_t length = sizeof(address);
	int on = 1;

	REQUIRE(dist_address_parse(text, &spec.address), "an address");
	link.source = spec.address;
	bool v4 = dist_address_is_v4(&spec.address);
	socklen_t size = dist_address_to_sockaddr(&spec.address, 0, &address);
	end->descriptor = socket(address.any.sa_family, SOCK_DGRAM, 0);
	setsockopt(end->descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(end->descriptor, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, sizeof(on));
	setsockopt(end->descriptor, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof(on));
	REQUIRE(bind(end->descriptor, &address.any, size) == 0, "a socket at %s", text);
	getsockname(end->descriptor, &address.any, &length);
	dist_address_from_sockaddr(&address, &link.source, &spec.port);
	dist_frame_template(&end->receiver, &spec, &link, 5004);
	dist_address_to_sockaddr(&spec.address, spec.port, &end->receiver.sockaddr);
}

static uint16_t make_payload(unsigned number, uint8_t *payload)
{
	uint16_t length = (uint16_t)(12 + number * 29);

	for (unsigned i = 0; i < length; i++)
		payload[i] = (uint8_t)(number * 31 + i);
	return length;
}

static void send_packet(struct dist_local_sender *sender, struct rte_mempool *pool, unsigned number, struct end *ends)
{
	struct rte_mbuf *buffer = rte_pktmbuf_alloc(pool);
	struct dist_packet packet = {0};

	REQUIRE(buffer != NULL, "a buffer");
	uint8_t *payload = rte_pktmbuf_mtod(buffer, uint8_t *);
	packet.payload = payload;
	packet.payload_length = make_payload(number, payload);
	uint32_t sum = dist_checksum_add(0, payload, packet.payload_length);
	for (unsigned i = 0; i < 2; i++)
		dist_local_sender_add(sender, &ends[i].receiver, &packet, sum, buffer, &rule, &ends[i].stats);
	rte_pktmbuf_free(buffer); /* the sender holds it as long as it needs it */
}

static void expect(const struct end *end, unsigned number)
{
	uint8_t wanted[2048], got[2048];
	uint16_t length = make_payload(number, wanted);
	union dist_sockaddr from;
	alignas(struct cmsghdr) uint8_t control[128];
	struct iovec into = {.iov_base = got, .iov_len = sizeof(got)};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &into,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct dist_address source;
	uint16_t port = 0;
	int ttl = -1, class = -1;

	ssize_t came = recvmsg(end->descriptor, &message, 0);
	REQUIRE(came == length && memcmp(got, wanted, length) == 0, "packet %u of %u bytes, it has %zd", number, length, came);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
		bool v4 = at->cmsg_level == IPPROTO_IP;
		if (at->cmsg_type == (v4 ? IP_TTL : IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(at), sizeof(ttl));
		else if (at->cmsg_type == (v4 ? IP_TOS : IPV6_TCLASS))
			class = v4 ? *CMSG_DATA(at) : *(int *)(void *)CMSG_DATA(at);
	}
	dist_address_from_sockaddr(&from, &source, &port);
	CHECK(ttl == 9 && class == 46 << 2 && port == 45000, "TTL 9, class 184 and port 45000, not %d, %d and %u", ttl, class, port);
}

int main(void)
{
	char *arguments[] = {"test",	       "--no-huge",  "-m", "64", "--no-pci", "--iova-mode=va", "--no-shconf",
			     "--no-telemetry", "--lcores", "0", "--log-level", "3", NULL};
	struct dist_local_sender sender;
	struct end ends[2] = {0};

	own_network_require();
	own_network_run("ip link set lo up");
	REQUIRE(rte_eal_init((int)(sizeof(arguments) / sizeof(arguments[0])) - 1, arguments) >= 0, "EAL to start");
	struct rte_mempool *pool = rte_pktmbuf_pool_create("test", 255, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	REQUIRE(pool != NULL, "buffers");
	int v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	REQUIRE(v4 >= 0 && v6 >= 0, "raw sockets");
	dist_local_sender_init(&sender, &worker, v4, v6);
	open_end(&ends[0], "127.0.0.1");
	open_end(&ends[1], "::1");

	for (unsigned i = 0; i < PACKETS; i++)
		send_packet(&sender, pool, i, ends);
	dist_local_sender_flush(&sender);
	for (unsigned i = 0; i < PACKETS; i++)
		for (unsigned e = 0; e < 2; e++)
			expect(&ends[e], i);
	CHECK(dist_counter_read(&worker.sent.packets) == 2 * PACKETS && dist_counter_read(&rule.sent.packets) == 2 * PACKETS,
	      "all are counted, not %lu", dist_counter_read(&worker.sent.packets));
	CHECK(dist_counter_read(&ends[1].stats.sent.packets) == PACKETS, "with their receiver, too");
	CHECK(rte_mempool_avail_count(pool) == 255, "no buffer is held any more");

	/* A packet that the kernel refuses is a drop of its own, and those behind it leave. */
	own_network_run("ip link set lo mtu 1280");
	send_packet(&sender, pool, 48, ends);
	send_packet(&sender, pool, 3, ends);
	dist_local_sender_flush(&sender);
	expect(&ends[0], 3);
	expect(&ends[1], 3);
	CHECK(dist_counter_read(&worker.drops[DIST_DROP_TOO_LARGE]) == 2, "both are too large for the loopback now");
	CHECK(rte_mempool_avail_count(pool) == 255, "no buffer is held any more");
	close(v4);
	close(v6);
	rte_eal_cleanup();
	CHECK_END();
}
