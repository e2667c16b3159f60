/**
 * What the network takes, as a receiver of a live stream can see it. A stream that is not held up comes at its own bit
 * rate, which says nothing; but what was ready at once, a large key picture above all, comes in one go, as fast as the
 * network takes it: the pace of such bursts counts. Where media comes ever later the network is full, and what it brings
 * is what it takes. Where neither is so, nothing is known, and nothing is said.
 */
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import { ArrivalMeter } from "./arrival-meter.ts";
import { RateMeter } from "./meters.ts";

/** Pieces farther apart are not of one burst: less than half of what lies between two pictures. */
const LONGEST_GAP_MS = 12;
/** Of a burst that is shorter, the clock and the kernel's buffers say more than the network. */
const LEAST_BYTES = 16 * 1024;
/** Of the time that a burst takes: a clock's own grain. */
const LEAST_MS = 0.5;
const KEPT_MS = 5000;
/** Media that is later than the earliest by so much, for as long as the rate is measured, is held up by the network. */
const HELD_UP_MS = 200;
/** Beyond it is another time base. */
const STEP_MS = 30_000;
const RATE_MS = 1000;

interface Burst {
	readonly startedAt: Milliseconds;
	lastAt: Milliseconds;
	/** Behind its first piece, which came before the time that is measured. */
	bytes: number;
}

export class ThroughputMeter {
	readonly #rate = new RateMeter(milliseconds(RATE_MS));
	#burst: Burst | undefined;
	readonly #arrivals = new ArrivalMeter();
	/** When media came that was not late. */
	#inTimeAt: Milliseconds | undefined;
	readonly #paces: { readonly at: Milliseconds; readonly bitsPerSecond: number }[] = [];

	add(bytes: number, now: Milliseconds): void {
		this.#rate.add(bytes * 8, now);
		const burst = this.#burst;
		if (burst !== undefined && now - burst.lastAt <= LONGEST_GAP_MS) {
			burst.bytes += bytes;
			burst.lastAt = now;
			return;
		}
		this.#closeBurst();
		this.#burst = { startedAt: now, lastAt: now, bytes: 0 };
	}

	/** An access unit has come. */
	arrived(ptsMs: number, now: Milliseconds): void {
		const offset = now - ptsMs;
		const best = this.#arrivals.best(now);
		if (best !== undefined && Math.abs(offset - best) > STEP_MS) this.#arrivals.forget();
		this.#arrivals.add(ptsMs, now);
		if (offset - this.#arrivals.best(now)! <= HELD_UP_MS) this.#inTimeAt = now;
	}

	/** Nothing was read for a while: what comes now has waited here and not in the network. */
	interrupted(): void {
		this.#burst = undefined;
		this.#arrivals.forget();
		this.#inTimeAt = undefined;
	}

	/** Undefined where nothing has shown it lately. */
	throughput(now: Milliseconds): BitsPerSecond | undefined {
		if (this.#inTimeAt !== undefined && now - this.#inTimeAt >= RATE_MS) {
			const rate = Math.round(this.#rate.perSecond(now));
			return rate > 0 ? bitsPerSecond(rate) : undefined;
		}
		while (this.#paces.length > 0 && this.#paces[0]!.at < now - KEPT_MS) this.#paces.shift();
		const sorted = this.#paces.map(({ bitsPerSecond }) => bitsPerSecond).sort((a, b) => a - b);
		const middle = sorted[Math.floor(sorted.length / 2)];
		return middle === undefined ? undefined : bitsPerSecond(Math.round(middle));
	}

	#closeBurst(): void {
		const { startedAt, lastAt, bytes } = this.#burst ?? { startedAt: 0, lastAt: 0, bytes: 0 };
		const elapsed = lastAt - startedAt;
		if (bytes < LEAST_BYTES || elapsed <= 0) return;
		const pace = (bytes * 8000) / Math.max(LEAST_MS, elapsed);
		this.#paces.push({ at: milliseconds(lastAt), bitsPerSecond: pace });
		if (this.#paces.length > 100) this.#paces.shift();
	}
}
