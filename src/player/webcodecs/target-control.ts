/**
 * How much is kept in hand between arrival and showing: as little as this network and this machine bear. Up at once
 * when something ran dry, down slowly when nothing has for a while.
 */
import { type Milliseconds, milliseconds } from "../../base/units.ts";

const DEFAULT_MS = 60;
const LEAST_MS = 40;
const MOST_MS = 200;
/** Of what a page may ask for. */
const LEAST_ASKED_MS = 20;
const MOST_ASKED_MS = 10_000;
/** Beyond the jitter: an audio frame, what a sound card takes at a time, a thread that is late. */
const MARGIN_MS = 35;
const UP_MS = 25;
/** Several at once are one. */
const UP_EVERY_MS = 500;
const CALM_MS = 10_000;
/** For each look, of which there are four a second. */
const DOWN_MS = 0.5;
const RISE_MS = 4;

export class TargetControl {
	readonly #least: number;
	readonly #most: number;
	#target: number;
	#upAt = Number.NEGATIVE_INFINITY;

	/** @param asked by the page: it is the least then */
	constructor(asked: number | undefined) {
		const wanted = asked === undefined ? undefined : Math.min(MOST_ASKED_MS, Math.max(LEAST_ASKED_MS, asked));
		this.#target = wanted ?? DEFAULT_MS;
		this.#least = wanted ?? LEAST_MS;
		this.#most = Math.max(MOST_MS, this.#least);
	}

	get target(): Milliseconds {
		return milliseconds(this.#target);
	}

	/** Nothing was there in time. */
	ranDry(now: Milliseconds): void {
		if (now - this.#upAt < UP_EVERY_MS) return;
		this.#upAt = now;
		this.#target = Math.min(this.#most, this.#target + UP_MS);
	}

	/** Four times a second. */
	look(now: Milliseconds, jitter: Milliseconds): void {
		const wanted = Math.min(this.#most, Math.max(this.#least, jitter + MARGIN_MS));
		if (wanted > this.#target) this.#target = Math.min(wanted, this.#target + RISE_MS);
		else if (now - this.#upAt > CALM_MS) this.#target = Math.max(wanted, this.#target - DOWN_MS);
	}
}
