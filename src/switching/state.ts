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
	/** Media that the viewer has and has not shown yet. */
	readonly buffer?: Figure<Milliseconds>;
	/** Share of the frames due since the report before that the viewer's decoder dropped, 0 to 1. */
	readonly droppedShare?: Figure<number>;
	/** The best rendition that the viewer's decoder says it plays smoothly. */
	readonly smoothUpTo?: Figure<Name>;
	/** Nobody looks: a hidden tab. */
	readonly hidden?: Figure<boolean>;
	/** The most that is of use to the viewer, by its own account (CMCD `rtp`). */
	readonly maxBitrate?: Figure<BitsPerSecond>;
}

/** A possible change of the capacity from one unit to the next, and how much it weighs among the others. */
export interface CapacityChange {
	readonly ratio: number;
	readonly weight: number;
}

/** What the server's side of a viewer's connection tells of the network (S11); `link-tracker.ts` makes it. */
export interface NetworkState {
	/** When the first look was taken. */
	readonly since: Milliseconds;
	/** The best estimate of what the network takes now; undefined until there is evidence. */
	readonly capacity: BitsPerSecond | undefined;
	/** When that evidence was. */
	readonly capacityAt: Milliseconds;
	/**
	 * From a queue that was never empty, or from a burst that was timed. Or a lower bound only: of a burst that went out
	 * no faster than its sender's own pace and met no queue, or what the stream itself has taken.
	 */
	readonly basis: "busy" | "train" | "paced" | "floor";
	/** For how long the oldest byte that is not acknowledged has been due: 0 while there is no queue. */
	readonly overdue: Milliseconds;
	/** Handed to the connection and not acknowledged; and how much media that is. */
	readonly outstandingBytes: number;
	readonly outstandingMedia: Milliseconds;
	readonly roundTrip: Milliseconds;
	readonly minRoundTrip: Milliseconds;
	/** How the capacity may change by the next unit, from how it has changed so far: the worst first. */
	readonly changes: readonly CapacityChange[];
	/** Mean of |ln quotient|, the newest weigh most. */
	readonly variability: number;
	/** Share of the last second in which the viewer's receive window held us back, 0 to 1: the viewer, not the network. */
	readonly receiverLimited: number;
}

/** Where in the stream a viewer is when its policy is asked. */
export interface StreamPosition {
	/** Within a unit only to decide early what comes after it. */
	readonly moment: "unit-end" | "within-unit";
	/** Duration of a unit. */
	readonly unit: Milliseconds;
	/** Media of the current unit that the encoder has not given yet; 0 at its end. */
	readonly remaining: Milliseconds;
	/** Bytes of the current unit that are there and not yet handed to the connection. */
	readonly waitingBytes: number;
	/** How long ago the current unit was whole: 0 for a viewer at the live edge. */
	readonly lag: Milliseconds;
}

/** A switch that was made. */
export interface PastSwitch {
	readonly at: Milliseconds;
	readonly from: Name;
	readonly to: Name;
	readonly cause: Cause;
	/** What the network was taken to take then. */
	readonly capacity?: BitsPerSecond;
}

/** Processing capability of the server (the design's fourth parameter). */
export interface ServerFigures {
	/** Idle share of the machine's CPU, 0 to 1; undefined until it has been sampled. */
	readonly cpuIdle: number | undefined;
	/** Used share of the machine's memory, 0 to 1. */
	readonly memoryUsed: number | undefined;
	/** Delay of the event loop, 99th percentile of the last sample. */
	readonly eventLoopDelayMs: Milliseconds | undefined;
	/** What it sends to all viewers. */
	readonly egress?: BitsPerSecond;
	/** The most that its network takes; undefined where nobody has said. */
	readonly egressLimit?: BitsPerSecond;
	/** Of the slowest encoder whose source is read at its own pace, over the last seconds; 1 is real time. */
	readonly encoderSpeed?: number;
	/** Undefined: the server bears every rendition. `server-load.ts` says when it does not. */
	readonly duress?: ServerDuress;
}

/** What an overloaded server asks of its viewers. */
export interface ServerDuress {
	/** "freeze": nobody goes up. "shed": and nobody has the best rendition, either. */
	readonly level: "freeze" | "shed";
	/** Which figure, with its numbers. */
	readonly text: string;
}

export interface RenditionFacts {
	readonly name: Name;
	/** As configured; a copied rendition's is measured. */
	readonly bitrate: BitsPerSecond;
	/** What a viewer of it is sent in all: with audio and with what the packaging adds. */
	readonly streamBitrate: BitsPerSecond;
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
	/** Undefined where nothing is known of the connection. */
	readonly network?: NetworkState;
	readonly position: StreamPosition;
	/** The newest last. */
	readonly history: readonly PastSwitch[];
	/** What was decided within the current unit for its end. */
	readonly planned?: Name;
}

/** Which parameter led to the decision; a metric label, so the set is closed. */
export const CAUSES = ["wish", "policy", "network", "terminal", "server", "unknown", "unavailable"] as const;
export type Cause = (typeof CAUSES)[number];

export interface Because {
	readonly cause: Cause;
	/** One clause for people, with the figures. */
	readonly text: string;
}

export type Decision =
	| { readonly kind: "hold"; readonly because: Because }
	| { readonly kind: "switch"; readonly to: Name; readonly because: Because };

/**
 * Asked for each viewer at the end of each unit and, if it wants to, whenever there is news of the connection: what it
 * decides then holds from the unit's end on, unless it decides otherwise there. Pure: the same state gives the same
 * decision.
 */
export interface Policy {
	readonly name: string;
	/** Whether it is asked within units, too. */
	readonly watches?: boolean;
	/** For how long a queue has stood before it is. From its first moment on where this is left out, or of a module's. */
	readonly patience?: Milliseconds;
	decide(state: SwitchingState): Decision;
}

/** What a module with a policy of one's own exports as `createPolicy`; `docs/policies.md` has the contract. */
export type CreatePolicy = (settings: Readonly<Record<string, unknown>>) => Policy | Promise<Policy>;

export const hold = (cause: Cause, text: string): Decision => ({ kind: "hold", because: { cause, text } });

/** A switch to `to`, or a hold where the viewer is there already. */
export const goTo = (state: SwitchingState, to: Name, cause: Cause, text: string): Decision =>
	to === state.current ? hold(cause, text) : { kind: "switch", to, because: { cause, text } };
