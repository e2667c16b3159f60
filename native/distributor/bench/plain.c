/*
 * penstock-bench-plain: what somebody writes who distributes with sockets and means it: packets are taken a few dozen at
 * a time by recvmmsg, and all their copies handed over by sendmmsg, up to a thousand at a time. No rules, no counters, no
 * checks; one thread.
 *
 *   penstock-bench-plain ADDRESS PORT FIRST-RECEIVER RECEIVERS RECEIVER-PORT
 *
 * Receivers have addresses one after the other. Says `ready`, and ends by a signal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define IN_BURST 32
#define OUT_BURST 1024
#define PACKET_MAX 2048
#define RECEIVERS_MAX 1000
#define BUFFER_BYTES (8 << 20)

static uint8_t packets[IN_BURST][PACKET_MAX];
static struct mmsghdr in[IN_BURST], out[OUT_BURST];
static struct iovec in_parts[IN_BURST];
static struct sockaddr_in receivers[RECEIVERS_MAX];

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "penstock-bench-plain: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static struct sockaddr_in endpoint(const char *address, const char *port)
{
	struct sockaddr_in made = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, address, &made.sin_addr) != 1)
		fail(address);
	return made;
}

static void send_all(int fd, unsigned count)
{
	for (unsigned done = 0; done < count;) {
		int some = sendmmsg(fd, out + done, count - done, 0);

		if (some > 0)
			done += (unsigned)some;
		else if (errno != EINTR)
			done++;
	}
}

static void distribute(int fd, unsigned taken, unsigned receiver_count)
{
	unsigned count = 0;

	for (unsigned i = 0; i < taken; i++) {
		in_parts[i].iov_len = in[i].msg_len;
		for (unsigned r = 0; r < receiver_count; r++) {
			out[count].msg_hdr.msg_name = &receivers[r];
			out[count].msg_hdr.msg_namelen = sizeof(receivers[r]);
			out[count].msg_hdr.msg_iov = &in_parts[i];
			out[count].msg_hdr.msg_iovlen = 1;
			if (++count == OUT_BURST) {
				send_all(fd, count);
				count = 0;
			}
		}
	}
	send_all(fd, count);
	for (unsigned i = 0; i < taken; i++)
		in_parts[i].iov_len = PACKET_MAX;
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = BUFFER_BYTES;
	unsigned receiver_count;
	struct sockaddr_in own;

	if (argc != 6 || (receiver_count = (unsigned)atoi(argv[4])) < 1 || receiver_count > RECEIVERS_MAX) {
		fputs("usage: penstock-bench-plain ADDRESS PORT FIRST-RECEIVER RECEIVERS RECEIVER-PORT\n", stderr);
		return 2;
	}
	own = endpoint(argv[1], argv[2]);
	for (unsigned r = 0; r < receiver_count; r++) {
		receivers[r] = endpoint(argv[3], argv[5]);
		receivers[r].sin_addr.s_addr = htonl(ntohl(receivers[r].sin_addr.s_addr) + r);
	}
	for (unsigned i = 0; i < IN_BURST; i++) {
		in_parts[i].iov_base = packets[i];
		in_parts[i].iov_len = PACKET_MAX;
		in[i].msg_hdr.msg_iov = &in_parts[i];
		in[i].msg_hdr.msg_iovlen = 1;
	}
	/* As large as the distributor's own. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		fail("no socket with large buffers");
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		fail(argv[1]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int taken = recvmmsg(fd, in, IN_BURST, MSG_WAITFORONE, NULL);

		if (taken > 0)
			distribute(fd, (unsigned)taken, receiver_count);
		else if (errno != EINTR)
			fail("nothing can be received");
	}
}
