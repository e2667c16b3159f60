import { describe, expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { SampleClock } from "./sample-clock.ts";

describe("the sample clock", () => {
	test("lays frames end to end, whatever their times were rounded to", () => {
		const clock = new SampleClock(44_100);
		let end: number | undefined;
		for (let i = 0; i < 1000; i++) {
			const stamp = Math.round((i * 1024 * 1000) / 44_100) * 90;
			const { time, duration, gapSamples } = clock.place(ticks90k(stamp), 1024);
			if (end !== undefined) expect(time).toBe(end);
			expect(gapSamples).toBe(0);
			expect(Math.abs(time - stamp)).toBeLessThanOrEqual(46);
			end = time + duration;
		}
	});

	test.each([
		[2 * 1920, 1024],
		[3 * 1920, 2048],
		[0, -1024],
	])("finds frames missing, and too many", (stamp, gapSamples) => {
		const clock = new SampleClock(48_000);
		clock.place(ticks90k(0), 1024);
		expect(clock.place(ticks90k(stamp), 1024)).toEqual({ time: stamp, duration: 1920, gapSamples });
		expect(clock.place(ticks90k(stamp + 1920), 1024).gapSamples).toBe(0);
	});
});
