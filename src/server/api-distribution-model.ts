/**
 * What the API shows of the distribution plane, and takes for it: schemas (the OpenAPI document is made of them), types,
 * and the model behind them. Bytes are of UDP payload.
 */
import * as z from "zod";
import { DROP_REASONS } from "../wire/distributor-drops.ts";

const count = z.int().min(0);
const text = z.string();
const port = z.int().min(1).max(65_535);
const traffic = z.strictObject({ packets: count, bytes: count });
/** Packets by reason; a reason without a count is left out. */
const drops = z.partialRecord(z.enum(DROP_REASONS), count);
const engineKind = z.enum(["dpdk", "sockets", "node"]);
const media = z.enum(["rtp", "rtcp", "ts", "any-media"]);

export const distributionSnapshot = z.strictObject({
	engine: z.strictObject({
		/** As configured. */
		wanted: z.enum(["auto", ...engineKind.options]),
		/** What works now. */
		kind: engineKind,
		backend: text,
		state: z.enum(["stopped", "starting", "up", "ending", "down"]),
		/** Why this one. */
		because: text,
		/** What was tried before. */
		refused: z.array(z.strictObject({ kind: engineKind, why: text })),
		/** What is not as it should be. */
		trouble: text.optional(),
		version: text,
		/** Another one than before: it was started again. */
		instance: text,
		/** How often it was there again after it had gone. */
		restarts: count,
	}),
	/** Of the engine, as are the counters: they begin again when it does. */
	uptimeMs: count,
	cpuMs: z.number(),
	received: traffic,
	sent: traffic,
	/** Packets left to the kernel. */
	passed: count,
	drops,
	/** What the table and the engine take, whichever is less. */
	limits: z.strictObject({
		rules: count,
		receiversPerRule: count,
		receivers: count,
		receiverPacketsPerSecond: count.optional(),
		receiverBitsPerSecond: count.optional(),
		packetsPerSecond: count.optional(),
		bitsPerSecond: count.optional(),
		/** Where receivers may be. */
		allowedNetworks: z.array(text),
	}),
	rules: count,
	receivers: count,
});

const flowSource = z.strictObject({ address: text, port: port.optional() });
const flowMatch = z.strictObject({
	address: text,
	port,
	vlan: z.int().min(1).max(4094).optional(),
	source: flowSource.optional(),
});

const rule = {
	name: text,
	/** Rises with every change. */
	generation: count,
	origin: z.enum(["config", "run-time", "session"]),
	match: flowMatch,
	media,
	permanent: z.boolean(),
	/** Why the engine does not carry it out. */
	fault: text.optional(),
	received: traffic,
	sent: traffic,
	drops,
};

const receiverSettings = {
	vlan: z.int().min(1).max(4094).optional(),
	sourcePort: port.optional(),
	maxPacketsPerSecond: z.int().min(1).max(1e9).optional(),
	maxBitsPerSecond: z.int().min(1000).max(1e12).optional(),
};

const receiverSnapshot = z.strictObject({
	address: text,
	port,
	...receiverSettings,
	ttl: z.int().min(1).max(255),
	dscp: z.int().min(0).max(63),
	/** Part of this server that takes the rule's packets: no part of the rule. */
	owner: text.optional(),
	packets: count,
	bytes: count,
	drops,
	/** `unresolved`: no next hop is known, or no engine has it. */
	state: z.enum(["ready", "unresolved"]),
});

export const ruleSummary = z.strictObject({ ...rule, receivers: count });
export const ruleList = z.strictObject({ rules: z.array(ruleSummary) });
export const ruleDetail = z.strictObject({ ...rule, receivers: z.array(receiverSnapshot) });

/** `10.0.0.1:5004`, or `[fd00::1]:5004` */
const endpoint = text;
const receiverRequest = z.union([
	endpoint,
	z.strictObject({
		...{ address: text, port, ...receiverSettings },
		ttl: z.int().min(1).max(255).optional(),
		dscp: z.int().min(0).max(63).optional(),
	}),
]);
const receiverKey = z.union([endpoint, z.strictObject({ address: text, port, vlan: receiverSettings.vlan })]);

/** For the document: what comes is judged by the table's own reader, as rules of a file are. */
export const ruleRequest = z.strictObject({
	match: z.union([endpoint, flowMatch]),
	media,
	permanent: z.boolean().optional(),
	receivers: z.array(receiverRequest),
});

/** The same. What is removed goes before what is added comes, all of it or nothing. */
export const receiversRequest = z.strictObject({
	add: z.array(receiverRequest).min(1).optional(),
	remove: z.array(receiverKey).min(1).optional(),
});

export type DistributionSnapshot = z.infer<typeof distributionSnapshot>;
export type RuleSummary = z.infer<typeof ruleSummary>;
export type RuleDetail = z.infer<typeof ruleDetail>;
export type ReceiverSnapshot = z.infer<typeof receiverSnapshot>;

export interface RuleChange {
	/** The rule's generation as the caller has seen it; 0: there was none. */
	readonly ifGeneration?: number;
}

/**
 * Everything behind the API. Changes resolve when the engine has carried them out; where it has not, the rule says why
 * in `fault`. They throw PenstockError RULE_*.
 */
export interface DistributionModel {
	snapshot(): Promise<DistributionSnapshot>;
	/** In the order of their names. */
	rules(): Promise<readonly RuleSummary[]>;
	rule(name: string): Promise<RuleDetail>;
	/** @param body a rule without its name, judged here */
	put(name: string, body: unknown, change: RuleChange): Promise<{ readonly rule: RuleDetail; readonly made: boolean }>;
	/** @param body `add` and `remove`, judged here */
	patch(name: string, body: unknown, change: RuleChange): Promise<RuleDetail>;
	delete(name: string, change: RuleChange): Promise<void>;
	/** Why no packets are distributed; undefined where they are. */
	readonly down: string | undefined;
	/** What is not as it should be, a sentence each. */
	readonly troubles: readonly string[];
}
