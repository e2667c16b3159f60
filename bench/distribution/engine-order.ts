/** What the benchmark and the process with one of our engines say to each other. */
import type { EngineKind } from "../../dist/wire/distributor-answer.js";

/** On its command line, as JSON. */
export interface EngineSettings {
	readonly engine: EngineKind;
	/** The native program, and its arguments besides engine and control socket. */
	readonly distributor: string;
	readonly arguments: readonly string[];
	/** Of the flow. */
	readonly match: { readonly address: string; readonly port: number };
}

export type EngineOrder =
	/** Has the rule's packets sent to these; answered when the engine does. */
	| { readonly do: "receivers"; readonly receivers: readonly { readonly address: string; readonly port: number }[] }
	| { readonly do: "figures" }
	| { readonly do: "stop" };

/** Every answer. */
export interface EngineFigures {
	/** Of the process that forwards the packets. */
	readonly pid: number;
	readonly sentPackets: number;
}
