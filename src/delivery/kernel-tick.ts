/**
 * The kernel's slow clock. TCP_INFO tells how long ago an acknowledgement came in whole ticks of it (4 ms where it
 * ticks 250 times a second): who knows when it last ticked knows the time to half of that, else only to twice as much.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

/** Clocks drift, if slowly. */
const READ_AGAIN_MS = 10_000;

export class KernelTick {
	readonly #readLast: () => number;
	readonly #period: number;
	#last: number;

	/**
	 * @param readLast when it last ticked, on the clock of `performance.now()`
	 * @param period from tick to tick, in milliseconds
	 */
	constructor(readLast: () => number, period: number) {
		this.#readLast = readLast;
		this.#period = period;
		this.#last = readLast();
	}

	/** When something happened that the kernel says was `ago` ticks' time before `now`; never later than now. */
	timeOf(now: Milliseconds, ago: number): Milliseconds {
		if (now - this.#last > READ_AGAIN_MS) this.#last = this.#readLast();
		const sinceTick = (now - this.#last) % this.#period;
		return milliseconds(Math.min(now, now - sinceTick - ago + this.#period / 2));
	}
}
