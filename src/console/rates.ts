/**
 * Counters that rise, as rates: how much they rose in the last seconds. What begins anew (a counter that is lower than it
 * was) is followed anew.
 */

/** A rate is that of so long, so that it does not flicker. */
const WINDOW_MS = 3_000;

interface Sample {
	readonly atMs: number;
	readonly counts: readonly number[];
}

export class Rates {
	readonly #samples = new Map<string, Sample[]>();

	/**
	 * One look at everything that is counted; what is not in it is forgotten.
	 * @param atMs when, by a clock that never goes back
	 */
	note(atMs: number, counts: ReadonlyMap<string, readonly number[]>): void {
		for (const key of this.#samples.keys()) if (!counts.has(key)) this.#samples.delete(key);
		for (const [key, now] of counts) {
			const samples = this.#samples.get(key) ?? [];
			this.#samples.set(key, samples);
			const last = samples.at(-1);
			if (last !== undefined && (atMs <= last.atMs || now.some((count, at) => count < last.counts[at]!))) {
				samples.length = 0;
			}
			samples.push({ atMs, counts: now });
			// One that is as old as the window stays, as the beginning of it.
			while (samples.length > 2 && samples[1]!.atMs <= atMs - WINDOW_MS) samples.shift();
		}
	}

	/** By second, in the order of the counts; undefined until there are two looks. */
	of(key: string): readonly number[] | undefined {
		const samples = this.#samples.get(key);
		if (samples === undefined || samples.length < 2) return undefined;
		const [first, last] = [samples[0]!, samples.at(-1)!];
		const seconds = (last.atMs - first.atMs) / 1000;
		return last.counts.map((count, at) => (count - first.counts[at]!) / seconds);
	}
}
