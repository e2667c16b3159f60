/**
 * Figures over time, kept in the page: samples of several figures at the same moments, the oldest forgotten. And a book
 * of such histories, of which the one longest untouched is forgotten first. Both are bounded.
 */

/** What was not known at a moment. */
export type Sample = number | null;

export interface Columns {
	/** Seconds since 1970, rising. */
	readonly times: readonly number[];
	/** One for each figure. */
	readonly columns: readonly (readonly Sample[])[];
}

/** How long a figure is kept, and how many samples at most. */
export const KEEP_MS = 600_000;
const MOST_SAMPLES = 700;
const MOST_HISTORIES = 256;

export class History implements Columns {
	readonly times: number[] = [];
	readonly columns: Sample[][];

	/** @param figures how many there are of them at each moment */
	constructor(figures: number) {
		this.columns = Array.from({ length: figures }, () => []);
	}

	/** A moment that is not after the last one takes its place. */
	add(epochMs: number, values: readonly (number | null | undefined)[]): void {
		const at = epochMs / 1000;
		const last = this.times.at(-1);
		if (last !== undefined && at <= last) this.#drop(this.times.length - 1, 1);
		const time = last === undefined ? at : Math.max(at, last);
		this.times.push(time);
		for (const [index, column] of this.columns.entries()) column.push(values[index] ?? null);
		const old = this.times.findIndex((one) => one >= time - KEEP_MS / 1000);
		const surplus = Math.max(old, this.times.length - MOST_SAMPLES);
		if (surplus > 0) this.#drop(0, surplus);
	}

	#drop(from: number, count: number): void {
		for (const column of [this.times, ...this.columns]) column.splice(from, count);
	}
}

export class HistoryBook {
	readonly #histories = new Map<string, History>();

	/** @param begin makes the history where there is none of this name */
	open(name: string, begin: () => History): History {
		const history = this.#histories.get(name) ?? begin();
		this.#histories.delete(name);
		this.#histories.set(name, history);
		if (this.#histories.size > MOST_HISTORIES) this.#histories.delete(this.#histories.keys().next().value!);
		return history;
	}
}
