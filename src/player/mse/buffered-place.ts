/** Places in what an element has buffered. Seconds on the element's timeline. */

/** What `TimeRanges` has. */
export interface Ranges {
	readonly length: number;
	start(index: number): number;
	end(index: number): number;
}

/** Nearer to a range's end nothing is left to show: less than two pictures. */
const AT_END = 0.06;
/** Behind a range's start, so that rounding does not put it in front. */
const INSIDE = 0.001;
/** A track may begin this much later than the other. */
const SLACK = 0.05;

/** The index of the range that holds `seconds`; -1 where none does. */
function rangeAt(ranges: Ranges, seconds: number): number {
	for (let i = ranges.length - 1; i >= 0; i--) {
		if (seconds >= ranges.start(i) - SLACK && seconds <= ranges.end(i) + SLACK) return i;
	}
	return -1;
}

/** `lagSeconds` in front of `end`, or as far as the range reaches that ends there; undefined where there is none. */
export function placeBefore(ranges: Ranges, end: number, lagSeconds: number): number | undefined {
	const index = rangeAt(ranges, end);
	if (index < 0) return undefined;
	return Math.max(ranges.start(index) + INSIDE, Math.min(end, ranges.end(index)) - lagSeconds);
}

/**
 * Where to go on from a place at which nothing is left, over the hole behind it; undefined where it can play on, or
 * nothing is behind.
 */
export function placeBehindHole(ranges: Ranges, position: number): number | undefined {
	for (let i = 0; i < ranges.length; i++) {
		if (position < ranges.start(i)) return ranges.start(i) + INSIDE;
		if (position < ranges.end(i) - AT_END) return undefined;
	}
	return undefined;
}
