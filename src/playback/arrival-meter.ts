/**
 * How early media can come at best: the least of arrival less media time over the last minute or two, so that a clock
 * which drifts from the sender's is followed.
 */
import type { Milliseconds } from "../base/units.ts";

const WINDOW_MS = 60_000;

export class ArrivalMeter {
	/** The window under way and the one before. */
	#windows: { readonly since: number; best: number }[] = [];

	add(mediaMs: number, arrivedAt: Milliseconds): void {
		const early = arrivedAt - mediaMs;
		const last = this.#windows.at(-1);
		if (last === undefined || arrivedAt - last.since > WINDOW_MS) {
			this.#windows = [...this.#windows.slice(-1), { since: arrivedAt, best: early }];
		} else last.best = Math.min(last.best, early);
	}

	/** Undefined before anything came. */
	best(now: Milliseconds): number | undefined {
		this.#windows = this.#windows.filter(({ since }) => now - since <= 2 * WINDOW_MS);
		return this.#windows.length === 0 ? undefined : Math.min(...this.#windows.map(({ best }) => best));
	}

	/** Media time is another from here on. */
	forget(): void {
		this.#windows = [];
	}
}
