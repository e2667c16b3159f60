import { expect, test } from "vitest";
import { ticks90k } from "../base/units.ts";
import { PictureSteps } from "./picture-steps.ts";

/** The durations said at each unit's start; a unit is the times of its pictures. */
const durations = (...units: number[][]): number[] => {
	const steps = new PictureSteps();
	return units.map(([first, ...rest]) => {
		const known = steps.unit(ticks90k(first!));
		for (const dts of rest) steps.picture(ticks90k(dts));
		return known;
	});
};

test("30 pictures a second are believed until the first unit is over", () => {
	expect(durations([0, 3600, 7200], [10_800, 14_400], [18_000])).toEqual([3000, 3600, 3600]);
});

test("the longest step counts, where they differ", () => {
	expect(durations([0, 2970, 6030, 9000], [12_000])).toEqual([3000, 3060]);
});

test("a hole between two units is no picture's duration", () => {
	expect(durations([0, 3000, 6000], [900_000, 903_000], [906_000])).toEqual([3000, 3000, 3000]);
});

test("a picture a unit lasts until the next one", () => {
	expect(durations([0], [90_000], [180_000])).toEqual([3000, 90_000, 90_000]);
});
