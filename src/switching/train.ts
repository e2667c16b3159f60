/** The burst that opens a unit, while it is on its way: what has arrived of it, and the rate that this tells of. */
import type { Milliseconds } from "../base/units.ts";

/** What must have arrived of a train, and how far two looks must be apart, to be told a rate by. */
const LEAST_SHARE = 0.5;
const LEAST_BETWEEN_MS = 20;
/** Three segments: of less, the kernel's stamps of acknowledgements are too coarse to tell a rate. */
const LEAST_BYTES = 3 * 1448;
/** The shortest time that is told apart: the kernel stamps acknowledgements to a few milliseconds. */
const LEAST_TRAIN_MS = 2;

export interface Train {
	readonly at: Milliseconds;
	readonly start: number;
	end: number;
	/** When the burst behind it was sent, and where that ends. */
	nextAt: number;
	nextEnd: number;
	looks: number;
	/** Of the first look and the last one that found it on its way: what had arrived, and until when. */
	readonly first: Arrived;
	readonly last: Arrived;
}

interface Arrived {
	bytes: number;
	at: number;
}

export function noteArrived({ first, last }: Train, bytes: number, at: number): void {
	if (first.bytes === 0) [first.bytes, first.at] = [bytes, at];
	[last.bytes, last.at] = [bytes, at];
}

/**
 * Bits per second of a train that was seen on its way with at least half of it arrived. A shaper may let a train's
 * beginning pass for nothing: where two looks are far enough apart, what came between them is the upper bound.
 */
export function rateOf({ start, end, at, first, last }: Train, minRoundTrip: number): number | undefined {
	if (last.bytes < Math.max(LEAST_BYTES, LEAST_SHARE * (end - start))) return undefined;
	const rate = (last.bytes * 8000) / Math.max(LEAST_TRAIN_MS, last.at - at - minRoundTrip);
	const between = last.at - first.at;
	if (between < LEAST_BETWEEN_MS) return rate;
	return Math.min(rate, ((last.bytes - first.bytes) * 8000) / between);
}

/**
 * The same of a train that was through when somebody looked, by what arrived last, if that was sent while the train was
 * still on its way: else the time between does not belong to it.
 */
export function rateWithNext(train: Train, arrived: Arrived, minRoundTrip: number): number | undefined {
	const { start, end, at, nextAt, nextEnd } = train;
	if (arrived.bytes < LEAST_BYTES || arrived.bytes + start > nextEnd) return undefined;
	const took = Math.max(LEAST_TRAIN_MS, arrived.at - at - minRoundTrip);
	const through = at + minRoundTrip + (took * (end - start)) / Math.max(arrived.bytes, end - start);
	const isOne = nextAt + minRoundTrip <= through || start + arrived.bytes < end;
	return isOne ? (arrived.bytes * 8000) / took : undefined;
}

export const NOTHING: Arrived = { bytes: 0, at: 0 };
