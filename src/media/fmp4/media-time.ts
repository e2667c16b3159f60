/**
 * Times of a track to the house's clock. A track counts in a timescale of its own, in 64 bits from anywhere (some
 * streams count 10 MHz since 1970, beyond 2⁵³), so that a time is kept as whole seconds and what is over: each access
 * unit's time is then rounded once, from its own count, and no error adds up.
 */
import { readUint32 } from "../../base/bytes.ts";
import { type Ticks90k, ticks90k } from "../../base/units.ts";

/** Units in a second, in all that this house writes: its own clock, so that no time is ever rounded. */
export const WRITTEN_TIMESCALE = 90_000;
const TICKS_PER_SECOND = 90_000;

/** `seconds` + `rest` / timescale. */
export interface MediaTime {
	readonly seconds: number;
	readonly rest: number;
}

/** Reads 64 bits. */
export function absoluteTime(bytes: Uint8Array, at: number, timescale: number): MediaTime {
	const count = (BigInt(readUint32(bytes, at)) << 32n) | BigInt(readUint32(bytes, at + 4));
	const scale = BigInt(timescale);
	return { seconds: Number(count / scale), rest: Number(count % scale) };
}

/** Of a count below 2⁵³, which may be negative. */
export const mediaTime = (count: number, timescale: number): MediaTime => {
	const seconds = Math.floor(count / timescale);
	return { seconds, rest: count - seconds * timescale };
};

/** `elapsed` (in the timescale) later. */
export function later(time: MediaTime, elapsed: number, timescale: number): MediaTime {
	const step = mediaTime(time.rest + elapsed, timescale);
	return { seconds: time.seconds + step.seconds, rest: step.rest };
}

/** In ticks, `elapsed` (in the timescale) later; not a safe integer where the time is beyond all reason. */
export const ticksOf = (time: MediaTime, elapsed: number, timescale: number): Ticks90k =>
	ticks90k(time.seconds * TICKS_PER_SECOND + Math.round(((time.rest + elapsed) * TICKS_PER_SECOND) / timescale));
