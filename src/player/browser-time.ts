/** A browser's time, the same in a page and in a worker: the only place of the player that sets its timers. */
import { type Clock, SafeClock } from "../base/clock.ts";
import { milliseconds } from "../base/units.ts";

export function browserClock(): Clock {
	return new SafeClock({
		now: () => milliseconds(performance.now()),
		wall: () => Date.now() as ReturnType<Clock["wall"]>,
		setTimer: (delayMs, callback) => setTimeout(callback, delayMs),
		clearTimer: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
	});
}
