import { expect, test } from "vitest";
import { Rates } from "./rates.ts";

const look = (rates: Rates, atMs: number, counts: Record<string, readonly number[]>): void =>
	rates.note(atMs, new Map(Object.entries(counts)));

test("a rate is what a counter rose by in the last three seconds, and is not known at the first look", () => {
	const rates = new Rates();
	look(rates, 0, { all: [0, 1000] });
	expect(rates.of("all")).toBeUndefined();
	look(rates, 1000, { all: [100, 1000] });
	expect(rates.of("all")).toEqual([100, 0]);
	for (let second = 2; second <= 10; second++) look(rates, second * 1000, { all: [100 + 20 * (second - 1), 1000] });
	expect(rates.of("all")).toEqual([20, 0]);
});

test("a look that comes late is reckoned by the time that has passed", () => {
	const rates = new Rates();
	look(rates, 0, { all: [0] });
	look(rates, 5000, { all: [50] });
	expect(rates.of("all")).toEqual([10]);
});

test("a counter that begins anew has no rate, and never a negative one", () => {
	const rates = new Rates();
	look(rates, 0, { all: [500] });
	look(rates, 1000, { all: [600] });
	look(rates, 2000, { all: [10] });
	expect(rates.of("all")).toBeUndefined();
	look(rates, 3000, { all: [40] });
	expect(rates.of("all")).toEqual([30]);
});

test("what is gone is forgotten, and begins anew when it comes back", () => {
	const rates = new Rates();
	look(rates, 0, { one: [0], two: [0] });
	look(rates, 1000, { one: [1] });
	look(rates, 2000, { one: [2], two: [100] });
	expect([rates.of("one"), rates.of("two")]).toEqual([[1], undefined]);
});
