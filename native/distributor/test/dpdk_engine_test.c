/*
 * The engine `dpdk` from a file to a file (net_pcap: no rights, no hugepages): every frame that comes out is read again by
 * the parser that reads frames in, and its checksums, addresses and payload are compared.
 *
 *   dpdk_engine_test copy|reference|paced
 */
#include "engine.h"

#include "check.h"
#include "checksum.h"
#include "clock.h"
#include "log.h"
#include "own_network.h"
#include "packet.h"

#include <arpa/inet.h>
#include <unistd.h>

#define PACKETS 500
#define RECEIVERS 70 /* more than one burst */
#define PACED_BITS_PER_SECOND UINT64_C(1000000000)

struct record {
	uint32_t seconds, microseconds, kept, length;
};

static const struct dist_engine_ops *ops = &dist_dpdk_engine;
static struct dist_engine *engine;

static struct dist_address address(const char *text)
{
	struct dist_address result;

	REQUIRE(dist_address_parse(text, &result), "an address: %s", text);
	return result;
}

/* Packet `i` of the input: RTP with its number, of a size of its own; every fifth is nothing for the rule. */
static uint16_t make_payload(unsigned i, uint8_t *payload)
{
	uint16_t length = (uint16_t)(12 + (i * 37) % 1440);

	for (unsigned b = 0; b < length; b++)
		payload[b] = (uint8_t)(b * 31 + i);
	payload[0] = 0x80;
	payload[1] = 96;
	payload[2] = (uint8_t)(i >> 8);
	payload[3] = (uint8_t)i;
	return length;
}

static uint16_t make_frame(unsigned i, uint8_t *frame)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint16_t payload = make_payload(i, udp + 8);
	uint16_t total = htons((uint16_t)(payload + 28)), bytes = htons((uint16_t)(payload + 8)), port = htons(5004), checksum;
	struct dist_address from = address("198.51.100.1"), to = address("198.51.100.2");

	memset(frame, 0, 42);
	frame[12] = 8;
	ip[0] = 0x45;
	memcpy(ip + 2, &total, 2);
	ip[8] = 9;
	ip[9] = 17;
	memcpy(ip + 12, from.bytes + 12, 4);
	memcpy(ip + 16, to.bytes + 12, 4);
	checksum = dist_checksum_ip(dist_checksum_add(0, ip, 20));
	memcpy(ip + 10, &checksum, 2);
	memcpy(udp + 2, &port, 2);
	memcpy(udp + 4, &bytes, 2);
	/* 1 of 5 has a wrong UDP checksum and is dropped; the others have none, which is right. */
	if (i % 5 == 4)
		udp[6] = 0xba, udp[7] = 0xd0;
	return (uint16_t)(payload + 42);
}

static void write_input(const char *path)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	FILE *file = fopen(path, "w");
	uint8_t frame[1600];

	REQUIRE(file, "%s to be written", path);
	fwrite(header, sizeof(header), 1, file);
	for (unsigned i = 0; i < PACKETS; i++) {
		uint16_t length = make_frame(i, frame);
		struct record record = {0, i, length, length};

		fwrite(&record, sizeof(record), 1, file);
		fwrite(frame, length, 1, file);
	}
	fclose(file);
}

static struct dist_rule *make_rule(struct dist_receiver_spec *receivers)
{
	struct dist_rule_spec spec = {.name = "test", .media = DIST_MEDIA_BIT(DIST_MEDIA_RTP), .receivers = receivers};
	struct dist_rule_state *state = dist_rule_state_new(2);
	struct dist_receiver_state *states[RECEIVERS];
	struct dist_error error = {0};

	spec.match.address = address("198.51.100.2");
	spec.match.port = 5004;
	spec.receiver_count = RECEIVERS;
	for (unsigned i = 0; i < RECEIVERS; i++) {
		struct dist_receiver_spec *one = &receivers[i];

		one->address = address(i % 3 == 0 ? "2001:db8::100" : i % 7 == 1 ? "239.4.5.6" : "203.0.113.9");
		one->port = (uint16_t)(6000 + i);
		one->vlan = (uint16_t)(i % 2 ? 0 : 100 + i);
		one->ttl = (uint8_t)(1 + i);
		one->dscp = (uint8_t)(i % 64);
		one->source_port = (uint16_t)(i % 4 ? 0 : 7000 + i);
		states[i] = dist_receiver_state_new(2);
		REQUIRE(ops->receiver_add(engine, &spec.match, one, &error), "%s", error.text);
	}
	struct dist_rule *rule = dist_rule_build(&spec, state, states, NULL, NULL, ops->link_find, engine);

	/* The rule holds them now. */
	for (unsigned i = 0; i < RECEIVERS; i++)
		dist_receiver_state_release(states[i]);
	dist_rule_state_release(state);
	return rule;
}

static void check_frame(const uint8_t *frame, size_t length, unsigned packet, unsigned i, const struct dist_receiver_spec *to)
{
	struct dist_packet read;
	uint8_t payload[1600];
	uint16_t payload_length = make_payload(packet, payload);
	enum dist_drop_reason reason = dist_packet_parse(frame, length, &read);

	REQUIRE(reason == DIST_DROP_NONE, "frame %u of packet %u to be whole, it is %s", i, packet, dist_drop_name(reason));
	REQUIRE(length == (size_t)(read.payload - read.frame) + read.payload_length, "nothing behind frame %u", i);
	REQUIRE(read.payload_length == payload_length && memcmp(read.payload, payload, payload_length) == 0,
	       "the payload of packet %u in frame %u (%u bytes, got %u)", packet, i, payload_length, read.payload_length);
	REQUIRE(read.udp_checksum != 0 &&
		       dist_packet_checksum_right(&read, dist_checksum_add(0, read.payload, read.payload_length)),
	       "the checksum of frame %u", i);
	REQUIRE(dist_address_equal(&read.destination, &to->address) && read.destination_port == to->port, "the receiver %u", i);
	REQUIRE(read.source_port == (to->source_port ? to->source_port : 5004), "the source port of frame %u", i);
	REQUIRE(read.vlan == to->vlan && read.ttl == to->ttl && read.traffic_class == to->dscp << 2, "tag, TTL and DSCP of frame %u",
	       i);
	if (dist_address_is_multicast(&to->address))
		REQUIRE(memcmp(frame, "\x01\x00\x5e\x04\x05\x06", 6) == 0, "the group's Ethernet address in frame %u", i);
	else
		REQUIRE(memcmp(frame, "\x02\xaa\x00\x00\x00\x01", 6) == 0, "the next hop's Ethernet address in frame %u", i);
}

static void check_output(const char *path, const struct dist_receiver_spec *receivers)
{
	FILE *file = fopen(path, "r");
	uint8_t header[24], frame[2048];
	struct record record;
	unsigned packet = 0, i = 0;

	REQUIRE(file && fread(header, sizeof(header), 1, file) == 1, "%s to be a capture", path);
	while (fread(&record, sizeof(record), 1, file) == 1) {
		REQUIRE(record.kept <= sizeof(frame) && fread(frame, record.kept, 1, file) == 1, "a whole record");
		REQUIRE(packet < PACKETS, "no more frames than %u", PACKETS * RECEIVERS);
		check_frame(frame, record.kept, packet, i, &receivers[i]);
		if (++i == RECEIVERS) {
			i = 0;
			packet += packet % 5 == 3 ? 2 : 1;
		}
	}
	fclose(file);
	REQUIRE(i == 0 && packet == PACKETS, "all packets, in order; the last is %u for receiver %u", packet, i);
}

int main(int argc, char **argv)
{
	bool copy = argc > 1 && strcmp(argv[1], "copy") == 0;
	bool paced = argc > 1 && strcmp(argv[1], "paced") == 0;
	struct dist_receiver_spec receivers[RECEIVERS] = {0};
	char directory[] = "/tmp/penstock-test-XXXXXX", in[64], out[64], arguments[256];
	struct dist_engine_options options = {.backend = "pcap",
					      .queues = 1,
					      .memory_mib = 48,
					      .idle = DIST_IDLE_BALANCED,
					      .flows_max = 64,
					      .port_bits_per_second = paced ? PACED_BITS_PER_SECOND : 0,
					      .backend_arguments = arguments};
	struct dist_error error = {0};
	const struct dist_rule *old;
	struct dist_rule *rule;
	unsigned workers;

	REQUIRE(mkdtemp(directory), "a directory");
	setenv("XDG_RUNTIME_DIR", directory, 1);
	dist_log_set_level(getenv("TEST_DEBUG") ? DIST_LOG_DEBUG : DIST_LOG_WARN);
	snprintf(in, sizeof(in), "%s/in.pcap", directory);
	snprintf(out, sizeof(out), "%s/out.pcap", directory);
	snprintf(arguments, sizeof(arguments), "rx_pcap=%s,tx_pcap=%s,next-hop=02:aa:00:00:00:01,source=203.0.113.1,copy=%d", in,
		 out, copy);
	write_input(in);

	engine = ops->open(&options, &error);
	REQUIRE(engine, "%s: %s", error.code, error.text);
	struct dist_flow_key key;
	struct dist_address to = address("198.51.100.2");
	key = dist_flow_key(&to, 5004, DIST_VLAN_NONE);
	rule = make_rule(receivers);
	struct dist_rule_table *table = ops->rule_table(engine);
	REQUIRE(table->ops->set(table, &key, rule, &old, &error) && !old, "%s", error.text);
	REQUIRE(ops->flow_add(engine, &key, DIST_MEDIA_BIT(DIST_MEDIA_RTP), &error), "%s", error.text);
	uint64_t start_ns = dist_clock_now_ns();
	REQUIRE(ops->start(engine, &error), "%s", error.text);

	const struct dist_worker_stats *stats = ops->worker_stats(engine, &workers);
	struct dist_totals totals = {0};
	for (int i = 0; i < 500 && totals.sent_packets < PACKETS * 4 / 5 * RECEIVERS; i++) {
		usleep(10000);
		ops->control(engine, dist_clock_now_ns());
		totals = dist_worker_stats_sum(stats, workers);
	}
	REQUIRE(totals.received_packets == PACKETS * 4 / 5, "400 packets received, not %lu", totals.received_packets);
	REQUIRE(totals.sent_packets == PACKETS * 4 / 5 * RECEIVERS, "28000 copies, not %lu", totals.sent_packets);
	REQUIRE(totals.drops[DIST_DROP_CHECKSUM] == PACKETS / 5, "100 wrong checksums, not %lu", totals.drops[DIST_DROP_CHECKSUM]);
	/* Payload alone, less what may go at once: the packets cannot have taken less. */
	uint64_t least_ns = (totals.sent_bytes - 65536) * 8 * DIST_NS_PER_SECOND / PACED_BITS_PER_SECOND;
	REQUIRE(!paced || dist_clock_now_ns() - start_ns >= least_ns, "a paced port to take %lu ms at least", least_ns / DIST_NS_PER_MS);
	/* With nothing to do it sleeps. */
	uint64_t polls = totals.polls;
	usleep(200000);
	totals = dist_worker_stats_sum(stats, workers);
	REQUIRE(totals.polls - polls < 200000 / 50 * 2, "a sleeping worker, not %lu polls in 200 ms", totals.polls - polls);
	for (int i = 0; i < 200 && !ops->drain(engine); i++)
		usleep(5000);
	REQUIRE(ops->drain(engine), "the engine to be drained in a second");
	ops->stop(engine);
	REQUIRE(table->ops->set(table, &key, NULL, &old, &error) && old == rule, "the rule back");
	table->ops->synchronize(table);
	dist_rule_free(rule);
	ops->close(engine);
	check_output(out, receivers);
	printf("%u packets to %u receivers, payload %s\n", PACKETS * 4 / 5, RECEIVERS, copy ? "copied" : "by reference");
	own_network_run("rm -r %s", directory); /* DPDK keeps things of its own there */
	return 0;
}
