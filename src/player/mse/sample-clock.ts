/**
 * Times of audio frames by the count of their samples. Some packagings round times to milliseconds; frames that overlap
 * by such a rounding would be cut by a browser, which is heard.
 */
import type { Ticks90k } from "../../base/units.ts";

/** A stamp this far from the count is another time, and not rounding: 1.5 ms, in ticks. */
const TOLERANCE = 135;
const TICKS_PER_SECOND = 90_000;

export interface PlacedFrame {
	/** Ticks, whole. */
	readonly time: number;
	readonly duration: number;
	/** Samples missing in front of it; below 0: too many. 0 at the first. */
	readonly gapSamples: number;
}

export class SampleClock {
	readonly #rateHz: number;
	#anchor: number | undefined;
	#samples = 0;

	constructor(rateHz: number) {
		this.#rateHz = rateHz;
	}

	place(stamp: Ticks90k, samples: number): PlacedFrame {
		const due = this.#anchor === undefined ? stamp : this.#at(this.#samples);
		const apart = stamp - due;
		if (this.#anchor === undefined || Math.abs(apart) > TOLERANCE) {
			this.#anchor = stamp;
			this.#samples = 0;
		}
		const from = Math.round(this.#at(this.#samples));
		this.#samples += samples;
		const isOther = Math.abs(apart) > TOLERANCE;
		return {
			time: from,
			duration: Math.round(this.#at(this.#samples)) - from,
			gapSamples: isOther ? Math.round((apart * this.#rateHz) / TICKS_PER_SECOND) : 0,
		};
	}

	#at(samples: number): number {
		return this.#anchor! + (samples * TICKS_PER_SECOND) / this.#rateHz;
	}
}
