/**
 * Which packets belong to the source that is being received: the one SSRC, in numbers that follow each other
 * (RFC 3550, clause A.1). A packet from anywhere else is kept aside; only when the next one follows it does the stream
 * begin afresh there, and then with both: a stray packet changes nothing, a sender that was restarted loses nothing.
 * Another SSRC must also wait until the one before has been silent for a moment, or has said good-bye: two senders on
 * one port do not take turns.
 * Invariant: extended numbers are above 2^16, so that one that comes late is never below zero.
 */
import type { RtpPacket } from "./header.ts";
import { Reception } from "./reception.ts";

/** A step forward of as many numbers may be loss (MAX_DROPOUT of A.1); one backward, delay (MAX_MISORDER, made wider). */
export const MOST_DROPOUT = 3000;
export const MOST_MISORDER = 512;
/** Another SSRC takes over when the one before has been silent for so long. */
const SILENCE_MS = 250;

export interface SourceSink {
	/** @param number extended: it goes on over 2^16 */
	packet(packet: RtpPacket, number: number, arrivalMs: number): void;
	/** What follows is of another source, or of the same with other numbers and timestamps. Not said before the first. */
	restart(): void;
}

export interface SourceCounts {
	/** Streams that began afresh. */
	readonly restarts: number;
	/** Packets that followed nothing: of other sources, or with numbers far away. */
	readonly stray: number;
}

interface Candidate {
	/** Its payload is a copy. */
	readonly packet: RtpPacket;
	readonly arrivalMs: number;
}

export class SourceTracker {
	readonly #clockRateHz: number;
	readonly #onlySsrc: number | undefined;
	readonly #sink: SourceSink;
	#reception: Reception | undefined;
	#lastArrivalMs = Number.NEGATIVE_INFINITY;
	#candidate: Candidate | undefined;
	#restarts = 0;
	#stray = 0;

	/** @param onlySsrc where signalling said it: no other is ever taken */
	constructor(clockRateHz: number, onlySsrc: number | undefined, sink: SourceSink) {
		this.#clockRateHz = clockRateHz;
		this.#onlySsrc = onlySsrc;
		this.#sink = sink;
	}

	/** Of the source that is being received; undefined before the first packet. */
	get reception(): Reception | undefined {
		return this.#reception;
	}

	get counts(): SourceCounts {
		return { restarts: this.#restarts, stray: this.#stray };
	}

	/** Bytes kept of a packet that followed nothing. */
	get heldBytes(): number {
		return this.#candidate?.packet.payload.length ?? 0;
	}

	/** The source has said good-bye (RTCP BYE): another may take over at once. */
	bye(ssrc: number): void {
		if (ssrc === this.#reception?.ssrc) this.#lastArrivalMs = Number.NEGATIVE_INFINITY;
	}

	push(packet: RtpPacket, arrivalMs: number): void {
		if (this.#onlySsrc !== undefined && packet.ssrc !== this.#onlySsrc) {
			this.#stray++;
			return;
		}
		if (this.#reception === undefined) {
			this.#begin(packet);
			this.#take(packet, arrivalMs);
			return;
		}
		if (packet.ssrc === this.#reception.ssrc && this.#isNear(packet.number)) {
			this.#candidate = undefined;
			this.#take(packet, arrivalMs);
			return;
		}
		const before = this.#candidate;
		if (before !== undefined && follows(packet, before.packet) && this.#mayTakeOver(packet.ssrc, arrivalMs)) {
			this.#candidate = undefined;
			this.#stray--;
			this.#restarts++;
			this.#sink.restart();
			this.#begin(before.packet);
			this.#take(before.packet, before.arrivalMs);
			this.#take(packet, arrivalMs);
			return;
		}
		this.#stray++;
		this.#candidate = { packet: { ...packet, payload: packet.payload.slice() }, arrivalMs };
	}

	#mayTakeOver(ssrc: number, arrivalMs: number): boolean {
		return ssrc === this.#reception!.ssrc || arrivalMs - this.#lastArrivalMs >= SILENCE_MS;
	}

	#isNear(number: number): boolean {
		const step = (number - this.#reception!.extendedHighest) & 0xffff;
		return step < MOST_DROPOUT || step > 0x1_0000 - MOST_MISORDER;
	}

	#begin({ ssrc, number }: RtpPacket): void {
		this.#reception = new Reception(ssrc, this.#clockRateHz, 0x1_0000 + number);
	}

	#take(packet: RtpPacket, arrivalMs: number): void {
		const reception = this.#reception!;
		const step = (packet.number - reception.extendedHighest) & 0xffff;
		const number = reception.extendedHighest + (step < 0x8000 ? step : step - 0x1_0000);
		this.#lastArrivalMs = arrivalMs;
		reception.note(number, packet.timestamp, arrivalMs);
		this.#sink.packet(packet, number, arrivalMs);
	}
}

const follows = (packet: RtpPacket, before: RtpPacket): boolean =>
	packet.ssrc === before.ssrc && packet.number === ((before.number + 1) & 0xffff);
