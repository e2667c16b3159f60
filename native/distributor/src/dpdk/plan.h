/**
 * The plan of a backend: which devices DPDK is to make for it, with which arguments, and what it can rely on. Made from
 * the options alone, without looking at the machine, so that every backend's arguments can be tested on any machine.
 */
#ifndef DIST_DPDK_PLAN_H
#define DIST_DPDK_PLAN_H

#include "../address.h"
#include "../engine.h"
#include "../error.h"

#include <stdbool.h>
#include <stdint.h>

#define DIST_PLAN_TEXT_BYTES 1024

enum dist_backend {
	DIST_BACKEND_AF_XDP,
	DIST_BACKEND_AF_PACKET,
	DIST_BACKEND_MEMIF,
	DIST_BACKEND_PCAP,
	DIST_BACKEND_RING,
	DIST_BACKEND_NULL,
	DIST_BACKEND_PCI,
};

struct dist_plan {
	enum dist_backend backend;
	const char *backend_name;
	/** As `--vdev` takes them; empty where there is none. `device` is for `--allow` where it is a PCI device. */
	char device[DIST_PLAN_TEXT_BYTES];
	char send_device[DIST_PLAN_TEXT_BYTES]; /* ring: what is sent ends here */
	char kernel_device[DIST_PLAN_TEXT_BYTES]; /* pci, and memif with an interface: the way to and from the kernel */
	/** By which name DPDK knows them. */
	char device_name[64];
	char send_device_name[64];
	char kernel_device_name[64];
	/** The netdev whose routes and neighbours count; NULL: there is none, and the link below holds for everybody. */
	const char *netdev;
	struct {
		uint8_t source_mac[6]; /* of the port's own, where all zero */
		uint8_t target_mac[6];
		struct dist_address source_v4;
		struct dist_address source_v6;
		uint16_t mtu;
	} link;
	/** ring: payload bytes of the packets that the engine makes itself (0: none), and their flow. */
	uint16_t generate_bytes;
	struct dist_address generate_to;
	uint16_t generate_port;
	bool by_copy; /* never by reference, even where the device could */
};

/**
 * Makes the plan. For memif, pcap, ring and null, and for pci, `backend_arguments` may hold keys of the distributor's own
 * among the driver's: next-hop=MAC, source=IPv4, source6=IPv6, mtu=BYTES, copy=1; for ring also generate=BYTES, to=IPv4,
 * port=PORT. BACKEND_ARGUMENT where one is wrong or missing.
 * `program` is the file of the XDP program for af_xdp.
 */
bool dist_plan_make(const struct dist_engine_options *options, const char *program, struct dist_plan *plan,
		    struct dist_error *error);

#endif
