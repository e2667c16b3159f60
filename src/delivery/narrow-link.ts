/**
 * A viewer's transport that can be made narrow: so an operator sees what a slow network would do, and how the server
 * answers it. Nobody tells switching; it looks at a connection on which less is acknowledged, as on any other.
 *
 * The server lets bytes go by its own clock, a few at a time. Pacing by the kernel (SO_MAX_PACING_RATE) would keep the
 * rate as well, but by segments, and those of the loopback have 64 KiB: half a second of media at once is no likeness of
 * a network.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type BitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import type { LinkReading } from "../switching/link-reading.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/** How often bytes are let go. */
const STEP_MS = 5;
/** A late step makes up for the time since the one before, but not for a network that took nothing. */
const LONGEST_STEP_MS = 250;
/** What it takes before it says that it is busy, as a kernel with TCP_NOTSENT_LOWAT: a queue that is never empty tells. */
const LEAST_QUEUE_BYTES = 16 * 1024;
/** The same in time, for what is not so narrow: several steps. */
const QUEUE_MS = 20;
/** In pieces of this size, as a network would: receivers acknowledge by it. */
const SEGMENT_BYTES = 1448;

export class NarrowLink implements Transport {
	readonly #clock: Clock;
	#events: TransportEvents | undefined;
	#wide!: Transport;
	#rate: BitsPerSecond | undefined;
	/** Sent, and not let go yet. */
	#waiting: Buffer[] = [];
	#waitingBytes = 0;
	/** What closes the connection behind them. */
	#last: Buffer | undefined;
	/** Told that it is busy: `drained` is due. */
	#isBusy = false;
	/** Until when the link is taken by what has been let go. */
	#takenUntil = milliseconds(0);
	#timer: Timer | undefined;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** @param create makes the transport that is narrowed, with these events */
	open(events: TransportEvents, create: (own: TransportEvents) => Transport): void {
		this.#events = events;
		this.#wide = create({
			drained: () => this.#goOn(),
			closed: (timedOut) => {
				this.#forget();
				events.closed(timedOut);
			},
		});
		this.#isBusy = !this.#wide.idle;
	}

	/** Undefined: as much as the network takes. */
	get rate(): BitsPerSecond | undefined {
		return this.#rate;
	}

	set rate(rate: BitsPerSecond | undefined) {
		this.#rate = rate;
		this.#takenUntil = this.#clock.now();
		if (this.#waitingBytes > 0) this.#goOn();
	}

	get idle(): boolean {
		if (this.#last !== undefined) return false;
		if (this.#waitingBytes === 0) return this.#wide.idle;
		return this.#waitingBytes < Math.max(LEAST_QUEUE_BYTES, ((this.#rate ?? 0) * QUEUE_MS) / 8000);
	}

	get progress(): number {
		return this.#wide.progress;
	}

	acknowledged(): number | undefined {
		return this.#wide.acknowledged?.();
	}

	look(now: Milliseconds): LinkReading | undefined {
		return this.#wide.look(now);
	}

	send(bytes: Buffer): void {
		if (this.#isThrough) this.#wide.send(bytes);
		else this.#keep([bytes]);
		this.#isBusy = !this.idle;
	}

	sendAll(buffers: readonly Buffer[]): void {
		if (this.#isThrough) this.#wide.sendAll(buffers);
		else this.#keep(buffers);
		this.#isBusy = !this.idle;
	}

	end(bytes: Buffer): void {
		this.#last = bytes;
		this.#goOn();
	}

	destroy(): void {
		this.#forget();
		this.#wide.destroy();
	}

	/** Nothing is held back, and nothing is left of when something was. */
	get #isThrough(): boolean {
		return this.#rate === undefined && this.#waitingBytes === 0;
	}

	#keep(buffers: readonly Buffer[]): void {
		const now = this.#clock.now();
		// What comes within a step finds the link as it was left, so that no step is lost between two writes.
		if (this.#waitingBytes === 0 && now - this.#takenUntil > STEP_MS) this.#takenUntil = now;
		this.#waiting.push(...buffers);
		for (const { length } of buffers) this.#waitingBytes += length;
		this.#arm();
	}

	#arm(): void {
		this.#timer ??= this.#clock.after(STEP_MS, () => {
			this.#timer = undefined;
			this.#goOn();
		});
	}

	/** Lets go what is due, and tells when more is taken. */
	#goOn(): void {
		if (this.#waitingBytes > 0 && this.#wide.idle) {
			const due = this.#takeDue();
			if (due.length > 0) this.#wide.sendAll(due);
			// Where the network itself is the narrower, it tells when it goes on.
			if (this.#waitingBytes > 0 && this.#wide.idle) this.#arm();
		}
		if (this.#last !== undefined && this.#waitingBytes === 0 && this.#wide.idle) {
			this.#wide.end(this.#last);
			this.#last = undefined;
		} else if (this.#isBusy && this.idle) {
			this.#isBusy = false;
			this.#events?.drained();
		}
	}

	/** Whole segments that the link has taken by now, and what is left at the end. */
	#takeDue(): Buffer[] {
		let left = this.#rate === undefined ? this.#waitingBytes : this.#use(this.#rate);
		this.#waitingBytes -= left;
		const due: Buffer[] = [];
		while (left > 0) {
			const first = this.#waiting.shift()!;
			const part = first.subarray(0, left);
			if (part.length < first.length) this.#waiting.unshift(first.subarray(left));
			due.push(part);
			left -= part.length;
		}
		return due;
	}

	/** @returns how many bytes have had their time */
	#use(rate: BitsPerSecond): number {
		const now = this.#clock.now();
		const from = Math.max(this.#takenUntil, now - LONGEST_STEP_MS);
		const bytes = ((now - from) * rate) / 8000;
		const used = bytes >= this.#waitingBytes ? this.#waitingBytes : Math.floor(bytes / SEGMENT_BYTES) * SEGMENT_BYTES;
		this.#takenUntil = milliseconds(from + (used * 8000) / rate);
		return used;
	}

	#forget(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		this.#waiting = [];
		this.#waitingBytes = 0;
	}
}
