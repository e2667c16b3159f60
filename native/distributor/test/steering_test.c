/*
 * steering.c and the programs in the kernel, with the kernel's own way to run a program on a packet. What the programs
 * take has to be exactly what the engine reads as media of the table: more would get lost, less would go twice.
 */
#include "dpdk/steering.h"

#include "check.h"
#include "checksum.h"
#include "classify.h"
#include "clock.h"
#include "log.h"
#include "own_network.h"
#include "packet.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <unistd.h>

#define PACKETS 20000

static struct dist_steering steering;
static struct bpf_object *object;
static int program;
static uint64_t seed = 88172645463325252u;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

static struct dist_address address(const char *text)
{
	struct dist_address result;

	REQUIRE(dist_address_parse(text, &result), "an address: %s", text);
	return result;
}

/* A frame that is nearly a media packet: each field is right most of the time. Returns its length. */
static size_t make_frame(uint8_t *frame)
{
	uint16_t payload = (uint16_t[]){12, 20, 188, 376, 1316, 1200, 8, 189}[any(8)];
	bool v6 = any(3) == 0, tagged = any(4) == 0;
	uint8_t *at = frame + 12, *ip, *udp;
	uint16_t udp_length = (uint16_t)(payload + 8);

	memset(frame, 0, 1600);
	if (tagged) {
		*at++ = 0x81, *at++ = 0;
		*at++ = 0x20, *at++ = (uint8_t)(any(2) ? 7 : any(3));
		if (any(20) == 0) {
			*at++ = 0x81, *at++ = 0;
			at += 2;
		}
	}
	*at++ = v6 ? 0x86 : 0x08, *at++ = v6 ? 0xdd : 0;
	ip = at;
	if (v6) {
		ip[0] = 0x60;
		ip[4] = (uint8_t)(udp_length >> 8), ip[5] = (uint8_t)udp_length;
		ip[6] = any(20) ? 17 : (uint8_t)(any(2) ? 44 : any(256));
		struct dist_address to = address(any(8) ? "2001:db8::5" : "2001:db8::6");
		memcpy(ip + 24, to.bytes, 16);
		udp = ip + 40;
	} else {
		uint16_t total = (uint16_t)(udp_length + 20), checksum;
		struct dist_address to = address(any(8) ? "10.0.0.5" : "10.0.0.6");

		ip[0] = any(20) ? 0x45 : 0x46;
		if (any(30) == 0)
			total = (uint16_t)(total + any(5) - 2);
		ip[2] = (uint8_t)(total >> 8), ip[3] = (uint8_t)total;
		if (any(20) == 0)
			ip[6] = (uint8_t)any(256);
		ip[8] = 64;
		ip[9] = any(20) ? 17 : (uint8_t)any(256);
		memcpy(ip + 16, to.bytes + 12, 4);
		/* Always right: the program does not sum headers, for the kernel drops such a packet as the engine does. */
		checksum = dist_checksum_ip(dist_checksum_add(0, ip, 20));
		memcpy(ip + 10, &checksum, 2);
		udp = ip + 20;
	}
	udp[2] = 0x13, udp[3] = (uint8_t)(any(10) ? 0x8c : 0x8d);
	if (any(30) == 0)
		udp_length = (uint16_t)(udp_length + any(5) - 2);
	udp[4] = (uint8_t)(udp_length >> 8), udp[5] = (uint8_t)udp_length;
	for (unsigned i = 0; i < payload; i++)
		udp[8 + i] = (uint8_t)any(256);
	switch (any(4)) {
	case 0:
		udp[8] = (uint8_t)(0x80 | any(64));
		udp[9] = (uint8_t)any(256);
		break;
	case 1:
		udp[8] = 0x80;
		udp[9] = 96;
		break;
	case 2:
		udp[8] = 0x81, udp[9] = (uint8_t)(190 + any(36)), udp[10] = 0, udp[11] = (uint8_t)any(6);
		break;
	default:
		for (unsigned i = 0; i < payload; i += 188)
			udp[8 + i] = any(40) ? 0x47 : 0x48;
		break;
	}
	size_t length = (size_t)(udp + 8 + payload - frame);
	/* Padding behind, or a frame that is cut. */
	if (any(20) == 0)
		length += any(20);
	else if (any(40) == 0)
		length -= any((uint32_t)length - 14);
	return length;
}

static bool engine_takes(const uint8_t *frame, size_t length, const struct dist_flow_key *keys, const uint8_t *media,
			 size_t count)
{
	struct dist_packet packet;
	struct dist_flow_key key;

	if (dist_packet_parse(frame, length, &packet) != DIST_DROP_NONE)
		return false;
	key = dist_flow_key(&packet.destination, packet.destination_port, packet.vlan);
	for (size_t i = 0; i < count; i++)
		if (memcmp(&key, &keys[i], sizeof(key)) == 0)
			return media[i] & DIST_MEDIA_BIT(dist_classify(packet.payload, packet.payload_length));
	return false;
}

static void run_program(uint8_t *frame, size_t length)
{
	LIBBPF_OPTS(bpf_test_run_opts, run_options, .data_in = frame, .data_size_in = (uint32_t)length, .repeat = 1);
	int code = bpf_prog_test_run_opts(program, &run_options);

	/* Packets that end inside the IP header are not made for filters. */
	REQUIRE(code == 0 || length < 60, "the kernel to run the program on %zu bytes: %s", length, strerror(errno));
}

static uint64_t counted(enum flow_count which)
{
	uint64_t counts[FLOW_COUNTS];

	REQUIRE(dist_steering_counts(&steering, counts), "counters");
	return counts[which];
}

/* Every frame, by the program and by the engine's own reading. */
static void compare(enum flow_count takes)
{
	const struct dist_address v4 = address("10.0.0.5"), v6 = address("2001:db8::5");
	const struct dist_flow_key keys[] = {dist_flow_key(&v4, 5004, 0), dist_flow_key(&v4, 5004, 7),
					     dist_flow_key(&v6, 5004, 0), dist_flow_key(&v4, 5005, 0)};
	const uint8_t media[] = {DIST_MEDIA_BIT(DIST_MEDIA_RTP) | DIST_MEDIA_BIT(DIST_MEDIA_TS), DIST_MEDIA_ANY,
				 DIST_MEDIA_ANY, DIST_MEDIA_BIT(DIST_MEDIA_RTCP)};
	uint8_t frame[1700];
	unsigned taken = 0;
	struct dist_error error = {0};

	for (size_t i = 0; i < 4; i++)
		REQUIRE(dist_steering_add(&steering, &keys[i], media[i], &error), "%s", error.text);
	for (unsigned i = 0; i < PACKETS; i++) {
		size_t length = make_frame(frame);
		bool wanted = engine_takes(frame, length, keys, media, 4);
		uint64_t before = counted(takes);

		run_program(frame, length);
		taken += wanted;
		if (counted(takes) - before == wanted)
			continue;
		for (size_t b = 0; b < length && b < 96; b++)
			fprintf(stderr, "%02x%s", frame[b], b % 16 == 15 ? "\n" : " ");
		REQUIRE(false, "packet %u (%zu bytes) to be %s by the program too", i, length, wanted ? "taken" : "passed");
	}
	REQUIRE(taken > PACKETS / 10 && taken < PACKETS * 9 / 10, "some packets of either kind, not %u of %d", taken, PACKETS);
	dist_steering_remove(&steering, &keys[0]);
	dist_steering_remove_all(&steering);
	struct dist_flow_key none;
	REQUIRE(bpf_map_get_next_key(steering.keys, NULL, &none) < 0, "no flow left");
	printf("%u of %d packets taken\n", taken, PACKETS);
}

static void load_steer(const char *directory)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/steer.bpf.o", directory);
	object = bpf_object__open_file(path, NULL);
	REQUIRE(object && bpf_object__load(object) == 0, "the kernel to take %s", path);
	program = bpf_program__fd(bpf_object__find_program_by_name(object, FLOW_PROGRAM_STEER));
}

static void attach(int descriptor)
{
	REQUIRE(bpf_xdp_attach(steering.interface_index, descriptor, 0, NULL) == 0, "the program to be attached");
}

static uint32_t attached(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	REQUIRE(bpf_xdp_query(steering.interface_index, 0, &query) == 0, "the interface to be asked");
	return query.prog_id;
}

int main(int argc, char **argv)
{
	const char *directory = argc > 1 ? argv[1] : ".";
	struct dist_steering other;
	struct dist_error error = {0};
	char path[512];

	own_network_require();
	setenv("RUNTIME_DIRECTORY", "/tmp", 1);
	dist_log_set_level(DIST_LOG_WARN);
	own_network_run("ip link add port type veth peer name far && ip link set port up && ip link set far up");

	/* One distributor a port. */
	dist_steering_init(&steering);
	dist_steering_init(&other);
	REQUIRE(!dist_steering_claim(&steering, "nothing", &error) && strcmp(error.code, "PORT_MISSING") == 0, "no such port");
	REQUIRE(dist_steering_claim(&steering, "port", &error), "%s", error.text);
	REQUIRE(!dist_steering_claim(&other, "port", &error) && strcmp(error.code, "PORT_BUSY") == 0, "the second to be refused");
	dist_steering_close(&other);

	/* What a killed distributor left is taken off; what somebody else attached is not. */
	load_steer(directory);
	attach(program);
	REQUIRE(attached() != 0 && dist_steering_remove_stale(&steering, &error), "%s", error.text);
	REQUIRE(attached() == 0, "our program to be off");
	struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2}, {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, load_options);
	int foreign = bpf_prog_load(BPF_PROG_TYPE_XDP, "steer", "GPL", pass, 2, &load_options);
	REQUIRE(foreign >= 0, "a foreign program");
	attach(foreign);
	REQUIRE(!dist_steering_remove_stale(&steering, &error) && strcmp(error.code, "PORT_BUSY") == 0,
	       "a foreign program to be left alone, though it has the same name");
	REQUIRE(attached() != 0, "the foreign program to be still there");
	attach(-1);

	/* steer, found among our own descriptors as the driver leaves it. Nobody reads the queue: media is counted so. */
	attach(program);
	REQUIRE(dist_steering_open_steer(&steering, &error), "%s", error.text);
	compare(FLOW_COUNT_UNGUARDED);
	dist_steering_close(&steering);
	attach(-1);
	bpf_object__close(object);

	/* shade, attached by this module. */
	dist_steering_init(&steering);
	REQUIRE(dist_steering_claim(&steering, "port", &error), "%s", error.text);
	snprintf(path, sizeof(path), "%s/shade.bpf.o", directory);
	REQUIRE(dist_steering_open_shade(&steering, path, &error), "%s", error.text);
	program = bpf_program__fd(bpf_object__find_program_by_name(steering.object, FLOW_PROGRAM_SHADE));
	dist_steering_keep(&steering, dist_clock_now_ns() + 60 * DIST_NS_PER_SECOND);
	compare(FLOW_COUNT_TAKEN);
	/* Without its guard it lets everything through. */
	dist_steering_keep(&steering, 0);
	compare(FLOW_COUNT_UNGUARDED);
	own_network_run("tc filter show dev port ingress | grep -q shade");
	dist_steering_close(&steering);
	own_network_run("! tc filter show dev port ingress | grep -q shade");
	own_network_run("! tc qdisc show dev port | grep -q clsact");
	return 0;
}
