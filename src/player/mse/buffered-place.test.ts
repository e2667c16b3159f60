import { expect, test } from "vitest";
import { placeBefore, placeBehindHole, type Ranges } from "./buffered-place.ts";

const ranges = (...all: (readonly [number, number])[]): Ranges => ({
	length: all.length,
	start: (index) => all[index]![0],
	end: (index) => all[index]![1],
});

test("a place in front of the end stays within its range", () => {
	expect(placeBefore(ranges([1, 3], [5, 9]), 9, 0.15)).toBeCloseTo(8.85);
	expect(placeBefore(ranges([1, 3], [5, 9]), 9, 7)).toBeCloseTo(5.001);
	expect(placeBefore(ranges([1, 3], [5, 9]), 9.2, 0.15)).toBeUndefined();
	expect(placeBefore(ranges(), 9, 0.15)).toBeUndefined();
});

test("what is stale behind the end does not count: times stepped back", () => {
	expect(placeBefore(ranges([1, 9]), 4, 0.1)).toBeCloseTo(3.9);
});

test("a hole is passed where nothing is left in front of it", () => {
	const buffered = ranges([1, 3], [5, 9]);
	expect(placeBehindHole(buffered, 2.5)).toBeUndefined();
	expect(placeBehindHole(buffered, 2.97)).toBeCloseTo(5.001);
	expect(placeBehindHole(buffered, 4)).toBeCloseTo(5.001);
	expect(placeBehindHole(buffered, 8)).toBeUndefined();
	expect(placeBehindHole(buffered, 8.99)).toBeUndefined();
	expect(placeBehindHole(buffered, 12)).toBeUndefined();
});
