/**
 * A throughput rule in the form that hls.js made common: two exponentially weighted means of the download rates, a fast
 * and a slow one, of which the smaller counts; less of it for a climb than for staying. No segment is ever abandoned.
 * A sketch of the idea, not of the product.
 */
import type { ClientView, Download, SegmentRule } from "./client-session.ts";

/** After so many seconds of downloading, a rate counts half. */
const FAST_HALF_LIFE_S = 3;
const SLOW_HALF_LIFE_S = 9;
/** Of the estimate, what a rung may need that is not above the present one, and one that is. */
const STAY_FACTOR = 0.95;
const CLIMB_FACTOR = 0.7;
/** Before anything has been measured. */
const FIRST_GUESS_BPS = 500_000;
/** A shorter transfer says little and is counted as if it had taken this long. */
const LEAST_TRANSFER_MS = 50;

export class ThroughputRule implements SegmentRule {
	readonly #fast = new WeightedMean(FAST_HALF_LIFE_S);
	readonly #slow = new WeightedMean(SLOW_HALF_LIFE_S);

	choose({ bitratesBps, rung: current }: ClientView): number {
		const estimate = Math.min(this.#fast.value ?? FIRST_GUESS_BPS, this.#slow.value ?? FIRST_GUESS_BPS);
		for (let rung = bitratesBps.length - 1; rung > 0; rung--) {
			const factor = rung > current ? CLIMB_FACTOR : STAY_FACTOR;
			if (bitratesBps[rung]! < factor * estimate) return rung;
		}
		return 0;
	}

	downloaded({ bytes, transferMs }: Download): void {
		const ms = Math.max(transferMs, LEAST_TRANSFER_MS);
		this.#fast.add(ms / 1000, (bytes * 8000) / ms);
		this.#slow.add(ms / 1000, (bytes * 8000) / ms);
	}
}

/** Exponential, corrected for having begun at 0. */
class WeightedMean {
	readonly #perSecond: number;
	#sum = 0;
	#seconds = 0;

	constructor(halfLifeS: number) {
		this.#perSecond = 0.5 ** (1 / halfLifeS);
	}

	add(seconds: number, value: number): void {
		const kept = this.#perSecond ** seconds;
		this.#sum = kept * this.#sum + (1 - kept) * value;
		this.#seconds += seconds;
	}

	get value(): number | undefined {
		return this.#seconds === 0 ? undefined : this.#sum / (1 - this.#perSecond ** this.#seconds);
	}
}
