/*
 * penstock-bench-publisher: sends RTP packets of one flow from an interface, at a pace or as fast as it goes.
 *
 *   penstock-bench-publisher INTERFACE TARGET-MAC SOURCE TARGET PORT PAYLOAD-BYTES PACKETS-PER-SECOND MILLISECONDS
 *
 * 0 packets per second are as many as go. Prints one JSON line when it has ended. A packet socket past the queueing
 * discipline is the cheapest way in that works on every interface; what is received costs its CPU time in here, as on a
 * machine of its own. Packets have no UDP checksum, which IPv4 allows: so nobody has to sum them up to receive them,
 * as behind a card that has done it.
 */
#include "stamp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST 32
#define FRAME_MAX 1514
#define HEADERS (BENCH_ETHERNET_BYTES + BENCH_IPV4_BYTES + BENCH_UDP_BYTES)
#define NS_PER_SECOND UINT64_C(1000000000)
/* RTP's clock of video. */
#define CLOCK_RATE 90000

struct publisher {
	int socket;
	uint64_t made;    /* packets so far; the RTP sequence number is its low end */
	uint64_t sent;    /* taken by the kernel */
	uint64_t refused; /* not taken */
	struct mmsghdr messages[BURST];
	struct iovec parts[BURST];
	uint8_t frames[BURST][FRAME_MAX];
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "penstock-bench-publisher: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (uint64_t)at.tv_sec * NS_PER_SECOND + (uint64_t)at.tv_nsec;
}

static void put16(uint8_t *at, uint64_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint64_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint64_t number(const char *text, uint64_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > most) {
		errno = EINVAL;
		fail(text);
	}
	return value;
}

static void make_frame(uint8_t *frame, char **arguments, unsigned payload_bytes)
{
	uint8_t *ip = frame + BENCH_ETHERNET_BYTES, *udp = ip + BENCH_IPV4_BYTES, *rtp = udp + BENCH_UDP_BYTES;
	uint32_t sum = 0;

	if (sscanf(arguments[1], "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &frame[0], &frame[1], &frame[2], &frame[3], &frame[4],
		   &frame[5]) != 6)
		fail(arguments[1]);
	/* The source is nobody's: of all hands that it goes through, none looks at it. */
	frame[6] = 0x02;
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, BENCH_IPV4_BYTES + BENCH_UDP_BYTES + payload_bytes);
	put16(ip + 6, 0x4000); /* don't fragment */
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	if (inet_pton(AF_INET, arguments[2], ip + 12) != 1)
		fail(arguments[2]);
	if (inet_pton(AF_INET, arguments[3], ip + 16) != 1)
		fail(arguments[3]);
	for (unsigned i = 0; i < BENCH_IPV4_BYTES; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)));
	put16(udp, number(arguments[4], UINT16_MAX));
	put16(udp + 2, number(arguments[4], UINT16_MAX));
	put16(udp + 4, BENCH_UDP_BYTES + payload_bytes);
	rtp[0] = 0x80;
	rtp[1] = 96;
	put32(rtp + 8, 0x50454e53);
	for (unsigned i = BENCH_RTP_BYTES + sizeof(struct bench_stamp); i < payload_bytes; i++)
		rtp[i] = (uint8_t)(i * 7);
}

static void stamp(uint8_t *frame, uint64_t sequence, uint64_t now_ns)
{
	uint8_t *rtp = frame + HEADERS;
	struct bench_stamp mark = {BENCH_MAGIC, (uint32_t)(now_ns >> 32), (uint32_t)now_ns};

	put16(rtp + 2, sequence);
	put32(rtp + 4, now_ns / (NS_PER_SECOND / CLOCK_RATE));
	memcpy(frame + BENCH_STAMP_OFFSET, &mark, sizeof(mark));
}

static void send_some(struct publisher *p, unsigned count)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++)
		stamp(p->frames[i], p->made++, now_ns);
	while (done < count) {
		int some = sendmmsg(p->socket, p->messages + done, count - done, 0);

		if (some > 0) {
			done += (unsigned)some;
			p->sent += (unsigned)some;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			/* The interface takes no more: this one is lost, as on a full wire. */
			done++;
			p->refused++;
		} else if (errno != EINTR) {
			fail("a packet cannot be sent");
		}
	}
}

/* Behind its time it sends what is due at once, so that the number comes out right. */
static void publish(struct publisher *p, uint64_t packets_per_second, uint64_t milliseconds)
{
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC), end_ns = start_ns + milliseconds * 1000000;

	for (uint64_t now_ns = start_ns; now_ns < end_ns; now_ns = clock_ns(CLOCK_MONOTONIC)) {
		uint64_t due = BURST;

		if (packets_per_second > 0)
			due = (now_ns - start_ns) * packets_per_second / NS_PER_SECOND - p->made;
		if (due > 0)
			send_some(p, due < BURST ? (unsigned)due : BURST);
	}
}

static void open_socket(struct publisher *p, const char *interface)
{
	static struct sockaddr_ll target = {.sll_family = AF_PACKET};
	int one = 1;

	target.sll_ifindex = (int)if_nametoindex(interface);
	if (target.sll_ifindex == 0)
		fail(interface);
	/* Protocol 0: it receives nothing. */
	p->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->socket < 0 || setsockopt(p->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		fail("no packet socket");
	for (unsigned i = 0; i < BURST; i++) {
		p->messages[i].msg_hdr.msg_name = &target;
		p->messages[i].msg_hdr.msg_namelen = sizeof(target);
		p->messages[i].msg_hdr.msg_iov = &p->parts[i];
		p->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

int main(int argc, char **argv)
{
	static struct publisher p;
	uint64_t payload_bytes, began_ns;

	if (argc != 9) {
		fputs("usage: penstock-bench-publisher INTERFACE TARGET-MAC SOURCE TARGET PORT PAYLOAD-BYTES PACKETS-PER-SECOND "
		      "MILLISECONDS\n",
		      stderr);
		return 2;
	}
	payload_bytes = number(argv[6], FRAME_MAX - HEADERS);
	if (payload_bytes < BENCH_RTP_BYTES + sizeof(struct bench_stamp)) {
		errno = EINVAL;
		fail(argv[6]);
	}
	open_socket(&p, argv[1]);
	for (unsigned i = 0; i < BURST; i++) {
		make_frame(p.frames[i], argv + 1, (unsigned)payload_bytes);
		p.parts[i].iov_base = p.frames[i];
		p.parts[i].iov_len = HEADERS + payload_bytes;
	}
	began_ns = clock_ns(CLOCK_MONOTONIC);
	publish(&p, number(argv[7], UINT32_MAX), number(argv[8], UINT32_MAX));
	printf("{\"packets\":%llu,\"refused\":%llu,\"tookMs\":%.1f,\"cpuMs\":%.1f}\n", (unsigned long long)p.sent,
	       (unsigned long long)p.refused, (double)(clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e6,
	       (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e6);
	close(p.socket);
	return EXIT_SUCCESS;
}
