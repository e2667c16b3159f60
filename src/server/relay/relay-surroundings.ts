/** What the sessions of the relay share. */
import type { Clock } from "../../base/clock.ts";
import type { PenstockError } from "../../base/errors.ts";
import type { Milliseconds } from "../../base/units.ts";
import type { StreamRules } from "./stream-rules.ts";

export interface RelaySurroundings {
	readonly clock: Clock;
	readonly rules: StreamRules;
	/** From 0 to below 1. */
	readonly random: () => number;
	/** From ANNOUNCE to RECORD. */
	readonly setupTimeout: Milliseconds;
	/** For faults that may come with every packet. */
	readonly onFault: (error: PenstockError) => void;
}
