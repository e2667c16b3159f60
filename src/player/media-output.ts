/**
 * Where media goes that a connection has read, in the thread that reads it: the WebCodecs renderer's worker side, or
 * the feeder of MSE.
 */
import type { Milliseconds } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import type { UnitStart } from "../media/stream-reader.ts";

export interface MediaOutput {
	/** Before the first access unit that needs it, and when a track's configuration changes, comes or goes. */
	decodeInformation(decode: DecodeInformation): void;
	unitStart(unit: UnitStart): void;
	/** @param arrivedAt on the thread's own `performance.now()` */
	accessUnit(accessUnit: AccessUnit, arrivedAt: Milliseconds): void;
	/** What comes next is of a new connection: there may be a hole, and times may begin anew. */
	reconnected(): void;
	/** Nothing more comes: what is there is played to its end. */
	end(): void;
	/** It holds far more than it can use soon: nothing more is read until this is false again. */
	readonly backlogged: boolean;
	destroy(): void;
}
