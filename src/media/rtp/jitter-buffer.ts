/**
 * Puts the packets of one source in order. What comes in order goes through at once and is never copied; behind a
 * hole, packets wait for the one that is missing, for as long as late ones have lately been late, within bounds: in
 * time, in packets, in bytes. Then the hole is given up, and what waits goes on.
 * Invariant: packets come out in the order of their numbers, each once; `heldPackets` ≤ `mostPackets` and `heldBytes` ≤
 * `mostBytes` after every call, whatever comes.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { RtpPacket } from "./header.ts";

export interface JitterLimits {
	/** A hole is waited for at least and at most so long. 0 for a transport that keeps the order. */
	readonly leastWaitMs: number;
	readonly mostWaitMs: number;
	readonly mostPackets: number;
	readonly mostBytes: number;
}

export const USUAL_JITTER_LIMITS: JitterLimits = {
	leastWaitMs: 10,
	mostWaitMs: 200,
	mostPackets: 1024,
	mostBytes: 2 * 2 ** 20,
};
/** Of what comes through a connection (RTSP interleaved): nothing overtakes, so that a hole stays one. */
export const IN_ORDER: JitterLimits = { ...USUAL_JITTER_LIMITS, leastWaitMs: 0, mostWaitMs: 0 };

export interface JitterCounts {
	/** Packets given out. */
	readonly packets: number;
	/** Numbers given up. */
	readonly lost: number;
	/** Packets that came after they had been given up: left out, and counted in `lost` as well. */
	readonly late: number;
	readonly duplicates: number;
	/** Packets that came behind one with a higher number, in time. */
	readonly reordered: number;
}

/** @param lost numbers given up since the packet before */
export type PacketSink = (packet: RtpPacket, lost: number, arrivalMs: number) => void;

interface Held {
	/** Its payload is a copy. */
	readonly packet: RtpPacket;
	readonly arrivalMs: number;
}

/** How late packets have lately been halves in so long. */
const FORGETTING_MS = 10_000;
/** Before anything is known, the wait is between the bounds, here. */
const FIRST_LATENESS_MS = 20;
/** As many numbers given up are remembered, to tell a late packet from a duplicate. */
const MOST_REMEMBERED = 1024;

export class JitterBuffer {
	readonly #clock: Clock;
	readonly #limits: JitterLimits;
	readonly #sink: PacketSink;
	readonly #held = new Map<number, Held>();
	/** Numbers given up, and when they were missed first. */
	readonly #givenUp = new Map<number, number>();
	/** The number that is to come next. */
	#next: number | undefined;
	/** When the first packet behind the hole came. */
	#holeSinceMs = 0;
	#timer: Timer | undefined;
	/** The highest number that has come. */
	#highest = 0;
	#heldBytes = 0;
	#latenessMs = FIRST_LATENESS_MS;
	#latenessAtMs = Number.NEGATIVE_INFINITY;
	#packets = 0;
	#lost = 0;
	#late = 0;
	#duplicates = 0;
	#reordered = 0;

	constructor(clock: Clock, limits: JitterLimits, sink: PacketSink) {
		this.#clock = clock;
		this.#limits = limits;
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#heldBytes;
	}

	get heldPackets(): number {
		return this.#held.size;
	}

	/** So long a hole would be waited for now. */
	get waitMs(): number {
		const { leastWaitMs, mostWaitMs } = this.#limits;
		const wanted = leastWaitMs + 2 * this.#recentLateness();
		return Math.min(mostWaitMs, wanted);
	}

	get counts(): JitterCounts {
		return {
			packets: this.#packets,
			lost: this.#lost,
			late: this.#late,
			duplicates: this.#duplicates,
			reordered: this.#reordered,
		};
	}

	/** @param number extended; its payload is copied where it has to wait */
	push(packet: RtpPacket, number: number, arrivalMs: number): void {
		this.#next ??= number;
		if (number === this.#next) {
			if (this.#held.size > 0) this.#noteReordered(arrivalMs);
			else this.#highest = number;
			this.#give(packet, 0, arrivalMs);
			if (this.#held.size > 0) this.#giveWaiting(0);
		} else if (number < this.#next) this.#noteBehind(number, arrivalMs);
		else if (this.#held.has(number)) this.#duplicates++;
		else this.#keep(packet, number, arrivalMs);
	}

	/** Nothing more comes, or nothing that follows: what waits goes out, holes are given up. */
	flush(): void {
		while (this.#held.size > 0) this.#giveUp();
	}

	/** `flush`, and the next packet is the first of another sequence. */
	restart(): void {
		this.flush();
		this.#next = undefined;
		this.#highest = 0;
		this.#givenUp.clear();
	}

	#noteBehind(number: number, arrivalMs: number): void {
		const missedAtMs = this.#givenUp.get(number);
		if (missedAtMs === undefined) {
			this.#duplicates++;
			return;
		}
		this.#givenUp.delete(number);
		this.#late++;
		this.#noteLateness(arrivalMs - missedAtMs);
	}

	#keep(packet: RtpPacket, number: number, arrivalMs: number): void {
		if (this.#held.size > 0 && number < this.#highest) this.#noteReordered(arrivalMs);
		this.#highest = Math.max(this.#highest, number);
		this.#held.set(number, { packet: { ...packet, payload: packet.payload.slice() }, arrivalMs });
		this.#heldBytes += packet.payload.length;
		if (this.#held.size === 1) this.#watchHole(arrivalMs);
		const { mostPackets, mostBytes } = this.#limits;
		while (this.#held.size > mostPackets || this.#heldBytes > mostBytes) this.#giveUp();
	}

	#noteReordered(arrivalMs: number): void {
		this.#reordered++;
		this.#noteLateness(arrivalMs - this.#holeSinceMs);
	}

	#noteLateness(lateMs: number): void {
		this.#latenessMs = Math.max(this.#recentLateness(), Math.min(lateMs, this.#limits.mostWaitMs));
		this.#latenessAtMs = this.#clock.now();
	}

	#recentLateness(): number {
		if (this.#latenessAtMs === Number.NEGATIVE_INFINITY) this.#latenessAtMs = this.#clock.now();
		return this.#latenessMs * 2 ** (-(this.#clock.now() - this.#latenessAtMs) / FORGETTING_MS);
	}

	#give(packet: RtpPacket, lost: number, arrivalMs: number): void {
		this.#next!++;
		this.#packets++;
		this.#sink(packet, lost, arrivalMs);
	}

	/** Gives out what follows without a hole; what is behind the next one waits. @param lost before the first of it */
	#giveWaiting(lost: number): void {
		let before = lost;
		for (;;) {
			const held = this.#held.get(this.#next!);
			if (held === undefined) break;
			this.#held.delete(this.#next!);
			this.#heldBytes -= held.packet.payload.length;
			this.#give(held.packet, before, held.arrivalMs);
			before = 0;
		}
		this.#timer?.cancel();
		this.#timer = undefined;
		if (this.#held.size > 0) this.#watchHole(this.#earliestArrival());
	}

	/** Gives the hole up, and gives out what waits behind it as far as the next one. */
	#giveUp(): void {
		let lowest = Number.POSITIVE_INFINITY;
		for (const number of this.#held.keys()) if (number < lowest) lowest = number;
		const missing = lowest - this.#next!;
		this.#lost += missing;
		for (let number = Math.max(this.#next!, lowest - MOST_REMEMBERED); number < lowest; number++) {
			this.#givenUp.set(number, this.#holeSinceMs);
		}
		for (const number of this.#givenUp.keys()) {
			if (this.#givenUp.size <= MOST_REMEMBERED) break;
			this.#givenUp.delete(number);
		}
		this.#next = lowest;
		this.#giveWaiting(missing);
	}

	#earliestArrival(): number {
		let earliest = Number.POSITIVE_INFINITY;
		for (const { arrivalMs } of this.#held.values()) if (arrivalMs < earliest) earliest = arrivalMs;
		return earliest;
	}

	/** The hole is there since the first packet behind it came: it is given up when its time is over. */
	#watchHole(sinceMs: number): void {
		this.#holeSinceMs = sinceMs;
		const leftMs = Math.max(0, sinceMs + this.waitMs - this.#clock.now());
		// Never at once: who gives holes up in a row does so in a loop, and not from in here.
		this.#timer = this.#clock.after(leftMs, () => this.#giveUp());
	}
}
