/** The time of Node.js: the one place of Penstock where clocks are read and timers are set. */
import { performance } from "node:perf_hooks";
import { type Clock, type EngineTime, SafeClock } from "../base/clock.ts";
import { epochMs, milliseconds } from "../base/units.ts";

const nodeTime: EngineTime = {
	now: () => milliseconds(performance.now()),
	wall: () => epochMs(Date.now()),
	setTimer: (delayMs, callback) => setTimeout(callback, delayMs),
	clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

export const nodeClock = (): Clock => new SafeClock(nodeTime);
