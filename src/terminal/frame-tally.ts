/**
 * Counts the test signal's frames: each number is to come once and in order. Numbers have 20 bits and begin again
 * after 9.7 hours of 30 frames a second; a source that is started afresh begins again, too, and is not a loss.
 */
import { COUNTER_BITS, type FrameReading } from "../media/test-signal.ts";

const MODULUS = 2 ** COUNTER_BITS;
/** A number that lies at most so far back is a repeat; one farther back, a source that began again. */
const REPEAT_REACH = 256;
/** A number that lies farther ahead than this is no gap but a source that began elsewhere. */
const GAP_REACH = MODULUS / 2;

export interface FrameCount {
	readonly framesRead: number;
	/** The first number that was read, and the latest; undefined before the first. */
	readonly firstFrame: number | undefined;
	readonly lastFrame: number | undefined;
	readonly framesMissing: number;
	readonly framesRepeated: number;
	/** Pictures without a number that holds together. */
	readonly framesUnreadable: number;
	/** How often the numbers began again. */
	readonly restarts: number;
}

export class FrameTally {
	#read = 0;
	#first: number | undefined;
	#last: number | undefined;
	/** The number that is to come next. */
	#next = 0;
	#missing = 0;
	#repeated = 0;
	#unreadable = 0;
	#restarts = 0;

	add({ counter, checksumOk }: FrameReading): void {
		if (!checksumOk) {
			this.#unreadable++;
			return;
		}
		this.#read++;
		if (this.#first === undefined) this.#first = counter;
		else {
			const ahead = (counter - this.#next + MODULUS) % MODULUS;
			const back = MODULUS - ahead;
			if (ahead > 0 && back <= REPEAT_REACH) {
				this.#repeated++;
				return;
			}
			if (ahead < GAP_REACH) this.#missing += ahead;
			else this.#restarts++;
		}
		this.#last = counter;
		this.#next = (counter + 1) % MODULUS;
	}

	get count(): FrameCount {
		return {
			framesRead: this.#read,
			firstFrame: this.#first,
			lastFrame: this.#last,
			framesMissing: this.#missing,
			framesRepeated: this.#repeated,
			framesUnreadable: this.#unreadable,
			restarts: this.#restarts,
		};
	}
}

/** Whether each frame came once, and there was one at all. */
export const everyFrameOnce = (count: FrameCount): boolean =>
	count.framesRead > 0 && count.framesMissing + count.framesRepeated + count.framesUnreadable === 0;
