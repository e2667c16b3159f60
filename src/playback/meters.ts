/** What a player measures: rates, its playback clock and the delay. All of bounded size, on a clock that is handed in. */
import { type Milliseconds, milliseconds, type Ticks90k, ticks90k, ticksToMs } from "../base/units.ts";
import { ageMs, type FrameReading } from "../media/test-signal.ts";

/** The sum of what came in the last second. */
export class RateMeter {
	readonly #window: Milliseconds;
	/** What came in the same hundredth of the window is one entry. */
	readonly #entries: { at: number; amount: number }[] = [];
	#since: Milliseconds | undefined;

	constructor(window = milliseconds(1000)) {
		this.#window = window;
	}

	add(amount: number, now: Milliseconds): void {
		this.#since ??= now;
		const last = this.#entries.at(-1);
		if (last !== undefined && now - last.at < this.#window / 100) last.amount += amount;
		else this.#entries.push({ at: now, amount });
		this.#prune(now);
	}

	/** Per second; before a window has passed, of the time that has. */
	perSecond(now: Milliseconds): number {
		this.#prune(now);
		const passed = Math.min(this.#window, now - (this.#since ?? now));
		const sum = this.#entries.reduce((total, { amount }) => total + amount, 0);
		return passed <= 0 ? 0 : (sum * 1000) / passed;
	}

	#prune(now: Milliseconds): void {
		while (this.#entries.length > 0 && this.#entries[0]!.at <= now - this.#window) this.#entries.shift();
	}
}

/** A step of the stream's time that is no gap but another time base. */
const JUMP: Ticks90k = ticks90k(10 * 90_000);
/** Being without media for less is a late arrival and no stall. */
const STALL_MS = 100;

/**
 * The clock by which media would be shown. It starts with the first decoded frame, and waits when nothing is left to
 * show: what has been received and is not due yet is the buffer.
 */
export class PlaybackClock {
	#newest: Ticks90k | undefined;
	#anchor: { pts: number; at: Milliseconds } | undefined;
	/** How often, and for how long in all, nothing was left to show. */
	stalls = 0;
	stalledMs = 0;

	/** The first frame is shown now; further calls change nothing. */
	start(pts: Ticks90k, now: Milliseconds): void {
		this.#anchor ??= { pts, at: now };
	}

	received(pts: Ticks90k, now: Milliseconds): void {
		const newest = this.#newest;
		const jumped = newest !== undefined && Math.abs(pts - newest) > JUMP;
		if (this.#anchor !== undefined && newest !== undefined) {
			const lacking = -this.#left(this.#anchor, newest, now);
			if (lacking > 0) {
				this.stalledMs += lacking;
				if (lacking > STALL_MS) this.stalls++;
			}
			if (jumped) this.#anchor = { pts, at: now };
			else if (lacking > 0) this.#anchor = { pts: newest, at: now };
		}
		this.#newest = jumped || newest === undefined || pts > newest ? pts : newest;
	}

	bufferMs(now: Milliseconds): number {
		if (this.#newest === undefined || this.#anchor === undefined) return 0;
		return Math.max(0, this.#left(this.#anchor, this.#newest, now));
	}

	#left(anchor: { pts: number; at: Milliseconds }, newest: Ticks90k, now: Milliseconds): number {
		return ticksToMs(ticks90k(newest - anchor.pts)) - (now - anchor.at);
	}
}

/** What a delay was measured by. */
export type DelaySource = "clock" | "arrival";

export interface Delay {
	readonly ms: number;
	/**
	 * "clock": by the wall clock in the test signal, from a frame's making until it was decoded; on one machine, or on
	 * two whose clocks agree. "arrival": how much later than the fastest so far the latest access units arrived.
	 */
	readonly by: DelaySource;
}

/** Frames in a row whose numbers follow each other: before that a bar may have been read by chance. */
const SURE_AFTER = 3;
/** Frames in a row without a number after which it is not the test signal any more. */
const UNSURE_AFTER = 30;
/** An age beyond these is a clock that does not agree with ours. */
const OLDEST_MS = 10 * 60_000;
const YOUNGEST_MS = -1000;

/** Delays of the last second, by the best measure that there is. */
export class DelayMeter {
	#fastest: number | undefined;
	readonly #lateness = new Recent();
	readonly #ages = new Recent();
	#lastCounter = -2;
	#sure = 0;
	#unread = 0;

	arrived(pts: Ticks90k, now: Milliseconds): void {
		const offset = now - ticksToMs(pts);
		if (this.#fastest === undefined || Math.abs(offset - this.#fastest) > ticksToMs(JUMP)) this.#fastest = offset;
		this.#fastest = Math.min(this.#fastest, offset);
		this.#lateness.add(offset - this.#fastest, now);
	}

	/** @param reading the bar of a frame that was decoded now; @param wall milliseconds since 1970 */
	decoded(reading: FrameReading, wall: number, now: Milliseconds): void {
		const age = ageMs(reading, wall);
		if (!reading.checksumOk || age > OLDEST_MS || age < YOUNGEST_MS) {
			this.#unread++;
			if (this.#unread >= UNSURE_AFTER) this.#sure = 0;
			return;
		}
		this.#unread = 0;
		this.#sure = reading.counter === this.#lastCounter + 1 ? this.#sure + 1 : Math.min(this.#sure, SURE_AFTER);
		this.#lastCounter = reading.counter;
		this.#ages.add(age, now);
	}

	/** The median of the last second; undefined before the first frame. */
	delay(now: Milliseconds): Delay | undefined {
		const byClock = this.#sure >= SURE_AFTER ? this.#ages.median(now) : undefined;
		if (byClock !== undefined) return { ms: byClock, by: "clock" };
		const byArrival = this.#lateness.median(now);
		return byArrival === undefined ? undefined : { ms: byArrival, by: "arrival" };
	}
}

/** Values of the last second, at most 1000 of them. */
class Recent {
	readonly #values: { at: number; value: number }[] = [];

	add(value: number, now: Milliseconds): void {
		this.#values.push({ at: now, value });
		if (this.#values.length > 1000) this.#values.shift();
	}

	median(now: Milliseconds): number | undefined {
		while (this.#values.length > 0 && this.#values[0]!.at < now - 1000) this.#values.shift();
		const sorted = this.#values.map(({ value }) => value).sort((a, b) => a - b);
		return sorted[Math.floor(sorted.length / 2)];
	}
}
