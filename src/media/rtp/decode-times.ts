/**
 * Decoding times for pictures that tell only when they are shown, as RTP's do. With at most `depth` pictures that come
 * before another and are shown after it, the n-th picture is decoded at the (n − depth)-th of the times so far.
 * Where nobody says the depth, or says it wrong, it is learnt from pictures that come out of order.
 * Invariant: dts ≤ pts, and dts grows with every picture.
 */

/** The depth that a stream may have (ITU-T H.264, annex A: at most 16 frames in the decoded picture buffer). */
export const MOST_REORDER_DEPTH = 16;
/** The distance of the first decoding times, before there is anything to take them from: a 30th of a second. */
const FIRST_STEP = 3000;

export class DecodeTimes {
	#depth = 0;
	/** The latest times, in order: `depth` of them once that many have come. */
	readonly #times: number[] = [];
	#last = Number.NEGATIVE_INFINITY;
	/** The latest time that a picture of this stretch is shown. */
	#highest = Number.NEGATIVE_INFINITY;

	/** @param depth of the pictures from here on; one that was learnt stays where it is greater */
	expect(depth: number): void {
		this.#depth = Math.max(this.#depth, Math.min(depth, MOST_REORDER_DEPTH));
	}

	/**
	 * The times of the next picture in decoding order.
	 * @param pts a whole number
	 * @returns `pts` may be moved, by a picture's duration or so, where a picture came out of order by more than was known
	 */
	next(pts: number): { readonly pts: number; readonly dts: number } {
		let dts = this.#reckon(pts);
		if (dts <= this.#last) {
			// Times that stand still are no pictures out of order.
			if (pts < this.#highest && this.#depth < MOST_REORDER_DEPTH) this.#depth++;
			dts = this.#last + 1;
		}
		this.#highest = Math.max(this.#highest, pts);
		this.#last = dts;
		return { pts: Math.max(pts, dts), dts };
	}

	/** What follows has other times. */
	restart(): void {
		this.#times.length = 0;
		this.#highest = Number.NEGATIVE_INFINITY;
	}

	#reckon(pts: number): number {
		const times = this.#times;
		let at = times.length;
		while (at > 0 && times[at - 1]! > pts) at--;
		times.splice(at, 0, pts);
		const missing = this.#depth + 1 - times.length;
		if (missing > 0) return times[0]! - missing * FIRST_STEP;
		const [dts] = times;
		times.splice(0, times.length - this.#depth);
		return dts!;
	}
}
