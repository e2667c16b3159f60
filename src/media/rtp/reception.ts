/**
 * What a receiver reports of one source (RFC 3550, clauses 6.4.1 and A.3, A.8), under RFC 3550's own names. Duplicates
 * and late packets count as received, so that the cumulative number of packets lost may be below what a gap showed.
 */
import type { ReportBlock } from "./rtcp.ts";

const MOST_LOST = 0x7f_ffff;
/** The share of a new sample in the jitter estimate: a sixteenth. */
const JITTER_GAIN = 1 / 16;

export class Reception {
	readonly ssrc: number;
	readonly #ticksPerMs: number;
	readonly #first: number;
	#extendedHighest: number;
	#received = 0;
	#jitter = 0;
	#last: { readonly timestamp: number; readonly arrivalMs: number } | undefined;
	#expectedBefore = 0;
	#receivedBefore = 0;
	#senderReport: { readonly middle: number; readonly arrivalMs: number } | undefined;

	/** @param first the source's first number, extended */
	constructor(ssrc: number, clockRateHz: number, first: number) {
		this.ssrc = ssrc;
		this.#ticksPerMs = clockRateHz / 1000;
		this.#first = first;
		this.#extendedHighest = first;
	}

	get received(): number {
		return this.#received;
	}

	/** The highest sequence number received, with the count of its cycles above it. */
	get extendedHighest(): number {
		return this.#extendedHighest;
	}

	/** Below 0 where there were duplicates. */
	get cumulativeLost(): number {
		return this.#expected - this.#received;
	}

	/** In units of timestamps, smoothed. */
	get interarrivalJitter(): number {
		return this.#jitter;
	}

	get #expected(): number {
		return this.#received === 0 ? 0 : this.#extendedHighest - this.#first + 1;
	}

	/**
	 * Counts a packet.
	 * @param number extended
	 * @param timestamp 32 bits, as read
	 */
	note(number: number, timestamp: number, arrivalMs: number): void {
		this.#received++;
		if (number > this.#extendedHighest) this.#extendedHighest = number;
		const last = this.#last;
		this.#last = { timestamp, arrivalMs };
		if (last === undefined) return;
		// The difference of the transit times, in which both clocks' zeros vanish; |0 makes it signed over the wrap.
		const transit = (arrivalMs - last.arrivalMs) * this.#ticksPerMs - ((timestamp - last.timestamp) | 0);
		this.#jitter += (Math.abs(transit) - this.#jitter) * JITTER_GAIN;
	}

	/** @param middle the middle 32 bits of the report's NTP timestamp */
	noteSenderReport(middle: number, arrivalMs: number): void {
		this.#senderReport = { middle, arrivalMs };
	}

	/** The block for a report that goes out now; "fraction lost" is that since the block before. */
	takeBlock(nowMs: number): ReportBlock {
		const expected = this.#expected - this.#expectedBefore;
		const lost = expected - (this.#received - this.#receivedBefore);
		this.#expectedBefore = this.#expected;
		this.#receivedBefore = this.#received;
		const heard = this.#senderReport;
		return {
			ssrc: this.ssrc,
			fractionLost: lost <= 0 ? 0 : Math.min(255, Math.floor((256 * lost) / expected)),
			cumulativeLost: Math.max(-MOST_LOST - 1, Math.min(MOST_LOST, this.cumulativeLost)),
			// Cycles are counted from the first packet on.
			extendedHighest: (this.#extendedHighest - this.#first + (this.#first & 0xffff)) % 2 ** 32,
			interarrivalJitter: Math.min(2 ** 32 - 1, Math.floor(this.#jitter)),
			lastSenderReport: heard?.middle ?? 0,
			// Units of 1/65536 second.
			delaySinceSenderReport: heard === undefined ? 0 : Math.round(((nowMs - heard.arrivalMs) * 65_536) / 1000) >>> 0,
		};
	}
}
