/**
 * What the network takes, as a receiver of a live stream can see it. A stream that is not held up comes at its own bit
 * rate, which says little; but what was ready at once, a key picture above all, comes in one go, as fast as the network
 * takes it. So the pace of such bursts counts, and the stream's own rate where there are none: then the network is full.
 */
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import { RateMeter } from "./meters.ts";

/** Pieces farther apart are not of one burst: less than half of what lies between two pictures. */
const LONGEST_GAP_MS = 12;
/** Of a burst that is shorter, the clock and the kernel's buffers say more than the network. */
const LEAST_BYTES = 16 * 1024;
/** Of the time that a burst takes: a clock's own grain. */
const LEAST_MS = 0.5;
const KEPT_MS = 5000;

interface Burst {
	readonly startedAt: Milliseconds;
	lastAt: Milliseconds;
	/** Behind its first piece, which came before the time that is measured. */
	bytes: number;
}

export class ThroughputMeter {
	readonly #rate = new RateMeter(milliseconds(1000));
	#burst: Burst | undefined;
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

	/** Nothing was read for a while: what comes now has waited here and not in the network. */
	interrupted(): void {
		this.#burst = undefined;
	}

	/** Undefined before anything has come. */
	throughput(now: Milliseconds): BitsPerSecond | undefined {
		while (this.#paces.length > 0 && this.#paces[0]!.at < now - KEPT_MS) this.#paces.shift();
		const sorted = this.#paces.map(({ bitsPerSecond }) => bitsPerSecond).sort((a, b) => a - b);
		const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
		const best = Math.max(middle, this.#rate.perSecond(now));
		return best > 0 ? bitsPerSecond(Math.round(best)) : undefined;
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
