import { milliseconds } from "../../src/base/units.ts";
import type { LinkReading } from "../../src/switching/link-reading.ts";
import type { LinkTracker } from "../../src/switching/link-tracker.ts";

const SEGMENT_BYTES = 1448;

/** A sender that keeps all it is given in flight, over a link with one rate at a time, in steps of a millisecond. */
export class ModelLink {
	readonly tracker: LinkTracker;
	rateBps: number;
	now = 0;
	/** How often it was looked at, and how often that was a whole look. */
	looks = 0;
	readings = 0;
	receiverLimitedMs = 0;
	/** What may be sent at most. */
	mostBps = Number.POSITIVE_INFINITY;
	/** What the sender says of its window; it does nothing here. */
	windowSegments = 100;
	readonly #roundTripMs: number;
	readonly #tickMs: number;
	#sent = 0;
	/** Bytes that have left the link, in fractions. */
	#served = 0;
	#lastAckAt = 0;
	/** What is acknowledged a round trip after it was served: `[at, bytes]`. */
	readonly #acks: [number, number][] = [];
	#acked = 0;

	/** @param tickMs to which the time of an acknowledgement is known, rounded up */
	constructor(tracker: LinkTracker, options: { rateBps: number; roundTripMs: number; tickMs?: number }) {
		this.tracker = tracker;
		this.rateBps = options.rateBps;
		this.#roundTripMs = options.roundTripMs;
		this.#tickMs = options.tickMs ?? 4;
		this.look();
	}

	get sentBytes(): number {
		return this.#sent;
	}

	send(bytes: number, mediaMs = this.now): void {
		this.tracker.sent(milliseconds(this.now), bytes, milliseconds(mediaMs));
		this.#sent += bytes;
		if (this.tracker.wantsLook(milliseconds(this.now), "write")) this.look();
	}

	/** A glance, where that does. */
	look(): void {
		const now = milliseconds(this.now);
		this.looks++;
		if (this.tracker.isCalm(now) && this.tracker.glance(now, this.#acked)) return;
		this.readings++;
		this.tracker.look(this.reading);
	}

	get reading(): LinkReading {
		const lastAckAt = Math.min(this.now, Math.ceil(this.#lastAckAt / this.#tickMs) * this.#tickMs);
		return {
			at: milliseconds(this.now),
			ackedBytes: this.#acked,
			deliveredBytes: this.#acked,
			lastAckAt: milliseconds(lastAckAt),
			roundTrip: milliseconds(this.#roundTripMs),
			minRoundTrip: milliseconds(this.#roundTripMs),
			receiverLimited: milliseconds(this.receiverLimitedMs),
			segmentBytes: SEGMENT_BYTES,
			windowSegments: this.windowSegments,
			pacingRate: 0,
		};
	}

	/** Goes on for so long, and looks whenever a look is due. */
	run(durationMs: number): void {
		for (const until = this.now + durationMs; this.now < until; ) this.#step();
	}

	/** Sends as an encoder does: so many pictures a second, the first of each unit so many times the others' size. */
	stream(options: { bitrateBps: number; durationMs: number; unitMs?: number; keySize?: number }): void {
		const { bitrateBps, durationMs, unitMs = 1000, keySize = 7 } = options;
		const pictures = Math.round(unitMs / 33.3);
		const ordinary = (bitrateBps * unitMs) / 8000 / (pictures - 1 + keySize);
		for (let unit = 0; unit < durationMs / unitMs; unit++) {
			const start = this.now;
			this.tracker.endUnit(this.mostBps);
			for (let picture = 0; picture < pictures; picture++) {
				this.run(Math.max(0, Math.round(start + (picture * unitMs) / pictures) - this.now));
				this.send(Math.round(picture === 0 ? keySize * ordinary : ordinary));
			}
			this.run(Math.max(0, start + unitMs - this.now));
		}
	}

	#step(): void {
		this.now++;
		const served = Math.min(this.#sent, this.#served + this.rateBps / 8000);
		if (served > this.#served) {
			this.#served = served;
			this.#acks.push([this.now + this.#roundTripMs, Math.floor(served)]);
		}
		for (let due = this.#acks[0]; due !== undefined && due[0] <= this.now; due = this.#acks[0]) {
			this.#acked = due[1];
			this.#lastAckAt = due[0];
			this.#acks.shift();
		}
		if (this.tracker.nextLookAt <= this.now) this.look();
	}
}
