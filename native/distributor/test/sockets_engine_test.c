/*
 * The whole distributor but its control socket, on the loopback: rules by the protocol, packets by real sockets. What
 * comes out is what went in, to those it is for, in order, with the TTL, DSCP and source port that were asked for.
 */
#include "check.h"
#include "clock.h"
#include "control/protocol.h"
#include "own_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 2000
#define PACKETS 200
/* No more than a socket with the system's own buffer holds. */
#define ROUND 40
#define PACED_BITS_PER_SECOND UINT64_C(4000000)

struct receiver {
	int fd;
	uint16_t port;
};

struct taken {
	uint8_t bytes[2048];
	size_t length;
	int ttl;
	int traffic_class;
	uint16_t source_port;
};

static struct dist_engine *engine;
static struct dist_protocol *protocol;
static struct dist_session session;

static void ignore_event(void *context, const char *line, size_t length)
{
	(void)context, (void)line, (void)length;
}

/* Sends one request and gives the answer; it must be ok unless `code` says otherwise. */
static json_t *request(const char *code, const char *format, ...)
{
	char line[4096];
	size_t length;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	char *text = dist_protocol_handle(protocol, &session, line, strlen(line), dist_clock_now_ns(), &length);
	dist_protocol_commit(protocol);
	json_t *answer = json_loadb(text, length, 0, NULL);
	const char *got = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
	CHECK(got == NULL ? code == NULL : code != NULL && strcmp(got, code) == 0, "%s\n  %.*s", line, (int)length, text);
	free(text);
	return answer;
}

static void ask(const char *code, const char *line)
{
	json_decref(request(code, "%s", line));
}

static char last_fault[32];

static void note_fault(void *context, const char *code, const char *text)
{
	(void)context, (void)text;
	snprintf(last_fault, sizeof(last_fault), "%s", code);
}

static void open_engine(const char *interface, uint64_t port_bits_per_second)
{
	const struct dist_engine_options engine_options = {.interface = interface,
							   .port_bits_per_second = port_bits_per_second,
							   .idle = DIST_IDLE_BALANCED,
							   .flows_max = 16,
							   .fault = note_fault};
	struct dist_error error = {0};

	engine = dist_sockets_engine.open(&engine_options, &error);
	CHECK(engine != NULL && dist_sockets_engine.start(engine, &error), "%s", error.text);
	const struct dist_protocol_options options = {.ops = &dist_sockets_engine,
						      .engine = engine,
						      .limits = {.rules = 15, .receivers_per_rule = 100, .receivers = 1000},
						      .version = "0",
						      .capture = true,
						      .send_event = ignore_event};
	protocol = dist_protocol_new(&options, dist_clock_now_ns());
	ask(NULL, "{\"id\":0,\"do\":\"hello\",\"protocol\":1}");
}

static void close_engine(void)
{
	dist_protocol_drain(protocol);
	dist_sockets_engine.stop(engine);
	dist_protocol_free(protocol);
	dist_sockets_engine.close(engine);
	session = (struct dist_session){0};
}

static struct receiver open_receiver_at(const char *text, uint16_t port)
{
	union dist_sockaddr address = {0};
	socklen_t length = sizeof(address);
	struct dist_address at;
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	struct receiver receiver;
	int on = 1;

	dist_address_parse(text, &at);
	bool is_v4 = dist_address_is_v4(&at);
	socklen_t size = dist_address_to_sockaddr(&at, port, &address);
	receiver.fd = socket(address.any.sa_family, SOCK_DGRAM, 0);
	setsockopt(receiver.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(receiver.fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, sizeof(on));
	setsockopt(receiver.fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on, sizeof(on));
	CHECK(bind(receiver.fd, &address.any, size) == 0, "%s", strerror(errno));
	getsockname(receiver.fd, &address.any, &length);
	dist_address_from_sockaddr(&address, &at, &receiver.port);
	return receiver;
}

static struct receiver open_receiver(bool is_v4)
{
	return open_receiver_at(is_v4 ? "127.0.0.1" : "::1", 0);
}

/* The next packet; false when none comes in time. */
static bool take(const struct receiver *receiver, struct taken *taken)
{
	union dist_sockaddr from;
	struct dist_address source;
	alignas(struct cmsghdr) uint8_t control[128];
	struct iovec into = {.iov_base = taken->bytes, .iov_len = sizeof(taken->bytes)};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &into,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(receiver->fd, &message, 0);

	if (length < 0)
		return false;
	taken->length = (size_t)length;
	dist_address_from_sockaddr(&from, &source, &taken->source_port);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
		bool is_v4 = at->cmsg_level == IPPROTO_IP;
		if (at->cmsg_type == (is_v4 ? IP_TTL : IPV6_HOPLIMIT))
			memcpy(&taken->ttl, CMSG_DATA(at), sizeof(int));
		else if (at->cmsg_type == (is_v4 ? IP_TOS : IPV6_TCLASS))
			taken->traffic_class = is_v4 ? *CMSG_DATA(at) : *(int *)(void *)CMSG_DATA(at);
	}
	return true;
}

static bool nothing_comes(const struct receiver *receiver)
{
	struct timespec moment = {.tv_nsec = 50 * 1000000};
	uint8_t byte;

	nanosleep(&moment, NULL);
	return recv(receiver->fd, &byte, 1, MSG_DONTWAIT) < 0;
}

/* An RTP packet with a number in it, of a size that changes now and then and is odd sometimes. */
static size_t rtp(unsigned number, uint8_t *packet)
{
	size_t length = number % 10 == 9 ? 301 + number : 1200;

	for (size_t i = 0; i < length; i++)
		packet[i] = (uint8_t)(number * 31 + i);
	packet[0] = 0x80;
	packet[1] = 96;
	packet[2] = (uint8_t)(number >> 8);
	packet[3] = (uint8_t)number;
	return length;
}

static int publisher_to(const char *text, uint16_t port)
{
	union dist_sockaddr to;
	struct dist_address address;

	dist_address_parse(text, &address);
	socklen_t length = dist_address_to_sockaddr(&address, port, &to);
	int fd = socket(to.any.sa_family, SOCK_DGRAM, 0);
	CHECK(connect(fd, &to.any, length) == 0, "%s", strerror(errno));
	return fd;
}

static void publish(int fd, unsigned from, unsigned count)
{
	uint8_t packet[2048];

	for (unsigned i = from; i < from + count; i++) {
		size_t length = rtp(i, packet);
		CHECK(send(fd, packet, length, 0) == (ssize_t)length, "%s", strerror(errno));
	}
}

static void expect(const char *who, const struct receiver *receiver, unsigned from, unsigned count, int ttl,
		   int traffic_class, uint16_t source_port)
{
	uint8_t wanted[2048];

	for (unsigned i = from; i < from + count; i++) {
		struct taken taken = {.ttl = -1};
		size_t length = rtp(i, wanted);
		if (!take(receiver, &taken)) {
			CHECK(false, "%s: packet %u has not come", who, i);
			return;
		}
		CHECK(taken.length == length && memcmp(taken.bytes, wanted, length) == 0, "%s: packet %u (%zu bytes)", who, i,
		      taken.length);
		CHECK(taken.ttl == ttl && taken.traffic_class == traffic_class && taken.source_port == source_port,
		      "%s: packet %u has TTL %d, class %d, source port %u", who, i, taken.ttl, taken.traffic_class,
		      taken.source_port);
	}
}

static json_int_t drops_of(const char *reason)
{
	json_t *answer = request(NULL, "{\"id\":9,\"do\":\"stats\"}");
	json_int_t count = json_integer_value(json_object_get(json_object_get(answer, "drops"), reason));
	json_decref(answer);
	return count;
}

/* Waits until the counter is there: the worker counts after it has sent. */
static void expect_drops(const char *reason, json_int_t wanted)
{
	struct timespec moment = {.tv_nsec = 5 * 1000000};

	for (unsigned waited = 0; drops_of(reason) < wanted && waited < PATIENCE_MS; waited += 5)
		nanosleep(&moment, NULL);
	CHECK(drops_of(reason) == wanted, "%s is %lld, not %lld", reason, (long long)drops_of(reason), (long long)wanted);
}

static void check_fan_out(void)
{
	struct receiver plain = open_receiver(true), marked = open_receiver(true), other = open_receiver(false);
	int publisher = publisher_to("127.0.0.1", 45004);

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"a\",\"generation\":1,\"match\":{\"address\":\"127.0.0.1\","
			    "\"port\":45004},\"media\":\"rtp\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u},"
			    "{\"address\":\"127.0.0.1\",\"port\":%u,\"ttl\":9,\"dscp\":46,\"sourcePort\":45008},"
			    "{\"address\":\"::1\",\"port\":%u,\"ttl\":3,\"dscp\":34}]}}",
			    plain.port, marked.port, other.port));
	for (unsigned from = 0; from < PACKETS; from += ROUND) {
		publish(publisher, from, ROUND);
		expect("plain", &plain, from, ROUND, 64, 0, 45004);
		expect("marked", &marked, from, ROUND, 9, 46 << 2, 45008);
		expect("IPv6", &other, from, ROUND, 3, 34 << 2, 45004);
	}

	json_t *stats = request(NULL, "{\"id\":2,\"do\":\"stats\",\"receivers\":true}");
	CHECK(json_integer_value(json_object_get(json_object_get(stats, "sent"), "packets")) == 3 * PACKETS, "all are counted");
	json_decref(stats);

	/* After the answer to a removal nothing more comes; the others go on without a gap. */
	json_decref(request(NULL,
			    "{\"id\":3,\"do\":\"receivers.remove\",\"name\":\"a\",\"generation\":2,\"receivers\":"
			    "[{\"address\":\"127.0.0.1\",\"port\":%u}]}",
			    plain.port));
	publish(publisher, PACKETS, 20);
	expect("marked", &marked, PACKETS, 20, 9, 46 << 2, 45008);
	CHECK(nothing_comes(&plain), "a receiver that was removed gets a packet");
	json_decref(request(NULL,
			    "{\"id\":4,\"do\":\"receivers.add\",\"name\":\"a\",\"generation\":3,\"receivers\":"
			    "[{\"address\":\"127.0.0.1\",\"port\":%u}]}",
			    plain.port));
	publish(publisher, PACKETS + 20, 20);
	expect("plain again", &plain, PACKETS + 20, 20, 64, 0, 45004);
	close(publisher);
	close(plain.fd);
	close(marked.fd);
	close(other.fd);
}

static void check_refusals(void)
{
	struct receiver receiver = open_receiver(true);
	int publisher = publisher_to("::1", 45010);
	uint8_t packet[10000] = {0x80, 200, 0, 1};

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"b\",\"generation\":1,\"match\":{\"address\":\"::1\","
			    "\"port\":45010},\"media\":\"rtp\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    receiver.port));
	send(publisher, packet, 8, 0); /* RTCP */
	expect_drops("wrong-media", 1);
	send(publisher, packet, 7, 0);
	send(publisher, packet, 0, 0);
	expect_drops("no-media", 2);
	send(publisher, packet, sizeof(packet), 0);
	expect_drops("jumbo", 1);
	CHECK(nothing_comes(&receiver), "a packet that is none of the rule's is sent on");
	publish(publisher, 0, 3);
	expect("after them", &receiver, 0, 3, 64, 0, 45010);
	json_decref(request(NULL,
			    "{\"id\":2,\"do\":\"rule.put\",\"rule\":{\"name\":\"b\",\"generation\":2,\"match\":{\"address\":\"::1\","
			    "\"port\":45010,\"source\":{\"address\":\"::1\",\"port\":1}},\"media\":\"rtp\",\"receivers\":[]}}"));
	publish(publisher, 0, 3);
	expect_drops("wrong-source", 3);
	close(publisher);
	close(receiver.fd);
}

static void check_limit(void)
{
	struct receiver limited = open_receiver(true), free_one = open_receiver(true);
	int publisher = publisher_to("127.0.0.1", 45012);

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"c\",\"generation\":1,\"match\":{\"address\":\"127.0.0.1\","
			    "\"port\":45012},\"media\":\"rtp\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u,"
			    "\"maxPacketsPerSecond\":1},{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    limited.port, free_one.port));
	publish(publisher, 0, 10);
	expect("without a limit", &free_one, 0, 10, 64, 0, 45012);
	expect_drops("packet-rate", 9);
	expect("with a limit", &limited, 0, 1, 64, 0, 45012);
	CHECK(nothing_comes(&limited), "one packet a second");
	close(publisher);
	close(limited.fd);
	close(free_one.fd);
}

static void check_capture(void)
{
	char directory[] = "/tmp/penstock-engine-XXXXXX";
	struct receiver receiver = open_receiver(true);
	int publisher = publisher_to("127.0.0.1", 45014);
	char path[64];

	CHECK(mkdtemp(directory) != NULL, "a directory for the test");
	snprintf(path, sizeof(path), "%s/d.pcapng", directory);
	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"d\",\"generation\":1,\"match\":{\"address\":\"127.0.0.1\","
			    "\"port\":45014},\"media\":\"any-media\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    receiver.port));
	json_decref(request(NULL, "{\"id\":2,\"do\":\"capture\",\"name\":\"d\",\"path\":\"%s\",\"packets\":5}", path));
	json_decref(request("CAPTURE_BUSY", "{\"id\":3,\"do\":\"capture\",\"name\":\"d\",\"path\":\"%s2\",\"packets\":5}", path));
	publish(publisher, 0, 8);
	expect("while captured", &receiver, 0, 8, 64, 0, 45014);
	dist_protocol_tick(protocol, dist_clock_now_ns());
	FILE *file = fopen(path, "rb");
	CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0 && ftell(file) > 5 * 1200, "the file holds five packets");
	if (file != NULL)
		fclose(file);
	json_decref(request("CAPTURE_FAILED", "{\"id\":4,\"do\":\"capture\",\"name\":\"d\",\"path\":\"%s\",\"packets\":5}", path));
	unlink(path);
	rmdir(directory);
	close(publisher);
	close(receiver.fd);
}

/* The loopback with an Ethernet's MTU: what the publisher's kernel has cut and ours has put together goes to nobody. */
static void check_too_large(void)
{
	struct receiver receiver = open_receiver(true);
	int publisher = publisher_to("127.0.0.1", 45020);
	uint8_t packet[3000] = {0x80, 96};

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"f\",\"generation\":1,\"match\":{\"address\":\"127.0.0.1\","
			    "\"port\":45020},\"media\":\"rtp\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    receiver.port));
	for (unsigned i = 0; i < 5; i++) /* more than one at once: they are first tried as segments */
		send(publisher, packet, sizeof(packet), 0);
	expect_drops("too-large", 5);
	send(publisher, packet, 1473, 0);
	expect_drops("too-large", 6);
	send(publisher, packet, 1472, 0);
	struct taken taken = {0};
	CHECK(take(&receiver, &taken) && taken.length == 1472, "the largest that fits has %zu bytes", taken.length);
	close(publisher);
	close(receiver.fd);
}

/* From a group, and to a group. */
static void check_multicast(void)
{
	struct receiver member = open_receiver_at("239.1.2.4", 45024), receiver = open_receiver(true);
	struct ip_mreqn through = {.imr_ifindex = (int)if_nametoindex("lo")};
	struct ip_mreqn group_request = {.imr_ifindex = through.imr_ifindex};
	union dist_sockaddr to;
	struct dist_address group;
	int publisher = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t packet[2048];

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"g\",\"generation\":1,\"match\":{\"address\":\"239.1.2.3\","
			    "\"port\":45022},\"media\":\"rtp\",\"receivers\":[{\"address\":\"239.1.2.4\",\"port\":45024,\"ttl\":5},"
			    "{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    receiver.port));
	dist_address_parse("239.1.2.4", &group);
	memcpy(&group_request.imr_multiaddr, group.bytes + 12, 4);
	CHECK(setsockopt(member.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group_request, sizeof(group_request)) == 0, "%s",
	      strerror(errno));
	dist_address_parse("239.1.2.3", &group);
	socklen_t size = dist_address_to_sockaddr(&group, 45022, &to);
	setsockopt(publisher, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof(through));
	for (unsigned i = 0; i < 5; i++) {
		size_t length = rtp(i, packet);
		CHECK(sendto(publisher, packet, length, 0, &to.any, size) == (ssize_t)length, "%s", strerror(errno));
	}
	expect("from a group to a group", &member, 0, 5, 5, 0, 45022);
	expect("from a group to a receiver", &receiver, 0, 5, 64, 0, 45022);
	close(publisher);
	close(member.fd);
	close(receiver.fd);
}

/* A port's rate holds packets back and drops none. */
static void check_port_pacing(void)
{
	struct receiver receiver = open_receiver(true);
	int publisher = publisher_to("127.0.0.1", 45026);
	const unsigned count = 100;

	json_decref(request(NULL,
			    "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"i\",\"generation\":1,\"match\":{\"address\":\"127.0.0.1\","
			    "\"port\":45026},\"media\":\"rtp\",\"receivers\":[{\"address\":\"127.0.0.1\",\"port\":%u}]}}",
			    receiver.port));
	uint64_t began_ns = dist_clock_now_ns();
	publish(publisher, 0, count);
	expect("paced", &receiver, 0, count, 64, 0, 45026);
	uint64_t took_ms = (dist_clock_now_ns() - began_ns) / DIST_NS_PER_MS;
	/* 100 packets have about 113,000 bytes, of which up to two messages' worth may go at once. */
	CHECK(took_ms >= 40, "%u packets at %llu bit/s took %llu ms", count, (unsigned long long)PACED_BITS_PER_SECOND,
	      (unsigned long long)took_ms);
	close(publisher);
	close(receiver.fd);
}

/* What another socket has is not taken from it, and the message says so. */
static void check_taken_port(void)
{
	int other = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(45016), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	CHECK(bind(other, (struct sockaddr *)&address, sizeof(address)) == 0, "%s", strerror(errno));
	ask("ENGINE_FAILED", "{\"id\":1,\"do\":\"rule.put\",\"rule\":{\"name\":\"e\",\"generation\":1,\"match\":{\"address\":"
			     "\"127.0.0.1\",\"port\":45016},\"media\":\"rtp\",\"receivers\":[]}}");
	ask("ENGINE_FAILED", "{\"id\":2,\"do\":\"rule.put\",\"rule\":{\"name\":\"e\",\"generation\":1,\"match\":{\"address\":"
			     "\"192.0.2.1\",\"port\":45018},\"media\":\"rtp\",\"receivers\":[]}}");
	ask("UNSUPPORTED", "{\"id\":3,\"do\":\"rule.put\",\"rule\":{\"name\":\"e\",\"generation\":1,\"match\":{\"address\":"
			   "\"127.0.0.1\",\"port\":45018,\"vlan\":7},\"media\":\"rtp\",\"receivers\":[]}}");
	close(other);
}

/* Looks after the engine as the control thread does, at seconds of the test's own. */
static void expect_fault(uint64_t second, const char *wanted)
{
	last_fault[0] = '\0';
	dist_sockets_engine.control(engine, second * DIST_NS_PER_SECOND);
	CHECK(strcmp(last_fault, wanted) == 0, "second %llu: '%s', not '%s'", (unsigned long long)second, last_fault, wanted);
}

static void check_interface_that_goes(void)
{
	CHECK(system("ip link add pd0 type veth peer name pd1") == 0, "a veth for the test");
	open_engine("pd0", 0);
	expect_fault(1, "");
	CHECK(system("ip link del pd0") == 0, "the veth goes");
	expect_fault(2, "PORT_GONE");
	expect_fault(3, "");
	CHECK(system("ip link add pd0 type veth peer name pd1") == 0, "another one comes");
	expect_fault(4, "ENGINE_FAILED");
	close_engine();
}

int main(void)
{
	bool own = own_network_enter();
	open_engine(NULL, 0);
	check_fan_out();
	check_refusals();
	check_limit();
	check_capture();
	check_taken_port();
	if (own)
		check_too_large();
	close_engine();

	open_engine("lo", 0);
	if (own)
		check_multicast();
	close_engine();

	open_engine(NULL, PACED_BITS_PER_SECOND);
	check_port_pacing();
	close_engine();
	if (own)
		check_interface_that_goes();
	CHECK_END();
}
