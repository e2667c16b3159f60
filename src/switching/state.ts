/**
 * What a policy sees, and what it answers. Plain values, so that a decision can be logged with its inputs, replayed
 * and tested without a server.
 */
import type { Name } from "../base/name.ts";
import type { BitsPerSecond, Milliseconds } from "../base/units.ts";

/** Where a figure comes from; a policy may weigh by it. */
export type FigureSource = "api" | "reported" | "emulated" | "measured";

export interface Figure<Value> {
	readonly value: Value;
	/** When it was obtained, by the server's monotonic clock. */
	readonly at: Milliseconds;
	readonly source: FigureSource;
}

/** Network bandwidth and decoding capability of one viewer (the design's first and second parameter). */
export interface ViewerFigures {
	readonly bandwidth?: Figure<BitsPerSecond>;
	/** Idle share of the viewer's CPU, 0 to 1. */
	readonly cpuIdle?: Figure<number>;
	/** Used share of the viewer's memory, 0 to 1. */
	readonly memoryUsed?: Figure<number>;
}

/** Processing capability of the server (the design's fourth parameter). */
export interface ServerFigures {
	/** Idle share of the machine's CPU, 0 to 1; undefined until it has been sampled. */
	readonly cpuIdle: number | undefined;
	/** Used share of the machine's memory, 0 to 1. */
	readonly memoryUsed: number | undefined;
	/** Delay of the event loop, 99th percentile of the last sample. */
	readonly eventLoopDelayMs: Milliseconds | undefined;
}

export interface RenditionFacts {
	readonly name: Name;
	/** As configured; a copied rendition's is measured. */
	readonly bitrate: BitsPerSecond;
	/** False while the rendition has nothing to switch to. */
	readonly available: boolean;
}

export interface SwitchingState {
	readonly now: Milliseconds;
	/** From the best to the lowest. */
	readonly renditions: readonly RenditionFacts[];
	readonly current: Name;
	/** A rendition that the viewer, or the operator for it, asked for; "auto" leaves it to the policy. */
	readonly wish: Name | "auto";
	readonly viewer: ViewerFigures;
	readonly server: ServerFigures;
}

/** Which parameter led to the decision; a metric label, so the set is closed. */
export type Cause = "wish" | "policy" | "network" | "terminal" | "server" | "unknown" | "unavailable";

export interface Because {
	readonly cause: Cause;
	/** One clause for people, with the figures. */
	readonly text: string;
}

export type Decision =
	| { readonly kind: "hold"; readonly because: Because }
	| { readonly kind: "switch"; readonly to: Name; readonly because: Because };

/** Asked once per viewer at the end of each unit. Pure: the same state gives the same decision. */
export interface Policy {
	readonly name: string;
	decide(state: SwitchingState): Decision;
}

export const hold = (cause: Cause, text: string): Decision => ({ kind: "hold", because: { cause, text } });

/** A switch to `to`, or a hold where the viewer is there already. */
export const goTo = (state: SwitchingState, to: Name, cause: Cause, text: string): Decision =>
	to === state.current ? hold(cause, text) : { kind: "switch", to, because: { cause, text } };
