/**
 * Which of one session's reports are news: the sequence number must rise, and the report must not have been on its way
 * for too long. The viewer's wall clock may be wrong; one that is wrong by the same amount twice in a row, in reports
 * that were sent one after the other, is taken for what it is, and ages are counted from there.
 */
import type { Milliseconds } from "../base/units.ts";

export interface ReportTimes {
	readonly sequence?: number;
	readonly sentAtEpochMs?: number;
	/** By the clock of who received it. */
	readonly receivedAtEpochMs: number;
}

/** Two reports are sent one after the other if so much lies between them, and equally late within this much. */
const LEAST_APART_MS = 500;
const SAME_LATENESS_MS = 250;

export class Freshness {
	readonly #maxAge: Milliseconds;
	#sequence = -1;
	/** What the viewer's clock is behind ours, as far as is known. */
	#offset = 0;
	#tooLate: { readonly sentAt: number; readonly offset: number } | undefined;

	constructor(maxAge: Milliseconds) {
		this.#maxAge = maxAge;
	}

	/** Whether this report is newer than those before; it is then one of them. */
	accept({ sequence, sentAtEpochMs, receivedAtEpochMs }: ReportTimes): boolean {
		if (sequence !== undefined && sequence <= this.#sequence) return false;
		if (sentAtEpochMs !== undefined && !this.#isRecent(sentAtEpochMs, receivedAtEpochMs)) return false;
		if (sequence !== undefined) this.#sequence = sequence;
		return true;
	}

	#isRecent(sentAt: number, receivedAt: number): boolean {
		const offset = receivedAt - sentAt;
		this.#offset = Math.min(this.#offset, offset);
		if (offset - this.#offset <= this.#maxAge) {
			this.#tooLate = undefined;
			return true;
		}
		const before = this.#tooLate;
		this.#tooLate = { sentAt, offset };
		const isClock =
			before !== undefined &&
			sentAt - before.sentAt >= LEAST_APART_MS &&
			Math.abs(offset - before.offset) <= SAME_LATENESS_MS;
		if (isClock) this.#offset = offset;
		return isClock;
	}
}
