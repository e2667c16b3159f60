import { describe, expect, it } from "vitest";
import { ManualClock, ManualTime } from "./manual-clock.ts";

describe("time moved by hand", () => {
	it("fires timers in the order of their times, at their times, those set on the way included", () => {
		const time = new ManualTime();
		const fired: string[] = [];
		const at = (what: string) => () => fired.push(`${what} ${time.now()}`);
		time.setTimer(30, at("c"));
		time.setTimer(10, () => {
			at("a")();
			time.setTimer(10, at("b"));
			time.setTimer(90, at("late"));
		});
		time.setTimer(30, at("d"));
		time.advance(99);
		expect(fired).toEqual(["a 10", "b 20", "c 30", "d 30"]);
		expect(time.now()).toBe(99);
		expect(time.pending).toBe(1);
		time.advance(1);
		expect(fired.at(-1)).toBe("late 100");
		expect(time.pending).toBe(0);
	});

	it.each([
		[2 ** 31 - 1, 2 ** 31 - 1],
		[2 ** 31, 1],
		[Number.POSITIVE_INFINITY, 1],
		[Number.NaN, 1],
		[0, 1],
		[-5, 1],
		[2.9, 2],
	])("keeps a delay of %d ms as the engine does: %d ms", (delayMs, kept) => {
		const time = new ManualTime();
		let firedAt = -1;
		time.setTimer(delayMs, () => (firedAt = time.now()));
		time.advance(kept - 1);
		expect(firedAt).toBe(-1);
		time.advance(1);
		expect(firedAt).toBe(kept);
	});

	it("lets the wall clock jump while durations go on", () => {
		const clock = new ManualClock();
		const wall = clock.wall();
		clock.advance(1_000);
		clock.time.jumpWall(-3_600_000);
		expect(clock.wall() - wall).toBe(1_000 - 3_600_000);
		expect(clock.now()).toBe(1_000);
	});

	it("never fires a cancelled timer", () => {
		const time = new ManualTime();
		const handle = time.setTimer(5, () => expect.unreachable());
		time.clearTimer(handle);
		time.advance(10);
	});
});
