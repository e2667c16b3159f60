/**
 * What sends the packets on: the one interface of all engines. An engine has a table of its own, which changes bring to
 * the state of the rule table; after every `up` it may be empty, and is brought there afresh (`rule-sync.ts`).
 */
import type { PenstockError } from "../base/errors.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import type {
	ChangeAnswer,
	EngineDescription,
	EngineEvent,
	EngineKind,
	EngineStats,
} from "../wire/distributor-answer.ts";

export type EngineState =
	| { readonly kind: "stopped" }
	| { readonly kind: "starting" }
	| { readonly kind: "up"; readonly description: EngineDescription }
	/** It works no more, and is not gone yet: `down` follows. */
	| { readonly kind: "ending"; readonly error: PenstockError }
	/** It is started again after a while. `failing`: so often that it is tried every 30 s only. */
	| { readonly kind: "down"; readonly error: PenstockError; readonly failing: boolean };

export interface EngineListener {
	/** Every change of the state. */
	readonly state: (state: EngineState) => void;
	readonly event: (event: EngineEvent) => void;
}

export interface StatsQuery {
	/** Of these rules alone. */
	readonly names?: readonly string[];
	/** With the figures of each receiver. */
	readonly receivers?: boolean;
}

export interface CaptureOrder {
	readonly name: string;
	readonly path: string;
	readonly packets: number;
	readonly durationMs?: number;
}

export interface DistributionEngine {
	readonly kind: EngineKind;
	readonly state: EngineState;
	/**
	 * Resolves when it is up for the first time. It keeps itself up from then on.
	 * @throws PenstockError where it cannot work here at all; it is stopped then
	 */
	start(listener: EngineListener): Promise<void>;
	/** In order; each change has its answer. Rejects where the engine is not up. */
	apply(changes: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]>;
	/** Which rules it has, and of which generation. */
	generations(): Promise<ReadonlyMap<string, number>>;
	/** Rules that are not permanent end so long from now, if nobody renews them. */
	lease(leaseMs: number): Promise<void>;
	stats(query: StatsQuery): Promise<EngineStats>;
	/** @throws PenstockError DISTRIBUTOR_REFUSED */
	capture(order: CaptureOrder): Promise<void>;
	/** Nothing is sent any more, and nothing of it is left. */
	stop(): Promise<void>;
}
