/* Frames out, byte by byte, against the golden vectors. */
#include "check.h"
#include "classify.h"
#include "control/rule_json.h"
#include "frame.h"
#include "vectors.h"

#include <stdlib.h>

static void read_mac(const char *text, uint8_t mac[6])
{
	sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]);
}

/* RFC 1112 and RFC 2464: what neighbours.h does in the engine. */
static void group_mac(const struct dist_address *group, uint8_t mac[6])
{
	if (dist_address_is_v4(group)) {
		memcpy(mac, (uint8_t[]){0x01, 0x00, 0x5e}, 3);
		memcpy(mac + 3, group->bytes + 13, 3);
		mac[3] &= 0x7f;
	} else {
		memcpy(mac, (uint8_t[]){0x33, 0x33}, 2);
		memcpy(mac + 2, group->bytes + 12, 4);
	}
}

static bool find_link(void *context, const struct dist_match *match, const struct dist_receiver_spec *receiver,
		      struct dist_link *link)
{
	const json_t *vector = context;
	const json_t *port = json_object_get(vector, "port");
	(void)match;

	read_mac(vectors_text(port, "mac"), link->source_mac);
	if (dist_address_is_multicast(&receiver->address))
		group_mac(&receiver->address, link->destination_mac);
	else
		read_mac(vectors_text(vector, "nextHop"), link->destination_mac);
	dist_address_parse(vectors_text(port, dist_address_is_v4(&receiver->address) ? "ipv4" : "ipv6"), &link->source);
	link->mtu = (uint16_t)json_integer_value(json_object_get(port, "mtu"));
	return true;
}

/* What becomes of the packet: a reason, or the frame in `out`. */
static enum dist_drop_reason forward(const struct dist_rule *rule, const uint8_t *received, size_t length, uint8_t *out,
				     size_t *out_length)
{
	const struct dist_receiver *receiver = &rule->receivers[0];
	struct dist_packet packet;
	enum dist_drop_reason reason = dist_packet_parse(received, length, &packet);

	if (reason != DIST_DROP_NONE)
		return reason;
	enum dist_media media = dist_classify(packet.payload, packet.payload_length);
	struct dist_flow_key key = dist_flow_key(&packet.destination, packet.destination_port, packet.vlan);
	if (media == DIST_MEDIA_NONE)
		return DIST_DROP_NO_MEDIA;
	if (memcmp(&key, &rule->key, sizeof(key)) != 0)
		return DIST_DROP_NO_RULE;
	if (!dist_rule_takes_source(rule, &packet))
		return DIST_DROP_WRONG_SOURCE;
	if (!dist_rule_takes_media(rule, media))
		return DIST_DROP_WRONG_MEDIA;
	uint32_t sum = dist_checksum_add(0, packet.payload, packet.payload_length);
	if (!dist_packet_checksum_right(&packet, sum))
		return DIST_DROP_CHECKSUM;
	if (packet.payload_length > receiver->max_payload)
		return DIST_DROP_TOO_LARGE;
	dist_frame_stamp(receiver, packet.payload_length, sum, 0, out);
	memcpy(out + receiver->header_length, packet.payload, packet.payload_length);
	*out_length = (size_t)receiver->header_length + packet.payload_length;
	return DIST_DROP_NONE;
}

static void check_vector(json_t *vector)
{
	static uint8_t out[65536];
	const char *name = vectors_text(vector, "name");
	struct dist_rule_spec spec;
	struct dist_error error;
	size_t received_length, wanted_length, out_length = 0;
	uint8_t *received = vectors_bytes(vectors_text(vector, "received"), &received_length);
	uint8_t *wanted = vectors_bytes(vectors_text(vector, "frame"), &wanted_length);

	if (!dist_rule_from_json(json_object_get(vector, "rule"), &spec, &error)) {
		CHECK(false, "%s: %s %s", name, error.code, error.text);
		return;
	}
	struct dist_rule_state *state = dist_rule_state_new(1);
	struct dist_receiver_state *receiver_state = dist_receiver_state_new(1);
	struct dist_rule *rule = dist_rule_build(&spec, state, &receiver_state, NULL, NULL, find_link, vector);
	enum dist_drop_reason reason = forward(rule, received, received_length, out, &out_length);
	const char *got = reason == DIST_DROP_NONE ? "" : dist_drop_name(reason);
	CHECK(strcmp(got, vectors_text(vector, "reason")) == 0, "%s: '%s' instead of '%s'", name, got,
	      vectors_text(vector, "reason"));
	if (reason == DIST_DROP_NONE) {
		CHECK(out_length == wanted_length, "%s: %zu bytes instead of %zu", name, out_length, wanted_length);
		for (size_t i = 0; i < out_length && i < wanted_length; i++)
			CHECK(out[i] == wanted[i], "%s: byte %zu is %02x, not %02x", name, i, out[i], wanted[i]);
	}
	dist_rule_free(rule);
	dist_rule_state_release(state);
	dist_receiver_state_release(receiver_state);
	dist_rule_spec_clear(&spec);
	free(received);
	free(wanted);
}

int main(void)
{
	json_t *vectors = vectors_load("rewrites.json");
	size_t i;
	json_t *vector;

	json_array_foreach (vectors, i, vector)
		check_vector(vector);
	json_decref(vectors);
	CHECK_END();
}
