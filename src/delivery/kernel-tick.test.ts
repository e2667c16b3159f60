import fc from "fast-check";
import { expect, test } from "vitest";
import { milliseconds } from "../base/units.ts";
import { KernelTick } from "./kernel-tick.ts";

const PERIOD = 4;

test("a time that the kernel tells in ticks is known to half a tick", () => {
	const time = fc.double({ min: 100, max: 60_000, noNaN: true });
	fc.assert(
		fc.property(
			time,
			fc.double({ min: 0, max: 90, noNaN: true }),
			fc.double({ min: 0, max: PERIOD, noNaN: true }),
			(now, age, phase) => {
				const lastTick = (at: number): number => Math.floor((at - phase) / PERIOD) * PERIOD + phase;
				const tick = new KernelTick(() => lastTick(now), PERIOD);
				const happened = now - age;
				const ago = lastTick(now) - lastTick(happened);
				const told = tick.timeOf(milliseconds(now), ago);
				expect(told).toBeLessThanOrEqual(now);
				expect(Math.abs(told - happened)).toBeLessThanOrEqual(PERIOD / 2 + 1e-6);
			},
		),
	);
});

test("the clock is read again now and then, for it drifts", () => {
	let reads = 0;
	const tick = new KernelTick(() => ++reads && 0, PERIOD);
	for (let now = 0; now <= 30_000; now += 100) tick.timeOf(milliseconds(now), 0);
	expect(reads).toBeGreaterThan(2);
});
