/**
 * A rule twice: as the control plane wrote it (`struct dist_rule_spec`, plain values, changed by the control thread
 * alone), and as workers read it (`struct dist_rule`, one block of memory, never changed after it is published). A change
 * builds a new `dist_rule`, publishes it in the rule table, waits until no worker reads the old one, and frees that.
 * What must outlive a change (counters, token buckets) lies in states that both the old and the new rule point to.
 */
#ifndef DIST_RULE_H
#define DIST_RULE_H

#include "address.h"
#include "classify.h"
#include "error.h"
#include "packet.h"
#include "pacing.h"
#include "stats.h"

#include <arpa/inet.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

struct dist_capture;

#define DIST_RULE_NAME_MAX 128
/** Ethernet 14, VLAN 4, IPv6 40, UDP 8. */
#define DIST_HEADER_MAX 66

/** The limits that `hello` tells. */
#define DIST_RULES_MAX 4096
#define DIST_RULE_RECEIVERS_MAX 16384
#define DIST_RECEIVERS_MAX 65536

/**
 * What the rule table looks up: 20 bytes without gaps, so that it can be hashed and compared as memory. The same layout as
 * struct flow_key of bpf/flow.h.
 */
struct dist_flow_key {
	struct dist_address destination;
	uint16_t port_be; /* network order, as it lies in the packet */
	uint16_t vlan_be; /* network order, DIST_VLAN_NONE: packets without a tag */
};
_Static_assert(sizeof(struct dist_flow_key) == 20, "a flow key is hashed as memory and must have no gap");

static inline struct dist_flow_key dist_flow_key(const struct dist_address *destination, uint16_t port, uint16_t vlan)
{
	return (struct dist_flow_key){.destination = *destination, .port_be = htons(port), .vlan_be = htons(vlan)};
}

/** A receiver as the control plane wrote it. Address, port and VLAN tell receivers of one rule apart. */
struct dist_receiver_spec {
	struct dist_address address;
	uint16_t port;
	uint16_t source_port; /* 0: the rule's own port */
	uint16_t vlan;        /* DIST_VLAN_NONE: untagged */
	uint8_t ttl;
	uint8_t dscp;
	uint64_t max_packets_per_second; /* 0: no limit */
	uint64_t max_bits_per_second;    /* of UDP payload; 0: no limit */
};

/** What of a packet a rule is for. */
struct dist_match {
	struct dist_address address;
	uint16_t port;
	uint16_t vlan;
	bool has_source;
	struct dist_address source;
	uint16_t source_port; /* 0: any port of the source */
};

struct dist_rule_spec {
	char name[DIST_RULE_NAME_MAX + 1];
	struct dist_match match;
	uint8_t media; /* set of DIST_MEDIA_BIT */
	bool permanent;
	uint64_t generation;
	uint32_t receiver_count;
	struct dist_receiver_spec *receivers; /* owned */
};

/** What outlives changes of a rule or a receiver. Counted references, kept by the control thread alone. */
struct dist_rule_state {
	uint32_t references;
	struct dist_rule_stats *stats; /* one a worker */
};
struct dist_receiver_state {
	uint32_t references;
	struct dist_bucket packets;
	struct dist_bucket bits;
	struct dist_receiver_stats *stats; /* one a worker */
};

struct dist_rule_state *dist_rule_state_new(unsigned worker_count);
void dist_rule_state_release(struct dist_rule_state *state);
struct dist_receiver_state *dist_receiver_state_new(unsigned worker_count);
void dist_receiver_state_release(struct dist_receiver_state *state);

/** How frames reach a receiver: the engine's knowledge. The sockets engine fills `mtu` and `port` alone. */
struct dist_link {
	uint8_t destination_mac[6];
	uint8_t source_mac[6];
	struct dist_address source; /* the address that the packets come from */
	uint16_t mtu;               /* of the link, in bytes of IP packet */
	uint32_t port;              /* the engine's number of the port, or the socket, to send by */
};

/** A receiver as workers read it. The first two cache lines are all that sending by DPDK touches. */
struct dist_receiver {
	alignas(DIST_CACHE_LINE) uint8_t header[DIST_HEADER_MAX]; /* template; lengths, id and checksums are 0 */
	uint8_t header_length;                                    /* 42, 46, 62 or 66 */
	uint8_t ip_offset;                                        /* 14 or 18 */
	uint32_t ip_sum;                                          /* of the template's IPv4 header; 0 for IPv6 */
	uint32_t udp_sum;                                         /* of pseudo-header and ports, without lengths */
	uint16_t max_payload;                                     /* what the link's MTU leaves */
	uint32_t port;                                            /* the engine's number of the port, or the socket */
	bool is_v4;
	bool resolved;                                            /* false: count no-neighbour, send nothing */
	struct dist_receiver_state *state;
	struct dist_receiver_stats *stats; /* of the state: one a worker */
	struct dist_rate packet_rate;
	struct dist_rate bit_rate;
	/* For the sockets engine: */
	union dist_sockaddr sockaddr;
	uint16_t source_port; /* host order */
	uint8_t ttl;
	uint8_t dscp;
};

/** A rule as workers read it. */
struct dist_rule {
	struct dist_rule_state *state;
	struct dist_capture *capture; /* NULL while nobody captures */
	struct dist_flow_key key;
	uint8_t media; /* set of DIST_MEDIA_BIT */
	bool has_source;
	uint16_t source_port; /* host order; 0: any */
	struct dist_address source;
	uint32_t receiver_count;
	struct dist_receiver receivers[];
};

/** Does the rule take packets from where this one comes from? Hot path. */
static inline bool dist_rule_takes_source(const struct dist_rule *rule, const struct dist_packet *packet)
{
	return !rule->has_source || (dist_address_equal(&rule->source, &packet->source) &&
				     (rule->source_port == 0 || rule->source_port == packet->source_port));
}

/** Does the rule want this kind of media? Hot path. */
static inline bool dist_rule_takes_media(const struct dist_rule *rule, enum dist_media media)
{
	return (rule->media & DIST_MEDIA_BIT(media)) != 0;
}

/** Takes from the receiver's buckets what a packet costs, or names the limit. Hot path: no lock, at most two words. */
enum dist_drop_reason dist_receiver_admit(const struct dist_receiver *receiver, uint16_t payload_length, uint64_t now_ns);

/**
 * Tells the link to a receiver of a rule, as it is now; false while it is unresolved. The engine's part (engine.h), called
 * by the control thread for each receiver of a rule that is built.
 */
typedef bool dist_link_find(void *engine, const struct dist_match *match, const struct dist_receiver_spec *receiver,
			    struct dist_link *link);

/** What of a rule that was built before can be taken over. */
struct dist_rule_reuse {
	const struct dist_rule *rule; /* NULL: nothing */
	const uint32_t *positions;    /* where receiver i is in that rule, or DIST_RECEIVER_NOWHERE; NULL: at i */
};
#define DIST_RECEIVER_NOWHERE UINT32_MAX

/**
 * Builds a rule. `states[i]` belongs to receiver i; the rule takes a reference on each state. Receivers that stay as they
 * are are copied, so that a change costs little more than what changes. NULL without memory.
 */
struct dist_rule *dist_rule_build(const struct dist_rule_spec *spec, struct dist_rule_state *state,
				  struct dist_receiver_state *const *states, struct dist_capture *capture,
				  const struct dist_rule_reuse *reuse, dist_link_find *find, void *engine);
/** Releases the states and frees the block. No worker may read it any more. */
void dist_rule_free(struct dist_rule *rule);

/** Are these the same receiver (address, port and VLAN)? */
bool dist_receiver_spec_same(const struct dist_receiver_spec *a, const struct dist_receiver_spec *b);

#endif
