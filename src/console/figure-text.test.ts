import { expect, test } from "vitest";
import {
	bitrateText,
	bytesText,
	delayText,
	packetRateText,
	shareText,
	sizeText,
	spanText,
	UNKNOWN,
} from "./figure-text.ts";

test("bit rates and sizes keep three digits over their units", () => {
	const texts = [0, 480_400, 999_499, 999_500, 2_484_000, 48_000_000, 999_499_999, 1_204_000_000].map(bitrateText);
	expect(texts).toEqual([
		...["0 kbit/s", "480 kbit/s", "999 kbit/s", "1.00 Mbit/s"],
		...["2.48 Mbit/s", "48.0 Mbit/s", "999 Mbit/s", "1.20 Gbit/s"],
	]);
	expect([12_000, 18_500_000, 2_000_000_000].map(bytesText)).toEqual(["12 kB", "18.5 MB", "2.00 GB"]);
});

test("packets a second are told to the digit, or in millions", () => {
	expect([0, 0.42, 30, 1250.4, 199_999, 1_254_000].map(packetRateText)).toEqual([
		...["0 /s", "0.4 /s", "30 /s", "1,250 /s", "199,999 /s", "1.25 M/s"],
	]);
});

test("delays and spans choose their unit", () => {
	expect([0, 0.62, 87.4, 999, 1_250, 12_300].map(delayText)).toEqual([
		...["0 ms", "0.6 ms", "87 ms", "999 ms", "1.25 s", "12 s"],
	]);
	expect([41_700, 185_000, 7_440_000, 266_400_000].map(spanText)).toEqual([
		...["42 s", "3 min 05 s", "2 h 04 min", "3 d 2 h"],
	]);
});

test("what is not known is a dash, and never NaN", () => {
	for (const text of [bitrateText, packetRateText, bytesText, delayText, spanText, shareText]) {
		expect([text(undefined), text(null), text(Number.NaN)]).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
	}
	expect(sizeText(640, undefined)).toBe(UNKNOWN);
});
