#include "rule_json.h"

#include "receiver_index.h"

#include <stdlib.h>

#define PORT_MAX 65535
#define VLAN_MAX 4094
#define TTL_DEFAULT 64
#define TTL_MAX 255
#define DSCP_MAX 63
#define PACKET_RATE_MAX INT64_C(1000000000)
#define BIT_RATE_LEAST 1000
#define BIT_RATE_MAX INT64_C(1000000000000)

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct {
	const char *name;
	uint8_t media;
} medias[] = {
	{"rtp", DIST_MEDIA_BIT(DIST_MEDIA_RTP)},
	{"rtcp", DIST_MEDIA_BIT(DIST_MEDIA_RTCP)},
	{"ts", DIST_MEDIA_BIT(DIST_MEDIA_TS)},
	{"any-media", DIST_MEDIA_ANY},
};

static bool read_source(const json_t *json, struct dist_match *match, struct dist_error *error)
{
	static const struct dist_field fields[] = {{"address", true}, {"port", false}};
	static const char path[] = "rule.match.source";
	int64_t port = 0;

	if (!dist_json_check(json, path, fields, COUNT(fields), error) ||
	    !dist_json_address(json, path, "address", &match->source, error) ||
	    !dist_json_integer(json, path, "port", 1, PORT_MAX, &port, error))
		return false;
	if (dist_address_is_multicast(&match->source) ||
	    dist_address_is_v4(&match->source) != dist_address_is_v4(&match->address))
		return dist_error_set(error, "VALUE_INVALID",
				      "%s.address must be of the family of rule.match.address, and not multicast", path);
	match->has_source = true;
	match->source_port = (uint16_t)port;
	return true;
}

static bool read_match(const json_t *json, struct dist_match *match, struct dist_error *error)
{
	static const struct dist_field fields[] = {{"address", true}, {"port", true}, {"vlan", false}, {"source", false}};
	static const char path[] = "rule.match";
	const json_t *source = json_object_get(json, "source");
	int64_t port = 0;
	int64_t vlan = DIST_VLAN_NONE;

	if (!dist_json_check(json, path, fields, COUNT(fields), error) ||
	    !dist_json_address(json, path, "address", &match->address, error) ||
	    !dist_json_integer(json, path, "port", 1, PORT_MAX, &port, error) ||
	    !dist_json_integer(json, path, "vlan", 1, VLAN_MAX, &vlan, error))
		return false;
	match->port = (uint16_t)port;
	match->vlan = (uint16_t)vlan;
	return source == NULL || read_source(source, match, error);
}

static bool read_media(const json_t *json, uint8_t *media, struct dist_error *error)
{
	const char *name = "";

	if (!dist_json_text(json, "rule", "media", strlen("any-media"), &name, error))
		return false;
	for (size_t i = 0; i < COUNT(medias); i++) {
		if (strcmp(name, medias[i].name) == 0) {
			*media = medias[i].media;
			return true;
		}
	}
	return dist_error_set(error, "VALUE_INVALID", "rule.media must be rtp, rtcp, ts or any-media");
}

static bool read_receiver(const json_t *json, const char *path, bool identity, struct dist_receiver_spec *receiver,
			  struct dist_error *error)
{
	static const struct dist_field identity_fields[] = {{"address", true}, {"port", true}, {"vlan", false}};
	static const struct dist_field fields[] = {
		{"address", true}, {"port", true},	  {"sourcePort", false},	  {"ttl", false},
		{"dscp", false},   {"vlan", false},	  {"maxPacketsPerSecond", false}, {"maxBitsPerSecond", false},
	};
	int64_t port = 0, source_port = 0, ttl = TTL_DEFAULT, dscp = 0, vlan = DIST_VLAN_NONE, packets = 0, bits = 0;

	if (!dist_json_check(json, path, identity ? identity_fields : fields,
			     identity ? COUNT(identity_fields) : COUNT(fields), error) ||
	    !dist_json_address(json, path, "address", &receiver->address, error) ||
	    !dist_json_integer(json, path, "port", 1, PORT_MAX, &port, error) ||
	    !dist_json_integer(json, path, "sourcePort", 1, PORT_MAX, &source_port, error) ||
	    !dist_json_integer(json, path, "ttl", 1, TTL_MAX, &ttl, error) ||
	    !dist_json_integer(json, path, "dscp", 0, DSCP_MAX, &dscp, error) ||
	    !dist_json_integer(json, path, "vlan", 1, VLAN_MAX, &vlan, error) ||
	    !dist_json_integer(json, path, "maxPacketsPerSecond", 1, PACKET_RATE_MAX, &packets, error) ||
	    !dist_json_integer(json, path, "maxBitsPerSecond", BIT_RATE_LEAST, BIT_RATE_MAX, &bits, error))
		return false;
	receiver->port = (uint16_t)port;
	receiver->source_port = (uint16_t)source_port;
	receiver->ttl = (uint8_t)ttl;
	receiver->dscp = (uint8_t)dscp;
	receiver->vlan = (uint16_t)vlan;
	receiver->max_packets_per_second = (uint64_t)packets;
	receiver->max_bits_per_second = (uint64_t)bits;
	return true;
}

static bool refuse_twice(const struct dist_receiver_spec *receivers, uint32_t count, const char *path,
			 struct dist_error *error)
{
	struct dist_receiver_index index;
	uint32_t twice;

	if (dist_receiver_index_build(&index, receivers, count, &twice)) {
		dist_receiver_index_free(&index);
		return true;
	}
	if (twice == DIST_RECEIVER_NOWHERE)
		return dist_error_set(error, "ENGINE_FAILED", "no memory for %u receivers", count);
	return dist_error_set(error, "VALUE_INVALID", "%s[%u] is the same receiver as one before it", path, twice);
}

bool dist_receivers_from_json(const json_t *json, const char *path, bool identity, uint32_t least,
			      struct dist_receiver_spec **receivers, uint32_t *count, struct dist_error *error)
{
	size_t length = json_array_size(json);

	*receivers = NULL;
	*count = 0;
	if (!json_is_array(json) || length < least)
		return dist_error_set(error, "VALUE_INVALID", "%s must be a list of %s receivers", path,
				      least > 0 ? "one or more" : "no, one or more");
	if (length == 0)
		return true;
	struct dist_receiver_spec *list = calloc(length, sizeof(*list));
	if (list == NULL)
		return dist_error_set(error, "ENGINE_FAILED", "no memory for %zu receivers", length);
	for (size_t i = 0; i < length; i++) {
		char at[DIST_JSON_PATH_BYTES];
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (!read_receiver(json_array_get(json, i), at, identity, &list[i], error)) {
			free(list);
			return false;
		}
	}
	if (!refuse_twice(list, (uint32_t)length, path, error)) {
		free(list);
		return false;
	}
	*receivers = list;
	*count = (uint32_t)length;
	return true;
}

bool dist_rule_from_json(const json_t *json, struct dist_rule_spec *rule, struct dist_error *error)
{
	static const struct dist_field fields[] = {
		{"name", true}, {"generation", true}, {"match", true}, {"media", true}, {"permanent", false}, {"receivers", true},
	};
	const char *name = "";
	int64_t generation = 0;

	*rule = (struct dist_rule_spec){0};
	if (!dist_json_check(json, "rule", fields, COUNT(fields), error) ||
	    !dist_json_name(json, "rule", "name", &name, error) ||
	    !dist_json_integer(json, "rule", "generation", 1, DIST_JSON_INTEGER_MAX, &generation, error) ||
	    !read_match(json_object_get(json, "match"), &rule->match, error) || !read_media(json, &rule->media, error) ||
	    !dist_json_boolean(json, "rule", "permanent", &rule->permanent, error))
		return false;
	strcpy(rule->name, name);
	rule->generation = (uint64_t)generation;
	return dist_receivers_from_json(json_object_get(json, "receivers"), "rule.receivers", false, 0, &rule->receivers,
					&rule->receiver_count, error);
}

void dist_rule_spec_clear(struct dist_rule_spec *rule)
{
	free(rule->receivers);
	rule->receivers = NULL;
	rule->receiver_count = 0;
}

static json_t *address_to_json(const struct dist_address *address)
{
	char text[DIST_ADDRESS_TEXT_BYTES];
	dist_address_format(address, text);
	return json_string(text);
}

/* Sets a number that is left out where it is 0. */
static void set_if_any(json_t *json, const char *key, uint64_t value)
{
	if (value != 0)
		json_object_set_new(json, key, json_integer((json_int_t)value));
}

json_t *dist_receiver_identity_to_json(const struct dist_receiver_spec *receiver)
{
	json_t *json = json_object();
	json_object_set_new(json, "address", address_to_json(&receiver->address));
	json_object_set_new(json, "port", json_integer(receiver->port));
	set_if_any(json, "vlan", receiver->vlan);
	return json;
}

static json_t *receiver_to_json(const struct dist_receiver_spec *receiver)
{
	json_t *json = dist_receiver_identity_to_json(receiver);
	set_if_any(json, "sourcePort", receiver->source_port);
	json_object_set_new(json, "ttl", json_integer(receiver->ttl));
	json_object_set_new(json, "dscp", json_integer(receiver->dscp));
	set_if_any(json, "maxPacketsPerSecond", receiver->max_packets_per_second);
	set_if_any(json, "maxBitsPerSecond", receiver->max_bits_per_second);
	return json;
}

static json_t *match_to_json(const struct dist_match *match)
{
	json_t *json = json_object();
	json_object_set_new(json, "address", address_to_json(&match->address));
	json_object_set_new(json, "port", json_integer(match->port));
	set_if_any(json, "vlan", match->vlan);
	if (match->has_source) {
		json_t *source = json_object();
		json_object_set_new(source, "address", address_to_json(&match->source));
		set_if_any(source, "port", match->source_port);
		json_object_set_new(json, "source", source);
	}
	return json;
}

static const char *media_name(uint8_t media)
{
	for (size_t i = 0; i < COUNT(medias); i++)
		if (medias[i].media == media)
			return medias[i].name;
	return "";
}

json_t *dist_rule_to_json(const struct dist_rule_spec *rule, bool with_receivers)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", json_string(rule->name));
	json_object_set_new(json, "generation", json_integer((json_int_t)rule->generation));
	json_object_set_new(json, "match", match_to_json(&rule->match));
	json_object_set_new(json, "media", json_string(media_name(rule->media)));
	json_object_set_new(json, "permanent", json_boolean(rule->permanent));
	if (!with_receivers) {
		json_object_set_new(json, "receivers", json_integer(rule->receiver_count));
		return json;
	}
	json_t *receivers = json_array();
	for (uint32_t i = 0; i < rule->receiver_count; i++)
		json_array_append_new(receivers, receiver_to_json(&rule->receivers[i]));
	json_object_set_new(json, "receivers", receivers);
	return json;
}
