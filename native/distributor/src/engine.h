/**
 * An engine: a table of functions that receives and sends packets by the rule table. There are two, `sockets` and
 * `dpdk`; each brings its own threads (workers) and its own rule table. All functions here are called by the control
 * thread alone, which never runs a worker's loop.
 *
 * The order of a flow's life is fixed, so that no packet is steered to a distributor that does not know it:
 *   new:      receiver_add…  →  rule into the table  →  flow_add
 *   changed:  receiver_add…  →  new rule into the table  →  synchronize  →  receiver_remove…, free the old
 *   gone:     flow_remove    →  rule out of the table    →  synchronize  →  receiver_remove…, free
 */
#ifndef DIST_ENGINE_H
#define DIST_ENGINE_H

#include "capture.h"
#include "error.h"
#include "rule.h"
#include "rule_table.h"
#include "stats.h"

#include <stdbool.h>
#include <stdint.h>

struct dist_engine;

/** What went wrong for good, or in part: the event `fault`. Called by the control thread, within `control`. */
typedef void dist_fault(void *context, const char *code, const char *text);

/** How a worker waits for packets. */
enum dist_idle { DIST_IDLE_LATENCY, DIST_IDLE_BALANCED, DIST_IDLE_ECO };

/** Which pages DPDK's memory is made of. */
enum dist_huge_pages { DIST_HUGE_PAGES_NEVER, DIST_HUGE_PAGES_IF_FREE, DIST_HUGE_PAGES_ALWAYS };

/** The command line, for engines. Strings live as long as the process. */
struct dist_engine_options {
	const char *backend;          /* dpdk: af_xdp, af_packet, memif, pcap, ring, null, pci; sockets: "sockets" */
	const char *interface;        /* dpdk: the netdev; sockets: the device to bind to, or NULL */
	const char *backend_arguments; /* dpdk: appended to the vdev's or the device's arguments, or NULL */
	const char *program;          /* dpdk: the XDP program's file, or NULL for the built one */
	const char *file_prefix;      /* dpdk: EAL's, or NULL */
	const char *cores;            /* dpdk: EAL's list of lcores, or NULL */
	unsigned queues;              /* dpdk: RX queues, one worker each; at least 1 */
	unsigned memory_mib;          /* dpdk: of packet memory */
	enum dist_huge_pages huge_pages; /* dpdk */
	bool busy_budget_set;         /* dpdk, af_xdp */
	unsigned busy_budget;
	enum dist_idle idle;
	uint64_t port_bits_per_second; /* pacing of the whole port; 0: none */
	unsigned flows_max;           /* keys in the rule table */
	dist_fault *fault;            /* codes PORT_DOWN, PORT_GONE, ENGINE_FAILED */
	void *fault_context;
};

/** What an engine is and can, as `hello` says it. */
struct dist_engine_facts {
	const char *backend;
	bool ipv4, ipv6, vlan, dscp, ttl, multicast, source_port;
};

struct dist_engine_ops {
	const char *name;

	/**
	 * Opens ports and sockets, starts nothing. NULL and an error that says what is missing (right, driver, program,
	 * device) and what to do.
	 */
	struct dist_engine *(*open)(const struct dist_engine_options *options, struct dist_error *error);
	/** Starts the workers. */
	bool (*start)(struct dist_engine *engine, struct dist_error *error);
	/** Stops the workers, detaches what the engine attached, frees everything; rules are freed by their owner after. */
	void (*stop)(struct dist_engine *engine);
	void (*close)(struct dist_engine *engine);

	struct dist_rule_table *(*rule_table)(struct dist_engine *engine);

	/** Takes packets of the flow from now on (a socket is bound, an XDP key inserted). `media`: set of DIST_MEDIA_BIT. */
	bool (*flow_add)(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media,
			 struct dist_error *error);
	/** The rule wants other media of the flow than before. */
	bool (*flow_change)(struct dist_engine *engine, const struct dist_flow_key *key, uint8_t media,
			    struct dist_error *error);
	/** Leaves the flow to the kernel. The table's synchronize comes after. */
	void (*flow_remove)(struct dist_engine *engine, const struct dist_flow_key *key);

	/** A receiver comes into a rule: its neighbour is watched, its socket opened. Before the rule is built. */
	bool (*receiver_add)(struct dist_engine *engine, const struct dist_match *match,
			     const struct dist_receiver_spec *receiver, struct dist_error *error);
	/** It is gone, after synchronize: no worker sends to it any more. */
	void (*receiver_remove)(struct dist_engine *engine, const struct dist_match *match,
				const struct dist_receiver_spec *receiver);
	/** The link to it as it is now. `engine` is the struct dist_engine. */
	dist_link_find *link_find;

	/**
	 * Readable when the engine has work for the control thread (neighbours changed), or -1. `control` is called then,
	 * and every 100 ms besides; it gives true when links may have changed, and rules are built again.
	 */
	int (*control_fd)(struct dist_engine *engine);
	bool (*control)(struct dist_engine *engine, uint64_t now_ns);

	/**
	 * Called until it gives true: what was taken in is sent, and nothing more is taken in where somebody else may have it.
	 * Rules are still there.
	 */
	bool (*drain)(struct dist_engine *engine);

	/** One a worker; valid until close. */
	const struct dist_worker_stats *(*worker_stats)(struct dist_engine *engine, unsigned *worker_count);
	enum dist_capture_link (*capture_link)(struct dist_engine *engine);
	/** For `hello`; valid until close. */
	const struct dist_engine_facts *(*facts)(struct dist_engine *engine);
};

/** The engine with this name, or NULL if it is unknown or was not built in. */
const struct dist_engine_ops *dist_engine_find(const char *name);
/** Names of the engines built in, ended by NULL. */
const char *const *dist_engine_names(void);

extern const struct dist_engine_ops dist_sockets_engine;
#ifdef DIST_WITH_DPDK
extern const struct dist_engine_ops dist_dpdk_engine;
#endif

#endif
