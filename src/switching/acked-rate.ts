/**
 * How much is acknowledged per second, from the last looks. Between the times of acknowledgements, not of looks:
 * these are exact where looks are rare.
 */
import type { Milliseconds } from "../base/units.ts";

const KEPT = 32;
/** Without an acknowledgement for so long, the time since counts, too. */
const SILENCE_MS = 60;

export class AckedRate {
	readonly #bytes = new Float64Array(KEPT);
	readonly #times = new Float64Array(KEPT);
	#count = 0;

	/** @param lastAckAt when the last of so many bytes was acknowledged */
	add(ackedBytes: number, lastAckAt: Milliseconds): void {
		const place = this.#count % KEPT;
		const newest = (this.#count - 1 + KEPT) % KEPT;
		// Nothing new: what was acknowledged before stays the newest.
		if (this.#count > 0 && this.#bytes[newest] === ackedBytes) return;
		this.#bytes[place] = ackedBytes;
		this.#times[place] = lastAckAt;
		this.#count++;
	}

	/**
	 * Bits per second acknowledged from at least `window` ago until now, over the shortest such time that is known.
	 * @param since nothing before it counts
	 * @returns undefined while there is no such time
	 */
	over(now: Milliseconds, window: number, since = Number.NEGATIVE_INFINITY): number | undefined {
		const newest = (this.#count - 1) % KEPT;
		if (this.#count < 1) return undefined;
		const until = now - this.#times[newest]! > SILENCE_MS ? now : this.#times[newest]!;
		for (let back = 1; back < Math.min(this.#count, KEPT); back++) {
			const place = (newest - back + KEPT) % KEPT;
			const from = this.#times[place]!;
			if (from < since) break;
			if (until - from >= window) return ((this.#bytes[newest]! - this.#bytes[place]!) * 8000) / (until - from);
		}
		// An outage: nothing at all since the queue began.
		const silence = now - Math.max(since, this.#times[newest]!);
		return Number.isFinite(since) && silence >= window ? 0 : undefined;
	}
}
