/** What the console reads of the API's answers about the distribution of packets (`/api/v1/distribution`, `/api/v1/rules`). */
import type { DropCounts } from "../wire/distributor-drops.ts";
import type { FlowMatch, Receiver } from "../wire/distributor-rule.ts";

/** Counters since the engine's start; bytes are those of UDP payloads. */
export interface TrafficAnswer {
	readonly packets: number;
	readonly bytes: number;
}

export interface EngineAnswer {
	/** As configured: `auto`, or a kind. */
	readonly wanted: string;
	/** What works now. */
	readonly kind: string;
	readonly backend: string;
	readonly state: "stopped" | "starting" | "up" | "ending" | "down";
	/** Why this one: a sentence. */
	readonly because: string;
	/** Those that would have been better, and cannot work here. */
	readonly refused: readonly { readonly kind: string; readonly why: string }[];
	/** What is not as it should be. */
	readonly trouble?: string | undefined;
	readonly version: string;
	/** How often it was there again after it had gone. */
	readonly restarts: number;
}

export interface DistributionAnswer {
	readonly engine: EngineAnswer;
	readonly uptimeMs: number;
	/** CPU time of the process that forwards. */
	readonly cpuMs: number;
	readonly received: TrafficAnswer;
	/** Copies. */
	readonly sent: TrafficAnswer;
	/** Left to the kernel. */
	readonly passed: number;
	readonly drops: DropCounts;
	/** How many there are. */
	readonly rules: number;
	readonly receivers: number;
}

interface RuleHead {
	readonly name: string;
	readonly generation: number;
	readonly origin: "config" | "run-time" | "session";
	readonly match: FlowMatch;
	readonly media: string;
	readonly permanent: boolean;
	/** Why the engine does not carry it out. */
	readonly fault?: string | undefined;
	readonly received: TrafficAnswer;
	readonly sent: TrafficAnswer;
	readonly drops: DropCounts;
}

/** One of all rules. */
export interface RuleAnswer extends RuleHead {
	/** How many. */
	readonly receivers: number;
}

export interface ReceiverAnswer extends Partial<Receiver>, TrafficAnswer {
	readonly address: string;
	readonly port: number;
	/** Part of the server that takes the packets; it comes and goes by itself. */
	readonly owner?: string | undefined;
	readonly drops: DropCounts;
	readonly state: "ready" | "unresolved";
}

/** A rule by itself. */
export interface WholeRuleAnswer extends RuleHead {
	readonly receivers: readonly ReceiverAnswer[];
}
