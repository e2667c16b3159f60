/**
 * How evenly media arrives: for each access unit, how much later than the fastest. A window of some seconds, so that a
 * network which became slower for good is not compared for ever with what it was.
 */
import { type Milliseconds, milliseconds } from "../../base/units.ts";

const WINDOW_MS = 2000;
/** Lateness over longer is what a target has to bear, but for what is later than nearly all: that is got over. */
const JITTER_WINDOW_MS = 8000;
const JITTER_SHARE = 0.9;
/** What is later was held up on its way: no target would have borne it. */
const HELD_UP_MS = 400;
/**
 * A stream begins with what is there of a unit, all of it late, and while decoders and sound start nothing is in time:
 * no sign of what comes.
 */
const SETTLING_MS = 2000;
const MOST_SAMPLES = 2000;
/** Two clocks may run apart by so much: 0.1 ms a second. */
const DRIFT = 1e-4;

export class Lateness {
	/** Arrival less presentation time, the oldest first. */
	#samples: { readonly at: number; readonly offset: number }[] = [];
	#fastest: { at: number; offset: number } | undefined;
	#settledAt: number | undefined;

	/** Times begin anew. */
	reset(): void {
		this.#samples = [];
		this.#fastest = undefined;
		this.#settledAt = undefined;
	}

	arrived(ptsMs: number, at: Milliseconds): void {
		const offset = at - ptsMs;
		this.#settledAt ??= at + SETTLING_MS;
		this.#samples.push({ at, offset });
		const kept = this.#samples[0]!.at >= at - JITTER_WINDOW_MS && this.#samples.length <= MOST_SAMPLES;
		if (!kept) this.#samples.shift();
		if (this.#fastest === undefined || offset < this.#fastestAt(at)) this.#fastest = { at, offset };
	}

	/** Arrival less presentation time of the fastest of late; undefined before anything came. */
	get best(): Milliseconds | undefined {
		const last = this.#samples.at(-1);
		if (last === undefined) return undefined;
		let best = last.offset;
		for (let i = this.#samples.length - 1; i >= 0 && this.#samples[i]!.at >= last.at - WINDOW_MS; i--) {
			best = Math.min(best, this.#samples[i]!.offset);
		}
		return milliseconds(best);
	}

	/** The same since times began, for what could be shown at best. */
	fastest(now: Milliseconds): Milliseconds | undefined {
		return this.#fastest === undefined ? undefined : milliseconds(this.#fastestAt(now));
	}

	/** Within which nearly all arrived, behind the best of late; undefined in the beginning. */
	get jitter(): Milliseconds | undefined {
		const settledAt = this.#settledAt ?? Number.POSITIVE_INFINITY;
		const { best } = this;
		if (best === undefined) return undefined;
		const late = this.#samples.flatMap(({ at, offset }) =>
			at >= settledAt && offset - best < HELD_UP_MS ? [offset - best] : [],
		);
		if (late.length === 0) return undefined;
		late.sort((a, b) => a - b);
		return milliseconds(Math.max(0, late[Math.floor(late.length * JITTER_SHARE)]!));
	}

	#fastestAt(now: number): number {
		const { at, offset } = this.#fastest!;
		return offset + (now - at) * DRIFT;
	}
}
