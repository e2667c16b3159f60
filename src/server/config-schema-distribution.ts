/** The shape of the section `distribution`: sections, keys, ranges, defaults. */
import * as z from "zod";
import { DEFAULT_LIMITS } from "../distribution/rule-limits.ts";
import { ENGINE_KINDS } from "../wire/distributor-answer.ts";
import { bitrateBps, network, oneOf, text, wholeNumber } from "./config-values.ts";

/** Those of a native distributor; the names are its own. */
const BACKENDS = ["af_xdp", "af_packet", "memif", "pcap", "ring", "null", "pci"] as const;

const limits = z.strictObject({
	rules: wholeNumber(1, DEFAULT_LIMITS.rules).prefault(DEFAULT_LIMITS.rules),
	receiversPerRule: wholeNumber(1, DEFAULT_LIMITS.receiversPerRule).prefault(DEFAULT_LIMITS.receiversPerRule),
	receivers: wholeNumber(1, DEFAULT_LIMITS.receivers).prefault(DEFAULT_LIMITS.receivers),
	/** What a receiver may have at most, and has where its rule says nothing. Absent: as much as comes. */
	receiverPacketsPerSecond: wholeNumber(1, 1e9).optional(),
	receiverBitsPerSecond: bitrateBps(1000, 1e12).optional(),
	/** All receivers together. */
	packetsPerSecond: wholeNumber(1, 1e12).optional(),
	bitsPerSecond: bitrateBps(1000, 1e15).optional(),
	/** Absent: loopback and private networks. */
	allowedNetworks: z.array(network()).max(1000).optional(),
});

export const distribution = z.strictObject({
	engine: oneOf(["auto", ...ENGINE_KINDS]).prefault("auto"),
	/** The network device that is the port of the engine dpdk. */
	device: text("the name of a network device, as ip link has it").optional(),
	backend: oneOf(BACKENDS).optional(),
	/** The native distributor. Absent: the one that make distributor has built. */
	path: text("a path or a name to be found on PATH").optional(),
	/** More of its arguments. */
	arguments: z.array(text("an argument")).max(100).prefault([]),
	/** Of somebody else's distributor, which is only spoken to. */
	socket: text("the path of a Unix socket").optional(),
	/** Judged as those of a file are. */
	rules: z.array(z.looseObject({})).max(DEFAULT_LIMITS.rules).prefault([]),
	rulesFile: text("the path of a file").optional(),
	/** Keeps the rules that are made at run time. */
	stateFile: text("the path of a file").optional(),
	limits: limits.prefault({}),
});
