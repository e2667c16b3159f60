/**
 * Time, injected. Nothing below `server/` reads a clock or sets a timer of its own: a test hands in a clock that it
 * moves by hand, and 60 days pass in a second.
 *
 * Timers of JavaScript engines hold 31 bits of milliseconds (24.8 days) and fire *at once* beyond that. `SafeClock`
 * is the only way to a timer here, and it lets a longer one run in several legs.
 */
import type { EpochMs, Milliseconds } from "./units.ts";

export interface Timer {
	/** Idempotent; a cancelled timer never fires. */
	cancel(): void;
}

export interface Clock {
	/** Monotonic; its zero has no meaning. */
	now(): Milliseconds;
	/** The wall clock: for people and for tokens, never for durations. It may jump. */
	wall(): EpochMs;
	/** Calls `callback` once, `delayMs` from now or as soon after as the loop is free. Any finite delay is safe. */
	after(delayMs: number, callback: () => void): Timer;
}

/** What an engine offers: the clock reads and a timer of at most 2³¹ − 1 milliseconds. */
export interface EngineTime {
	now(): Milliseconds;
	wall(): EpochMs;
	setTimer(delayMs: number, callback: () => void): unknown;
	clearTimer(handle: unknown): void;
}

/** The longest delay that an engine's timer keeps, in milliseconds. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A `Clock` on an engine's time, with timers of any length. */
export class SafeClock implements Clock {
	readonly #engine: EngineTime;

	constructor(engine: EngineTime) {
		this.#engine = engine;
	}

	now(): Milliseconds {
		return this.#engine.now();
	}

	wall(): EpochMs {
		return this.#engine.wall();
	}

	after(delayMs: number, callback: () => void): Timer {
		const engine = this.#engine;
		const due = engine.now() + Math.max(0, delayMs);
		let handle: unknown;
		let open = true;
		const arm = (): void => {
			const left = due - engine.now();
			// Engines cut fractions off: rounded up, so that no timer fires early.
			const leg = Math.min(Math.max(Math.ceil(left), 0), LONGEST_TIMER_MS);
			handle = engine.setTimer(leg, () => {
				if (!open) return;
				if (left > LONGEST_TIMER_MS) return arm();
				open = false;
				callback();
			});
		};
		arm();
		return {
			cancel() {
				if (!open) return;
				open = false;
				engine.clearTimer(handle);
			},
		};
	}
}
