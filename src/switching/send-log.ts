/**
 * What was handed to a connection and has not been acknowledged: when, and up to where in the media. A ring of fixed
 * size; writes of the same few milliseconds are one entry, and when it is full the two oldest become one, which keeps
 * the age of the oldest byte true.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

const ENTRIES = 96;
/** Writes closer than this belong to one burst. */
const SAME_BURST_MS = 4;

export class SendLog {
	readonly #ends = new Float64Array(ENTRIES);
	readonly #times = new Float64Array(ENTRIES);
	readonly #media = new Float64Array(ENTRIES);
	#first = 0;
	#length = 0;
	#firstStart = 0;
	#sentBytes = 0;
	#sentMedia = 0;
	#ackedMedia = 0;

	get sentBytes(): number {
		return this.#sentBytes;
	}

	get isEmpty(): boolean {
		return this.#length === 0;
	}

	/** When the oldest byte that is not acknowledged was sent. Only while not empty. */
	get oldestAt(): Milliseconds {
		return milliseconds(this.#times[this.#first]!);
	}

	/** How many bytes were sent before those that were sent with it. */
	get oldestStart(): number {
		return this.#firstStart;
	}

	/** Up to where the media reaches that is acknowledged; 0 before any is. */
	get ackedMedia(): Milliseconds {
		return milliseconds(this.#ackedMedia);
	}

	/** Up to where the media reaches that was sent. */
	get sentMedia(): Milliseconds {
		return milliseconds(this.#sentMedia);
	}

	/** @returns whether this begins a burst (else the bytes belong to the one before) */
	add(at: Milliseconds, bytes: number, mediaTime: Milliseconds): boolean {
		this.#sentBytes += bytes;
		this.#sentMedia = Math.max(this.#sentMedia, mediaTime);
		const last = this.#at(this.#length - 1);
		if (this.#length > 0 && at - this.#times[last]! < SAME_BURST_MS) {
			this.#ends[last] = this.#sentBytes;
			this.#media[last] = mediaTime;
			return false;
		}
		if (this.#length === ENTRIES) this.#mergeOldest();
		const place = this.#at(this.#length++);
		this.#ends[place] = this.#sentBytes;
		this.#times[place] = at;
		this.#media[place] = mediaTime;
		return true;
	}

	acknowledge(bytes: number): void {
		while (this.#length > 0 && this.#ends[this.#first]! <= bytes) {
			this.#ackedMedia = this.#media[this.#first]!;
			this.#firstStart = this.#ends[this.#first]!;
			this.#first = (this.#first + 1) % ENTRIES;
			this.#length--;
		}
	}

	#at(index: number): number {
		return (this.#first + index + ENTRIES) % ENTRIES;
	}

	#mergeOldest(): void {
		const second = this.#at(1);
		this.#times[second] = this.#times[this.#first]!;
		this.#first = second;
		this.#length--;
	}
}
