/**
 * How much is kept in hand between arrival and showing: as little as this network and this machine bear. The part for
 * what was seen to arrive late follows that; the part for what ran dry all the same comes at once,
 * and goes slowly when nothing has for a while.
 */
import { type Milliseconds, milliseconds } from "../../base/units.ts";

const DEFAULT_MS = 45;
const LEAST_MS = 40;
const MOST_MS = 200;
/** Of what a page may ask for. */
const LEAST_ASKED_MS = 20;
const MOST_ASKED_MS = 10_000;
/** Beyond the jitter: half of an audio frame, and what a sound card takes at a time. */
const MARGIN_MS = 15;
/** For each look, of which there are four a second. */
const STEP_MS = 4;
const UP_MS = 25;
/** Several at once are one. */
const UP_EVERY_MS = 500;
const CALM_MS = 5000;
const DOWN_MS = 1;

export class TargetControl {
	readonly #least: number;
	readonly #most: number;
	/** For the jitter. */
	#base: number;
	/** For what ran dry. */
	#extra = 0;
	#upAt = Number.NEGATIVE_INFINITY;

	/** @param asked by the page: it is the least then */
	constructor(asked: number | undefined) {
		const wanted = asked === undefined ? undefined : Math.min(MOST_ASKED_MS, Math.max(LEAST_ASKED_MS, asked));
		this.#base = wanted ?? DEFAULT_MS;
		this.#least = wanted ?? LEAST_MS;
		this.#most = Math.max(MOST_MS, this.#least);
	}

	get target(): Milliseconds {
		return milliseconds(Math.min(this.#most, this.#base + this.#extra));
	}

	/** Nothing was there in time. */
	ranDry(now: Milliseconds): void {
		if (now - this.#upAt < UP_EVERY_MS) return;
		this.#upAt = now;
		this.#extra = Math.min(this.#most - this.#least, this.#extra + UP_MS);
	}

	/** Four times a second. @param jitter undefined while nothing is known of it */
	look(now: Milliseconds, jitter: Milliseconds | undefined): void {
		if (jitter !== undefined) {
			const wanted = Math.min(this.#most, Math.max(this.#least, jitter + MARGIN_MS));
			this.#base = Math.min(this.#base + STEP_MS, Math.max(this.#base - STEP_MS, wanted));
		}
		if (now - this.#upAt > CALM_MS) this.#extra = Math.max(0, this.#extra - DOWN_MS);
	}
}
