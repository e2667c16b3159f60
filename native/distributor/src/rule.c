#include "rule.h"

#include "frame.h"

#include <stdlib.h>

/* Zeroed memory on its own cache lines; `bytes` is rounded up to them. */
static void *aligned_zeroes(size_t bytes)
{
	size_t whole = (bytes + DIST_CACHE_LINE - 1) / DIST_CACHE_LINE * DIST_CACHE_LINE;
	void *memory = aligned_alloc(DIST_CACHE_LINE, whole);
	if (memory != NULL)
		memset(memory, 0, whole);
	return memory;
}

struct dist_rule_state *dist_rule_state_new(unsigned worker_count)
{
	struct dist_rule_state *state = calloc(1, sizeof(*state));
	if (state == NULL)
		return NULL;
	state->references = 1;
	state->stats = aligned_zeroes(worker_count * sizeof(*state->stats));
	if (state->stats == NULL) {
		free(state);
		return NULL;
	}
	return state;
}

void dist_rule_state_release(struct dist_rule_state *state)
{
	if (--state->references > 0)
		return;
	free(state->stats);
	free(state);
}

struct dist_receiver_state *dist_receiver_state_new(unsigned worker_count)
{
	struct dist_receiver_state *state = calloc(1, sizeof(*state));
	if (state == NULL)
		return NULL;
	state->references = 1;
	state->stats = aligned_zeroes(worker_count * sizeof(*state->stats));
	if (state->stats == NULL) {
		free(state);
		return NULL;
	}
	return state;
}

void dist_receiver_state_release(struct dist_receiver_state *state)
{
	if (--state->references > 0)
		return;
	free(state->stats);
	free(state);
}

static void build_receiver(struct dist_receiver *receiver, const struct dist_rule_spec *rule,
			   const struct dist_receiver_spec *spec, struct dist_receiver_state *state,
			   dist_link_find *find, void *engine)
{
	struct dist_link link = {0};

	receiver->is_v4 = dist_address_is_v4(&spec->address);
	receiver->resolved = find(engine, &rule->match, spec, &link);
	if (receiver->resolved)
		dist_frame_template(receiver, spec, &link, rule->match.port);
	receiver->port = link.port;
	receiver->state = state;
	receiver->stats = state->stats;
	state->references++;
	receiver->packet_rate = dist_rate_of_packets(spec->max_packets_per_second);
	receiver->bit_rate = dist_rate_of_bits(spec->max_bits_per_second);
	dist_address_to_sockaddr(&spec->address, spec->port, &receiver->sockaddr);
	receiver->ttl = spec->ttl;
	receiver->dscp = spec->dscp;
}

struct dist_rule *dist_rule_build(const struct dist_rule_spec *spec, struct dist_rule_state *state,
				  struct dist_receiver_state *const *states, struct dist_capture *capture,
				  const struct dist_rule_reuse *reuse, dist_link_find *find, void *engine)
{
	struct dist_rule *rule =
		aligned_zeroes(sizeof(struct dist_rule) + spec->receiver_count * sizeof(struct dist_receiver));
	if (rule == NULL)
		return NULL;
	rule->state = state;
	state->references++;
	rule->capture = capture;
	rule->key = dist_flow_key(&spec->match.address, spec->match.port, spec->match.vlan);
	rule->media = spec->media;
	rule->has_source = spec->match.has_source;
	rule->source = spec->match.source;
	rule->source_port = spec->match.source_port;
	rule->receiver_count = spec->receiver_count;
	for (uint32_t i = 0; i < spec->receiver_count; i++) {
		uint32_t at = reuse == NULL || reuse->rule == NULL ? DIST_RECEIVER_NOWHERE
			      : reuse->positions == NULL	  ? i
								  : reuse->positions[i];
		if (at == DIST_RECEIVER_NOWHERE) {
			build_receiver(&rule->receivers[i], spec, &spec->receivers[i], states[i], find, engine);
		} else {
			rule->receivers[i] = reuse->rule->receivers[at];
			states[i]->references++;
		}
	}
	return rule;
}

void dist_rule_free(struct dist_rule *rule)
{
	if (rule == NULL)
		return;
	for (uint32_t i = 0; i < rule->receiver_count; i++)
		dist_receiver_state_release(rule->receivers[i].state);
	dist_rule_state_release(rule->state);
	free(rule);
}

bool dist_receiver_spec_same(const struct dist_receiver_spec *a, const struct dist_receiver_spec *b)
{
	return a->port == b->port && a->vlan == b->vlan && dist_address_equal(&a->address, &b->address);
}

enum dist_drop_reason dist_receiver_admit(const struct dist_receiver *receiver, uint16_t payload_length, uint64_t now_ns)
{
	struct dist_receiver_state *state = receiver->state;
	uint64_t packet_cost = dist_rate_packet_cost(&receiver->packet_rate);

	if (!dist_bucket_admit(&state->packets, &receiver->packet_rate, packet_cost, now_ns))
		return DIST_DROP_PACKET_RATE;
	if (!dist_bucket_admit(&state->bits, &receiver->bit_rate,
			       dist_rate_byte_cost(&receiver->bit_rate, payload_length), now_ns)) {
		dist_bucket_refund(&state->packets, packet_cost);
		return DIST_DROP_BIT_RATE;
	}
	return DIST_DROP_NONE;
}
