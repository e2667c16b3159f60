import { expect, test } from "vitest";
import { usefulBitrate } from "./useful-bitrate.ts";

const LADDER = [
	{ name: "high", width: 1920, height: 1080, bitrateBps: 6e6, available: true },
	{ name: "mid", width: 1280, height: 720, bitrateBps: 3e6, available: true },
	{ name: "low", width: 640, height: 360, bitrateBps: 1e6, available: true },
];

test.for([
	["a view of the best's size", 1920, 1080, undefined],
	["a view larger than the best", 3840, 2160, undefined],
	["a view of the middle's size", 1280, 720, 4.5e6],
	["a view a little larger than that", 1400, 788, 4.5e6],
	["a view between the two", 1600, 900, undefined],
	["a view smaller than the lowest", 200, 112, 2e6],
	["a high and narrow view, which the width fits", 640, 2000, 2e6],
	["a view without a size", 0, 0, undefined],
] as const)("%s", ([, width, height, expected]) => {
	expect(usefulBitrate(LADDER, { width, height })).toBe(expected);
});

test("without bit rates there is nothing to say", () => {
	const unknown = LADDER.map(({ name, width, height, available }) => ({ name, width, height, available }));
	expect(usefulBitrate(unknown, { width: 640, height: 360 })).toBeUndefined();
});
