/** What is counted of a publication: what came, at what rate, and what it is. */
import type { Clock } from "../base/clock.ts";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";

/** A rate is that of a whole window; pictures come in lumps. */
const WINDOW_MS = 2000;

export class PublicationFigures {
	/** Of access units, without what the protocol adds. */
	bytes = 0;
	accessUnits = 0;
	/** Times that something could not be read. */
	faults = 0;
	decode: DecodeInformation = {};
	readonly #clock: Clock;
	#windowAt: Milliseconds;
	#windowBytes = 0;
	#bitrate: BitsPerSecond | undefined;

	constructor(clock: Clock) {
		this.#clock = clock;
		this.#windowAt = clock.now();
	}

	/** Of the last whole window; undefined within the first. */
	get bitrate(): BitsPerSecond | undefined {
		this.#turn();
		return this.#bitrate;
	}

	add({ data }: AccessUnit): void {
		this.#turn();
		this.bytes += data.length;
		this.accessUnits++;
		this.#windowBytes += data.length;
	}

	#turn(): void {
		const elapsed = this.#clock.now() - this.#windowAt;
		if (elapsed < WINDOW_MS) return;
		this.#bitrate = bitsPerSecond((8000 * this.#windowBytes) / elapsed);
		this.#windowAt = this.#clock.now();
		this.#windowBytes = 0;
	}
}
