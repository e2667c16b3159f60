/*
 * The parser and the classifier against the golden vectors; then each vector cut at every length and with every byte
 * turned, in memory of exactly its size: whatever comes, the view lies within the frame.
 */
#include "check.h"
#include "checksum.h"
#include "classify.h"
#include "packet.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

static bool address_is(const struct dist_address *address, const char *text)
{
	struct dist_address wanted;
	return dist_address_parse(text, &wanted) && dist_address_equal(address, &wanted);
}

static void check_view(const char *name, const json_t *view, const struct dist_packet *packet)
{
	json_int_t vlan = json_integer_value(json_object_get(view, "vlan"));
	const char *checksum = vectors_text(view, "udpChecksum");
	uint32_t sum = dist_checksum_add(0, packet->payload, packet->payload_length);

	CHECK(address_is(&packet->source, vectors_text(view, "source")), "%s", name);
	CHECK(address_is(&packet->destination, vectors_text(view, "destination")), "%s", name);
	CHECK(packet->source_port == json_integer_value(json_object_get(view, "sourcePort")), "%s", name);
	CHECK(packet->destination_port == json_integer_value(json_object_get(view, "destinationPort")), "%s", name);
	CHECK(packet->vlan == vlan, "%s: vlan is %u", name, packet->vlan);
	CHECK(packet->payload - packet->frame == json_integer_value(json_object_get(view, "payloadOffset")), "%s", name);
	CHECK(packet->payload_length == json_integer_value(json_object_get(view, "payloadLength")), "%s", name);
	CHECK(dist_packet_checksum_right(packet, sum) == (strcmp(checksum, "wrong") != 0), "%s: checksum is %s", name,
	      checksum);
}

static void check_vector(const json_t *vector)
{
	const char *name = vectors_text(vector, "name");
	const char *reason = vectors_text(vector, "reason");
	const json_t *view = json_object_get(vector, "view");
	struct dist_packet packet;
	size_t length;
	uint8_t *frame = vectors_bytes(vectors_text(vector, "frame"), &length);
	enum dist_drop_reason refused = dist_packet_parse(frame, length, &packet);

	CHECK((refused == DIST_DROP_NONE) == (view != NULL), "%s: %s", name,
	      refused == DIST_DROP_NONE ? "taken" : dist_drop_name(refused));
	if (refused != DIST_DROP_NONE) {
		CHECK(strcmp(dist_drop_name(refused), reason) == 0, "%s: refused for %s, not for %s", name,
		      dist_drop_name(refused), reason);
	} else if (view != NULL) {
		enum dist_media media = dist_classify(packet.payload, packet.payload_length);
		const char *wanted = reason[0] != '\0' ? "none" : vectors_text(vector, "class");
		CHECK(strcmp(dist_media_name(media), wanted) == 0, "%s: is %s, not %s", name, dist_media_name(media), wanted);
		check_view(name, view, &packet);
	}
	free(frame);
}

/* Parses bytes that lie at the end of their memory, and looks at all that the view names. */
static void check_total(const char *name, const uint8_t *bytes, size_t length)
{
	uint8_t *frame = malloc(length > 0 ? length : 1);
	struct dist_packet packet;

	memcpy(frame, bytes, length);
	enum dist_drop_reason refused = dist_packet_parse(frame, length, &packet);
	CHECK(refused <= DIST_DROP_NONE, "%s", name);
	if (refused == DIST_DROP_NONE) {
		CHECK(packet.payload >= frame && packet.payload + packet.payload_length <= frame + length, "%s", name);
		dist_classify(packet.payload, packet.payload_length);
		dist_packet_checksum_right(&packet, dist_checksum_add(0, packet.payload, packet.payload_length));
	}
	free(frame);
}

static void check_cut_and_turned(const json_t *vector)
{
	const char *name = vectors_text(vector, "name");
	size_t length;
	uint8_t *frame = vectors_bytes(vectors_text(vector, "frame"), &length);
	size_t headers = length < 100 ? length : 100;

	for (size_t cut = 0; cut < length; cut += cut < headers ? 1 : 61)
		check_total(name, frame, cut);
	for (size_t at = 0; at < headers; at++) {
		uint8_t kept = frame[at];
		for (unsigned bit = 0; bit < 8; bit++) {
			frame[at] = (uint8_t)(kept ^ 1u << bit);
			check_total(name, frame, length);
		}
		frame[at] = 0xff;
		check_total(name, frame, length);
		frame[at] = kept;
	}
	free(frame);
}

int main(void)
{
	json_t *vectors = vectors_load("packets.json");
	size_t i;
	json_t *vector;

	json_array_foreach (vectors, i, vector) {
		check_vector(vector);
		check_cut_and_turned(vector);
	}
	json_decref(vectors);
	CHECK_END();
}
