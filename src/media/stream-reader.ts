/**
 * The seam between bytes and access units, the other way round from `packaging.ts`: what every reader of a packaging
 * takes and gives, so that a player, an ingest or an edge needs to know nothing of the container.
 *
 * Invariants, of every reader: what it gives does not depend on how the input was cut into pieces; an access unit
 * comes out whole or not at all; broken input is told to `fault` and read past, to the next place where the packaging
 * can be taken up again, and never thrown; memory is bounded whatever comes.
 */
import type { PenstockError } from "../base/errors.ts";
import type { Ticks90k } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "./access-unit.ts";

/** Where a unit begins, as far as the packaging tells. */
export interface UnitStart {
	/** PTS of the unit's first access unit. */
	readonly time: Ticks90k;
	/** Which rendition the unit is of, and its number in the channel; only Penstock's streams say it. */
	readonly rendition?: string;
	readonly number?: number;
}

/** Gets what a reader finds, in the stream's order, from within `push` and `end`. */
export interface StreamSink {
	/** Its `data` is the sink's to keep. */
	accessUnit(accessUnit: AccessUnit): void;
	/** Before the first access unit that needs it; again when, and only when, a track's configuration changes, comes or goes. */
	decodeInformation?(decode: DecodeInformation): void;
	/** Before the first access unit of a unit, and behind the decode information where that changes. */
	unitStart?(unit: UnitStart): void;
	/** Something that was left out of the input, with the offset in bytes; once for each place. */
	fault?(error: PenstockError): void;
}

export interface StreamReader {
	/** @param bytes any number of them; not kept. Throws only what the sink throws. */
	push(bytes: Uint8Array): void;
	/** No more comes: what is whole comes out. */
	end(): void;
	/** Bytes kept for what has begun; bounded. */
	readonly heldBytes: number;
	/** Faults so far. */
	readonly faults: number;
}
