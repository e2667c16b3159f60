/**
 * What was handed to a connection and has not been acknowledged: when, and up to where in the media. A ring of fixed
 * size; writes of the same few milliseconds are one entry, and when it is full the two oldest become one, which keeps
 * the age of the oldest byte true.
 *
 * Each write of each viewer comes by here, when its log has long left the caches: an entry's numbers are neighbours.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

const ENTRIES = 96;
/** In an entry: when it was sent, how many bytes had been then, and up to where in the media. */
const TIME = 0;
const END = 1;
const MEDIA = 2;
const FIELDS = 3;
const LENGTH = ENTRIES * FIELDS;
/** Writes closer than this belong to one burst. */
const SAME_BURST_MS = 4;

export class SendLog {
	readonly #entries = new Float64Array(LENGTH);
	/** Where the oldest entry begins, and behind the newest. */
	#first = 0;
	#end = 0;
	#count = 0;
	#firstStart = 0;
	#sentBytes = 0;
	#sentMedia = 0;
	#ackedMedia = 0;

	get sentBytes(): number {
		return this.#sentBytes;
	}

	get isEmpty(): boolean {
		return this.#count === 0;
	}

	/** When the oldest byte that is not acknowledged was sent. Only while not empty. */
	get oldestAt(): Milliseconds {
		return milliseconds(this.#entries[this.#first + TIME]!);
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
		const entries = this.#entries;
		this.#sentBytes += bytes;
		this.#sentMedia = Math.max(this.#sentMedia, mediaTime);
		const last = (this.#end === 0 ? LENGTH : this.#end) - FIELDS;
		const isSame = this.#count > 0 && at - entries[last + TIME]! < SAME_BURST_MS;
		if (this.#count === ENTRIES && !isSame) this.#mergeOldest();
		const place = isSame ? last : this.#end;
		entries[place + END] = this.#sentBytes;
		entries[place + MEDIA] = mediaTime;
		if (isSame) return false;
		entries[place + TIME] = at;
		this.#end = following(place);
		this.#count++;
		return true;
	}

	acknowledge(bytes: number): void {
		const entries = this.#entries;
		while (this.#count > 0 && entries[this.#first + END]! <= bytes) {
			this.#ackedMedia = entries[this.#first + MEDIA]!;
			this.#firstStart = entries[this.#first + END]!;
			this.#first = following(this.#first);
			this.#count--;
		}
	}

	#mergeOldest(): void {
		const second = following(this.#first);
		this.#entries[second + TIME] = this.#entries[this.#first + TIME]!;
		this.#first = second;
		this.#count--;
	}
}

const following = (place: number): number => (place + FIELDS === LENGTH ? 0 : place + FIELDS);
