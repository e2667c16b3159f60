import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { LONGEST_TIMER_MS } from "./clock.ts";

const DAY_MS = 86_400_000;

describe("a timer", () => {
	it.each([
		["of 1 ms", 1],
		["of an hour", 3_600_000],
		["one short of the engine's longest", LONGEST_TIMER_MS - 1],
		["of the engine's longest", LONGEST_TIMER_MS],
		["one beyond the engine's longest", LONGEST_TIMER_MS + 1],
		["of three legs exactly", 3 * LONGEST_TIMER_MS],
		["of 60 days", 60 * DAY_MS],
	])("%s fires once, at its time and not before", (_what, delayMs) => {
		const clock = new ManualClock();
		const fired: number[] = [];
		clock.after(delayMs, () => fired.push(clock.now()));
		clock.advance(delayMs - 1);
		expect(fired).toEqual([]);
		clock.advance(1);
		expect(fired).toEqual([delayMs]);
		clock.advance(100 * DAY_MS);
		expect(fired).toEqual([delayMs]);
		expect(clock.time.pending).toBe(0);
	});

	it("of no or a negative delay fires as soon as the loop is free, never at once", () => {
		const clock = new ManualClock();
		const fired: string[] = [];
		clock.after(0, () => fired.push("zero"));
		clock.after(-1_000, () => fired.push("negative"));
		expect(fired).toEqual([]);
		clock.advance(1);
		expect(fired).toEqual(["zero", "negative"]);
	});

	it("cancelled in any of its legs never fires and leaves nothing behind", () => {
		for (const cancelledAfterDays of [0, 1, 24, 25, 49, 50, 59]) {
			const clock = new ManualClock();
			const timer = clock.after(60 * DAY_MS, () => expect.unreachable());
			clock.advance(cancelledAfterDays * DAY_MS);
			timer.cancel();
			timer.cancel();
			expect(clock.time.pending).toBe(0);
			clock.advance(60 * DAY_MS);
		}
	});

	it("cancelled after it has fired does not touch another one", () => {
		const clock = new ManualClock();
		const fired: string[] = [];
		const first = clock.after(1, () => fired.push("first"));
		clock.advance(1);
		clock.after(1, () => fired.push("second"));
		first.cancel();
		clock.advance(1);
		expect(fired).toEqual(["first", "second"]);
	});

	it("set again and again beats on time for 60 days", () => {
		const clock = new ManualClock();
		let beats = 0;
		const beat = (): void => {
			expect(clock.now()).toBe(++beats * 600_000);
			clock.after(600_000, beat);
		};
		clock.after(600_000, beat);
		clock.advance(60 * DAY_MS);
		expect(beats).toBe(60 * 144);
	});

	it("does not follow the wall clock", () => {
		const clock = new ManualClock();
		let fired = false;
		clock.after(1_000, () => (fired = true));
		clock.time.jumpWall(10 * 365 * DAY_MS);
		clock.advance(999);
		expect(fired).toBe(false);
		clock.advance(1);
		expect(fired).toBe(true);
	});
});
