import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { milliseconds } from "../base/units.ts";
import { type Looked, LookSchedule } from "./look-schedule.ts";

/** Wants to be looked at every `every` ms, and writes down when it was. */
class Watch implements Looked {
	readonly looks: number[] = [];
	nextLookAt;
	readonly #clock: ManualClock;
	readonly #every: number;

	constructor(clock: ManualClock, every: number) {
		this.#clock = clock;
		this.#every = every;
		this.nextLookAt = milliseconds(clock.now() + every);
	}

	look(): void {
		this.looks.push(this.#clock.now());
		this.nextLookAt = milliseconds(this.nextLookAt + this.#every);
	}
}

test("each is looked at when it is due, to within a slot", () => {
	const clock = new ManualClock();
	const schedule = new LookSchedule(clock);
	const watches = [20, 100, 340, 2000].map((every) => new Watch(clock, every));
	for (const watch of watches) schedule.place(watch);
	for (let ms = 1; ms <= 4000; ms++) clock.advanceTo(ms);
	expect(watches.map(({ looks }) => looks.length)).toEqual([200, 40, 11, 2]);
	for (const [index, every] of [20, 100, 340, 2000].entries()) {
		for (const [count, at] of watches[index]!.looks.entries()) {
			const late = at - (count + 1) * every;
			expect(late).toBeGreaterThanOrEqual(0);
			expect(late).toBeLessThanOrEqual(4);
		}
	}
});

test("a look that becomes due sooner is taken sooner, and one that was removed is not taken", () => {
	const clock = new ManualClock();
	const schedule = new LookSchedule(clock);
	const watch = new Watch(clock, 400);
	const gone = new Watch(clock, 50);
	schedule.place(watch);
	schedule.place(gone);
	schedule.remove(gone);
	watch.nextLookAt = milliseconds(16);
	schedule.place(watch);
	for (let ms = 1; ms <= 100; ms++) clock.advanceTo(ms);
	expect(watch.looks).toEqual([16]);
	expect(gone.looks).toEqual([]);
});

test("a loop that was held up for long catches up with one look each", () => {
	const clock = new ManualClock();
	const schedule = new LookSchedule(clock);
	const watch = new Watch(clock, 100);
	schedule.place(watch);
	clock.advanceTo(5000);
	expect(watch.looks.length).toBeGreaterThan(0);
	watch.nextLookAt = milliseconds(5100);
	for (let ms = 5001; ms <= 5110; ms++) clock.advanceTo(ms);
	expect(watch.looks.at(-1)).toBeLessThanOrEqual(5104);
});
