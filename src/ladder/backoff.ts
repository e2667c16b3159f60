/**
 * How long to wait before FFmpeg is started again, and when to stop being hopeful.
 * The first restart comes at once as far as a viewer can tell; the following ones wait twice as long each, up to 30 s,
 * with jitter, so that a hundred channels of one dead source do not knock in step. A run that stayed healthy for 10 s
 * sets that back. Five failures within 60 s use up the budget: from then on one try every 30 s.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
const HEALTHY_AFTER_MS = 10_000;
const BUDGET_FAILURES = 5;
const BUDGET_WINDOW_MS = 60_000;
/** A delay is multiplied by 1 ± this. */
const JITTER = 0.25;

export interface RestartDelay {
	readonly delay: Milliseconds;
	/** The budget is used up. */
	readonly failing: boolean;
}

export class Backoff {
	readonly #random: () => number;
	#step = 0;
	#failures: Milliseconds[] = [];

	/** @param random as Math.random */
	constructor(random: () => number) {
		this.#random = random;
	}

	/**
	 * @param now monotonic
	 * @param healthyFor how long the run that failed had given output; 0 if it never did
	 */
	failed(now: Milliseconds, healthyFor: Milliseconds): RestartDelay {
		if (healthyFor >= HEALTHY_AFTER_MS) this.#step = 0;
		this.#failures = [...this.#failures.filter((at) => now - at < BUDGET_WINDOW_MS), now].slice(-BUDGET_FAILURES);
		const failing = this.#failures.length >= BUDGET_FAILURES;
		const doubled = Math.min(FIRST_DELAY_MS * 2 ** this.#step, LONGEST_DELAY_MS);
		if (doubled < LONGEST_DELAY_MS) this.#step++;
		const jitter = this.#step === 1 ? 1 : 1 - JITTER + 2 * JITTER * this.#random();
		const delay = failing ? LONGEST_DELAY_MS : Math.min(doubled * jitter, LONGEST_DELAY_MS);
		return { delay: milliseconds(Math.round(delay)), failing };
	}
}
