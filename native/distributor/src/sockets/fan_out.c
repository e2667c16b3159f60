#include "fan_out.h"

#include "clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <time.h>

/* The kernel's bounds of one message: UDP_MAX_SEGMENTS of older kernels, and 64 KiB with its headers. */
#define GROUP_PACKETS_MAX 64
#define GROUP_BYTES_MAX 65000

uint16_t dist_segment_groups(const struct iovec *payloads, uint16_t count, struct dist_segment_group *groups)
{
	uint16_t made = 0;

	for (uint16_t at = 0; at < count;) {
		struct dist_segment_group *group = &groups[made++];
		*group = (struct dist_segment_group){
			.first = at, .count = 1, .segment = (uint16_t)payloads[at].iov_len, .bytes = (uint32_t)payloads[at].iov_len};
		at++;
		/* A packet without payload cannot be a segment; a shorter one ends its group. */
		while (at < count && group->count < GROUP_PACKETS_MAX && payloads[at].iov_len > 0 &&
		       payloads[at].iov_len <= group->segment && group->bytes + payloads[at].iov_len <= GROUP_BYTES_MAX) {
			bool shorter = payloads[at].iov_len < group->segment;
			group->bytes += (uint32_t)payloads[at].iov_len;
			group->count++;
			at++;
			if (shorter)
				break;
		}
	}
	return made;
}

/* ---- One message */

static struct cmsghdr *put_control(struct cmsghdr *at, int level, int type, const void *value, size_t length)
{
	at->cmsg_level = level;
	at->cmsg_type = type;
	at->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(at), value, length);
	return (struct cmsghdr *)((uint8_t *)at + CMSG_SPACE(length));
}

/* What differs from the socket's defaults. Gives the length. */
static size_t fill_control(uint8_t *control, const struct dist_receiver *receiver, const struct dist_segment_group *group)
{
	struct cmsghdr *first = (struct cmsghdr *)control;
	struct cmsghdr *at = first;
	int ttl = receiver->ttl;
	int traffic_class = receiver->dscp << 2;

	if (ttl != DIST_SENDER_TTL)
		at = receiver->is_v4 ? put_control(at, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl))
				     : put_control(at, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (traffic_class != 0)
		at = receiver->is_v4 ? put_control(at, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class))
				     : put_control(at, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class));
	if (group->count > 1)
		at = put_control(at, SOL_UDP, UDP_SEGMENT, &group->segment, sizeof(group->segment));
	return (size_t)((uint8_t *)at - (uint8_t *)first);
}

static void fill_message(struct dist_fan_out *fan_out, struct msghdr *header, uint8_t *control,
			 const struct dist_receiver *receiver, const struct dist_segment_group *group)
{
	header->msg_name = (void *)&receiver->sockaddr;
	header->msg_namelen = receiver->is_v4 ? sizeof(receiver->sockaddr.v4) : sizeof(receiver->sockaddr.v6);
	header->msg_iov = &fan_out->payloads[group->first];
	header->msg_iovlen = group->count;
	header->msg_controllen = fill_control(control, receiver, group);
	header->msg_control = header->msg_controllen > 0 ? control : NULL;
	header->msg_flags = 0;
}

static enum dist_drop_reason reason_of(int error)
{
	switch (error) {
	case EMSGSIZE:
		return DIST_DROP_TOO_LARGE;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
		return DIST_DROP_NO_NEIGHBOUR;
	case EAGAIN:
	case ENOBUFS:
		return DIST_DROP_QUEUE_FULL;
	case ENOMEM:
		return DIST_DROP_NO_BUFFER;
	default:
		return DIST_DROP_SEND_FAILED;
	}
}

/* ---- Counting */

static void count_sent(struct dist_fan_out *fan_out, const struct dist_receiver *receiver, unsigned worker,
		       uint64_t packets, uint64_t bytes)
{
	dist_traffic_add(&fan_out->stats->sent, packets, bytes);
	dist_traffic_add(&fan_out->rule_stats->sent, packets, bytes);
	dist_traffic_add(&receiver->stats[worker].sent, packets, bytes);
}

static void count_dropped(struct dist_fan_out *fan_out, const struct dist_receiver *receiver, unsigned worker,
			  enum dist_drop_reason reason, uint16_t packets)
{
	for (uint16_t i = 0; i < packets; i++)
		dist_drop_copy(fan_out->stats, fan_out->rule_stats, &receiver->stats[worker], reason);
}

/* ---- Bursts */

/* The packets of a message that the kernel refused as a whole, one by one. */
static void send_one_by_one(struct dist_fan_out *fan_out, const struct dist_burst_message *message, unsigned worker)
{
	for (uint16_t i = 0; i < message->group.count; i++) {
		uint16_t at = (uint16_t)(message->group.first + i);
		struct dist_segment_group one = {.first = at, .count = 1};
		alignas(struct cmsghdr) uint8_t control[DIST_CONTROL_BYTES];
		struct msghdr header = {0};
		ssize_t sent;

		fill_message(fan_out, &header, control, message->receiver, &one);
		do
			sent = sendmsg(fan_out->sender->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (sent < 0 && errno == EINTR);
		if (sent >= 0)
			count_sent(fan_out, message->receiver, worker, 1, fan_out->payloads[at].iov_len);
		else
			count_dropped(fan_out, message->receiver, worker, reason_of(errno), 1);
	}
}

/* The kernel took none of message `at`. Gives how many messages are done with. */
static uint16_t handle_refusal(struct dist_fan_out *fan_out, uint16_t at, unsigned worker, int error)
{
	const struct dist_burst_message *message = &fan_out->burst[at];

	if (error == EINTR)
		return 0;
	if (error == EAGAIN) { /* the socket is full: what is left of the burst would only be asked for nothing */
		for (uint16_t i = at; i < fan_out->message_count; i++)
			count_dropped(fan_out, fan_out->burst[i].receiver, worker, DIST_DROP_QUEUE_FULL,
				      fan_out->burst[i].group.count);
		return (uint16_t)(fan_out->message_count - at);
	}
	if (message->group.count > 1) {
		if (error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT)
			fan_out->sender->segments = false; /* the device cannot take a checksum, or the kernel lacks it */
		send_one_by_one(fan_out, message, worker);
		return 1;
	}
	count_dropped(fan_out, message->receiver, worker, reason_of(error), 1);
	return 1;
}

/*
 * Holds a message back while the port's rate is used up: what comes in meanwhile waits in the kernel. False where that would
 * take longer than a batch may: control must not wait for us.
 */
static bool wait_for_port(struct dist_fan_out *fan_out, uint32_t bytes)
{
	uint64_t cost = dist_rate_byte_cost(&fan_out->port_rate, bytes);
	uint64_t now_ns = dist_clock_now_ns();

	while (!dist_bucket_admit(&fan_out->port_bucket, &fan_out->port_rate, cost, now_ns)) {
		uint64_t wait_ns = dist_bucket_wait_ns(&fan_out->port_bucket, &fan_out->port_rate, cost, now_ns);
		if (now_ns + wait_ns > fan_out->wait_until_ns)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = (long)wait_ns}, NULL); /* DIST_PORT_WAIT_NS at most */
		now_ns = dist_clock_now_ns();
	}
	return true;
}

static void flush(struct dist_fan_out *fan_out, unsigned worker)
{
	bool paced = fan_out->port_rate.cost != 0;
	uint16_t at = 0;

	while (at < fan_out->message_count) {
		if (paced && !wait_for_port(fan_out, fan_out->burst[at].group.bytes)) {
			count_dropped(fan_out, fan_out->burst[at].receiver, worker, DIST_DROP_QUEUE_FULL,
				      fan_out->burst[at].group.count);
			at++;
			continue;
		}
		int taken = sendmmsg(fan_out->sender->fd, fan_out->messages + at, paced ? 1 : fan_out->message_count - at,
				     MSG_DONTWAIT | MSG_NOSIGNAL);
		if (taken <= 0) {
			at = (uint16_t)(at + handle_refusal(fan_out, at, worker, errno));
			continue;
		}
		for (int i = 0; i < taken; i++, at++)
			count_sent(fan_out, fan_out->burst[at].receiver, worker, fan_out->burst[at].group.count,
				   fan_out->burst[at].group.bytes);
	}
	fan_out->message_count = 0;
}

static void add_message(struct dist_fan_out *fan_out, const struct dist_receiver *receiver,
			const struct dist_segment_group *group, unsigned worker)
{
	struct dist_sender *sender = &fan_out->senders->places[receiver->port];

	if (sender != fan_out->sender || fan_out->message_count == DIST_BURST_MESSAGES) {
		flush(fan_out, worker);
		fan_out->sender = sender;
	}
	uint16_t at = fan_out->message_count++;
	fan_out->burst[at] = (struct dist_burst_message){.receiver = receiver, .group = *group};
	fill_message(fan_out, &fan_out->messages[at].msg_hdr, fan_out->controls[at], receiver, group);
}

/* To a receiver with a limit, or where segments do not work: packet by packet. */
static void add_singly(struct dist_fan_out *fan_out, const struct dist_receiver *receiver, unsigned worker, uint64_t now_ns)
{
	for (uint16_t i = 0; i < fan_out->packet_count; i++) {
		uint16_t length = (uint16_t)fan_out->payloads[i].iov_len;
		enum dist_drop_reason reason = dist_receiver_admit(receiver, length, now_ns);
		struct dist_segment_group one = {.first = i, .count = 1, .segment = length, .bytes = length};

		if (reason == DIST_DROP_NONE)
			add_message(fan_out, receiver, &one, worker);
		else
			count_dropped(fan_out, receiver, worker, reason, 1);
	}
}

void dist_fan_out_send(struct dist_fan_out *fan_out, const struct dist_rule *rule, unsigned worker, uint64_t now_ns)
{
	struct dist_segment_group groups[DIST_BATCH_PACKETS];
	uint16_t group_count = dist_segment_groups(fan_out->payloads, fan_out->packet_count, groups);

	fan_out->rule_stats = &rule->state->stats[worker];
	fan_out->wait_until_ns = now_ns + DIST_PORT_WAIT_NS;
	fan_out->sender = NULL;
	for (uint32_t i = 0; i < rule->receiver_count; i++) {
		const struct dist_receiver *receiver = &rule->receivers[i];
		bool limited = receiver->packet_rate.cost != 0 || receiver->bit_rate.cost != 0;

		if (limited || !fan_out->senders->places[receiver->port].segments) {
			add_singly(fan_out, receiver, worker, now_ns);
			continue;
		}
		for (uint16_t group = 0; group < group_count; group++)
			add_message(fan_out, receiver, &groups[group], worker);
	}
	flush(fan_out, worker);
}
