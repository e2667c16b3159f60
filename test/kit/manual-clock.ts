/**
 * A clock that a test moves by hand. `ManualTime` behaves as a JavaScript engine does, its trap included: a delay of
 * 2³¹ ms or more, and one below 1 ms, becomes 1 ms; fractions are cut off. `ManualClock` is the house's `SafeClock`
 * on top of it, so that what runs in a test is the code that runs in the server.
 */
import { type EngineTime, LONGEST_TIMER_MS, SafeClock } from "../../src/base/clock.ts";
import { type EpochMs, epochMs, type Milliseconds, milliseconds } from "../../src/base/units.ts";

interface PendingTimer {
	readonly due: number;
	readonly sequence: number;
	readonly callback: () => void;
}

const START_WALL = Date.UTC(2026, 0, 1);

export class ManualTime implements EngineTime {
	#now = 0;
	#wallOffset = START_WALL;
	#sequence = 0;
	readonly #timers = new Set<PendingTimer>();

	now(): Milliseconds {
		return milliseconds(this.#now);
	}

	wall(): EpochMs {
		return epochMs(this.#wallOffset + this.#now);
	}

	setTimer(delayMs: number, callback: () => void): unknown {
		const kept = delayMs >= 1 && delayMs <= LONGEST_TIMER_MS ? Math.trunc(delayMs) : 1;
		const timer = { due: this.#now + kept, sequence: this.#sequence++, callback };
		this.#timers.add(timer);
		return timer;
	}

	clearTimer(handle: unknown): void {
		this.#timers.delete(handle as PendingTimer);
	}

	/** How many timers wait: a test of a shut-down wants zero. */
	get pending(): number {
		return this.#timers.size;
	}

	/** Lets `ms` pass. Timers fire in the order of their times, at their times, those set on the way included. */
	advance(ms: number): void {
		const end = this.#now + ms;
		for (;;) {
			const next = this.#earliest();
			if (next === undefined || next.due > end) break;
			this.#timers.delete(next);
			this.#now = Math.max(this.#now, next.due);
			next.callback();
		}
		this.#now = end;
	}

	/** Sets the wall clock forward or back, as an administrator or NTP does; durations do not notice. */
	jumpWall(ms: number): void {
		this.#wallOffset += ms;
	}

	#earliest(): PendingTimer | undefined {
		let first: PendingTimer | undefined;
		for (const timer of this.#timers) {
			const before = first === undefined || timer.due < first.due;
			if (before || (timer.due === first?.due && timer.sequence < first.sequence)) first = timer;
		}
		return first;
	}
}

export class ManualClock extends SafeClock {
	readonly time: ManualTime;

	constructor() {
		const time = new ManualTime();
		super(time);
		this.time = time;
	}

	/** Lets `ms` pass; see `ManualTime.advance`. */
	advance(ms: number): void {
		this.time.advance(ms);
	}

	/** The same, until `now()` says `ms`. */
	advanceTo(ms: number): void {
		this.time.advance(ms - this.now());
	}
}
