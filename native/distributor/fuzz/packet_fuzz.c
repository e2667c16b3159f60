/*
 * Any bytes as a frame. What the parser takes lies within the frame; what is media is sent to one receiver of each shape,
 * and what leaves is read back: the same payload, its checksums right.
 */
#include "checksum.h"
#include "classify.h"
#include "frame.h"
#include "packet.h"

#include <stdlib.h>

#define ASSERT(what)                                                                                                    \
	do {                                                                                                             \
		if (!(what))                                                                                             \
			abort();                                                                                         \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_sent(const struct dist_packet *in, bool to_v4, uint16_t vlan)
{
	static uint8_t out[DIST_HEADER_MAX + UINT16_MAX];
	struct dist_receiver_spec spec = {.port = 6000, .vlan = vlan, .ttl = 64, .dscp = 34};
	struct dist_link link = {.mtu = UINT16_MAX};
	struct dist_receiver receiver;
	struct dist_packet back;

	dist_address_parse(to_v4 ? "10.78.0.2" : "fd00:78::2", &spec.address);
	dist_address_parse(to_v4 ? "10.78.0.1" : "fd00:78::1", &link.source);
	dist_frame_template(&receiver, &spec, &link, in->destination_port);
	if (in->payload_length > receiver.max_payload)
		return;
	uint32_t sum = dist_checksum_add(0, in->payload, in->payload_length);
	dist_frame_stamp(&receiver, in->payload_length, sum, 0, out);
	memcpy(out + receiver.header_length, in->payload, in->payload_length);
	ASSERT(dist_packet_parse(out, (size_t)receiver.header_length + in->payload_length, &back) == DIST_DROP_NONE);
	ASSERT(back.payload_length == in->payload_length && memcmp(back.payload, in->payload, in->payload_length) == 0);
	ASSERT(back.udp_checksum != 0 && dist_packet_checksum_right(&back, sum));
	ASSERT(dist_address_equal(&back.destination, &spec.address) && back.destination_port == 6000 && back.vlan == vlan);
}

static enum dist_drop_reason take(const uint8_t *frame, size_t length)
{
	struct dist_packet packet;
	enum dist_drop_reason reason = dist_packet_parse(frame, length, &packet);

	if (reason != DIST_DROP_NONE)
		return reason;
	ASSERT(packet.payload >= frame && packet.payload + packet.payload_length <= frame + length);
	dist_packet_checksum_right(&packet, dist_checksum_add(0, packet.payload, packet.payload_length));
	if (dist_classify(packet.payload, packet.payload_length) == DIST_MEDIA_NONE)
		return DIST_DROP_NO_MEDIA;
	check_sent(&packet, true, DIST_VLAN_NONE);
	check_sent(&packet, false, 7);
	return DIST_DROP_NONE;
}

/* A fuzzer does not hit on a checksum: the header's is made right, and the frame looked at again. */
static void take_mended(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = malloc(length);
	size_t ip = frame != NULL && bytes[12] == 0x81 ? 18 : 14;

	ASSERT(frame != NULL);
	memcpy(frame, bytes, length);
	memset(frame + ip + 10, 0, 2);
	uint16_t checksum = dist_checksum_ip(dist_checksum_add(0, frame + ip, 20));
	memcpy(frame + ip + 10, &checksum, 2);
	take(frame, length);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (take(bytes, length) == DIST_DROP_IP_CHECKSUM)
		take_mended(bytes, length);
	return 0;
}
