#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* AF_PACKET: ring of 4096 frames of 2048 bytes, two to a block: measured to be enough at 200,000 packets a second. */
#define AF_PACKET_RING "blocksz=4096,framesz=2048,framecnt=4096"

static const struct {
	const char *name;
	enum dist_backend backend;
	bool needs_interface;
	bool own_arguments;
} BACKENDS[] = {
	{"af_xdp", DIST_BACKEND_AF_XDP, true, false},  {"af_packet", DIST_BACKEND_AF_PACKET, true, false},
	{"memif", DIST_BACKEND_MEMIF, false, true},    {"pcap", DIST_BACKEND_PCAP, false, true},
	{"ring", DIST_BACKEND_RING, false, true},      {"null", DIST_BACKEND_NULL, false, true},
	{"pci", DIST_BACKEND_PCI, true, true},
};

static bool append(char *text, struct dist_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool append(char *text, struct dist_error *error, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;
	int more;

	va_start(arguments, format);
	more = vsnprintf(text + used, DIST_PLAN_TEXT_BYTES - used, format, arguments);
	va_end(arguments);
	if (more >= 0 && (size_t)more < DIST_PLAN_TEXT_BYTES - used)
		return true;
	return dist_error_set(error, "BACKEND_ARGUMENT", "the backend's arguments are longer than %d bytes",
			      DIST_PLAN_TEXT_BYTES - 1);
}

static bool number(const char *text, unsigned long low, unsigned long high, uint16_t *value)
{
	char *end;
	unsigned long read = strtoul(text, &end, 10);

	*value = (uint16_t)read;
	return *text >= '0' && *text <= '9' && *end == 0 && read >= low && read <= high;
}

static bool mac(const char *text, uint8_t bytes[6])
{
	int used = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
		      &bytes[5], &used) == 6 &&
	       text[used] == 0;
}

/* Takes the argument if it is one of ours; `*wrong` if its value is none. */
static bool take_own(struct dist_plan *plan, const char *key, const char *value, bool *wrong)
{
	uint16_t flag = 0;

	if (strcmp(key, "next-hop") == 0)
		*wrong = !mac(value, plan->link.target_mac);
	else if (strcmp(key, "source") == 0)
		*wrong = !dist_address_parse(value, &plan->link.source_v4) || !dist_address_is_v4(&plan->link.source_v4);
	else if (strcmp(key, "source6") == 0)
		*wrong = !dist_address_parse(value, &plan->link.source_v6) || dist_address_is_v4(&plan->link.source_v6);
	else if (strcmp(key, "mtu") == 0)
		*wrong = !number(value, 576, 9000, &plan->link.mtu);
	else if (strcmp(key, "copy") == 0)
		*wrong = !number(value, 0, 1, &flag);
	else if (plan->backend == DIST_BACKEND_RING && strcmp(key, "generate") == 0)
		*wrong = !number(value, 12, 1472, &plan->generate_bytes);
	else if (plan->backend == DIST_BACKEND_RING && strcmp(key, "to") == 0)
		*wrong = !dist_address_parse(value, &plan->generate_to) || !dist_address_is_v4(&plan->generate_to);
	else if (plan->backend == DIST_BACKEND_RING && strcmp(key, "port") == 0)
		*wrong = !number(value, 1, 65535, &plan->generate_port);
	else
		return false;
	plan->by_copy |= flag == 1;
	return true;
}

/* Takes our own arguments out; the driver's are left in `rest`, each with a comma before it. */
static bool split(struct dist_plan *plan, const char *arguments, char *rest, struct dist_error *error)
{
	char text[DIST_PLAN_TEXT_BYTES];
	char *next = NULL;

	rest[0] = 0;
	if (!arguments)
		return true;
	if (snprintf(text, sizeof(text), "%s", arguments) >= (int)sizeof(text))
		return dist_error_set(error, "BACKEND_ARGUMENT", "the backend's arguments are longer than %zu bytes",
				      sizeof(text) - 1);
	for (char *one = strtok_r(text, ",", &next); one; one = strtok_r(NULL, ",", &next)) {
		char key[32];
		char *value = strchr(one, '=');
		bool wrong = false;

		if (value && (size_t)(value - one) < sizeof(key)) {
			memcpy(key, one, (size_t)(value - one));
			key[value - one] = 0;
			if (take_own(plan, key, value + 1, &wrong)) {
				if (wrong)
					return dist_error_set(error, "BACKEND_ARGUMENT",
							      "the argument \"%s\" of the backend %s has no fitting value",
							      one, plan->backend_name);
				continue;
			}
		}
		if (!append(rest, error, ",%s", one))
			return false;
	}
	return true;
}

static bool plan_devices(const struct dist_engine_options *options, const char *program, const char *rest,
			 struct dist_plan *plan, struct dist_error *error)
{
	const char *interface = options->interface;
	bool fits = true;

	snprintf(plan->device_name, sizeof(plan->device_name), "net_%s0", plan->backend_name);
	switch (plan->backend) {
	case DIST_BACKEND_AF_XDP:
		fits = append(plan->device, error, "net_af_xdp0,iface=%s,start_queue=0,queue_count=%u,xdp_prog=%s", interface,
			      options->queues, program);
		if (fits && options->busy_budget_set)
			fits = append(plan->device, error, ",busy_budget=%u", options->busy_budget);
		plan->netdev = interface;
		break;
	case DIST_BACKEND_AF_PACKET:
		fits = append(plan->device, error, "net_af_packet0,iface=%s,qpairs=%u,%s", interface, options->queues,
			      AF_PACKET_RING);
		plan->netdev = interface;
		break;
	case DIST_BACKEND_MEMIF:
	case DIST_BACKEND_PCAP:
	case DIST_BACKEND_NULL:
		fits = append(plan->device, error, "%s", plan->device_name);
		break;
	case DIST_BACKEND_RING:
		fits = append(plan->device, error, "net_ring0") && append(plan->send_device, error, "net_null0");
		snprintf(plan->send_device_name, sizeof(plan->send_device_name), "net_null0");
		break;
	case DIST_BACKEND_PCI:
		fits = append(plan->device, error, "%s", interface);
		snprintf(plan->device_name, sizeof(plan->device_name), "%s", interface);
		break;
	}
	return fits && append(plan->device, error, "%s", rest);
}

/*
 * A port that the kernel does not see gets a tap beside it: what is no media goes there and comes from there, and the tap
 * has the addresses, routes and neighbours. For pci it is called penstock0.
 */
static bool plan_kernel(const struct dist_engine_options *options, struct dist_plan *plan, struct dist_error *error)
{
	const char *name = plan->backend == DIST_BACKEND_PCI ? "penstock0" : options->interface;

	if (plan->backend != DIST_BACKEND_PCI && !(plan->backend == DIST_BACKEND_MEMIF && name))
		return true;
	plan->netdev = name;
	snprintf(plan->kernel_device_name, sizeof(plan->kernel_device_name), "net_tap0");
	return append(plan->kernel_device, error, "net_tap0,iface=%s", name);
}

bool dist_plan_make(const struct dist_engine_options *options, const char *program, struct dist_plan *plan,
		    struct dist_error *error)
{
	static const uint8_t next_hop[6] = {0x02, 0, 0, 0, 0, 0x02};
	char rest[DIST_PLAN_TEXT_BYTES];
	size_t which = 0;

	memset(plan, 0, sizeof(*plan));
	memcpy(plan->link.target_mac, next_hop, sizeof(next_hop));
	plan->link.mtu = 1500;
	plan->generate_port = 5004;
	/* Addresses for documentation (RFC 5737, RFC 3849). */
	dist_address_parse("192.0.2.1", &plan->link.source_v4);
	dist_address_parse("2001:db8::1", &plan->link.source_v6);
	dist_address_parse("192.0.2.1", &plan->generate_to);

	while (which < sizeof(BACKENDS) / sizeof(BACKENDS[0]) && strcmp(BACKENDS[which].name, options->backend) != 0)
		which++;
	if (which == sizeof(BACKENDS) / sizeof(BACKENDS[0]))
		return dist_error_set(error, "BACKEND_UNKNOWN",
				      "there is no backend \"%s\"; there are af_xdp, af_packet, memif, pcap, ring, null and pci",
				      options->backend);
	plan->backend = BACKENDS[which].backend;
	plan->backend_name = BACKENDS[which].name;
	if (BACKENDS[which].needs_interface && (!options->interface || !*options->interface))
		return dist_error_set(error, "BACKEND_ARGUMENT", "the backend %s needs an interface%s", plan->backend_name,
				      plan->backend == DIST_BACKEND_PCI ? ": the device's address, such as 0000:3b:00.0"
									: ", such as eth0");
	if (BACKENDS[which].own_arguments) {
		if (!split(plan, options->backend_arguments, rest, error))
			return false;
	} else {
		snprintf(rest, sizeof(rest), "%s%s", options->backend_arguments ? "," : "",
			 options->backend_arguments ? options->backend_arguments : "");
	}
	if (plan->backend == DIST_BACKEND_PCAP && !strstr(rest, "rx_") && !strstr(rest, "iface="))
		return dist_error_set(error, "BACKEND_ARGUMENT",
				      "the backend pcap needs arguments such as rx_pcap=in.pcap,tx_pcap=out.pcap");
	if (options->queues < 1 || options->queues > DIST_WORKERS_MAX ||
	    (options->queues > 1 && plan->backend >= DIST_BACKEND_PCAP && plan->backend <= DIST_BACKEND_NULL))
		return dist_error_set(error, "BACKEND_ARGUMENT", "the backend %s does not work with %u queues",
				      plan->backend_name, options->queues);
	return plan_devices(options, program, rest, plan, error) && plan_kernel(options, plan, error);
}
