/** While a queue stands, what is acknowledged per second is what the link takes. */
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { AckedRate } from "./acked-rate.ts";

/** A queue must stand for so long before what is acknowledged is taken for what the link takes. */
const WINDOW_MS = 100;
/** And so much of that must have been seen as it was: when the queue began is a conclusion. */
const SEEN_MS = 30;

export class BusyRate {
	readonly #acked: AckedRate;
	#since: number | undefined;
	/** The first look that found the queue, and the newest acknowledgement then. */
	#seen: { readonly at: number; readonly from: number } | undefined;

	constructor(acked: AckedRate) {
		this.#acked = acked;
	}

	get isBusy(): boolean {
		return this.#since !== undefined;
	}

	/** @param since what went before met no queue: so many bytes were acknowledged then */
	begin(since: number, ackedBytes: number): void {
		this.#since = since;
		this.#acked.add(ackedBytes, milliseconds(since));
	}

	end(): void {
		this.#since = this.#seen = undefined;
	}

	/** What has been seen so far does not count. */
	disturb(): void {
		this.#seen = undefined;
	}

	/**
	 * Bits per second, of the time that was seen busy. While that is short, of what it is concluded to have been, too, if
	 * that is more: where the sender held back unseen, the link stood idle in it.
	 * @returns undefined as long as nothing can be told
	 */
	at(now: Milliseconds, lastAckAt: Milliseconds): number | undefined {
		this.#seen ??= { at: now, from: lastAckAt };
		const { at, from } = this.#seen;
		if (now - at >= WINDOW_MS) return this.#acked.over(now, WINDOW_MS, from);
		if (this.#since === undefined || now - this.#since < WINDOW_MS) return undefined;
		const seen = this.#acked.over(now, SEEN_MS, from);
		// A silence must last for the whole window, too.
		if (seen === undefined || seen === 0) return undefined;
		return Math.max(seen, this.#acked.over(now, WINDOW_MS, this.#since) ?? 0);
	}
}
