/** Notices when nothing comes any more: calls `silent` once, when `within` has passed since the last sign of life. */
import type { Clock, Timer } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

export class SilenceWatch {
	readonly #clock: Clock;
	readonly #within: Milliseconds;
	readonly #silent: () => void;
	#lastAt: Milliseconds;
	#timer: Timer;

	constructor(clock: Clock, within: Milliseconds, silent: () => void) {
		this.#clock = clock;
		this.#within = within;
		this.#silent = silent;
		this.#lastAt = clock.now();
		this.#timer = clock.after(within, () => this.#look());
	}

	/** A sign of life. Costs nothing: no timer is set anew. */
	heard(): void {
		this.#lastAt = this.#clock.now();
	}

	stop(): void {
		this.#timer.cancel();
	}

	#look(): void {
		const left = this.#lastAt + this.#within - this.#clock.now();
		if (left <= 0) this.#silent();
		else this.#timer = this.#clock.after(left, () => this.#look());
	}
}
