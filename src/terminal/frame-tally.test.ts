import { describe, expect, it } from "vitest";
import { everyFrameOnce, FrameTally } from "./frame-tally.ts";

function count(numbers: readonly (number | "unreadable")[]) {
	const tally = new FrameTally();
	for (const number of numbers) {
		tally.add({ counter: number === "unreadable" ? 7 : number, checksumOk: number !== "unreadable", clockMs: 0 });
	}
	return tally.count;
}

describe("the count of frames", () => {
	it("is whole where each number comes once, in order", () => {
		const whole = count([40, 41, 42]);
		expect(whole).toMatchObject({ framesRead: 3, firstFrame: 40, lastFrame: 42, framesMissing: 0, framesRepeated: 0 });
		expect(everyFrameOnce(whole)).toBe(true);
	});

	it.each([
		["one missing", [1, 2, 4], { framesMissing: 1, framesRepeated: 0, lastFrame: 4 }],
		["one repeated", [1, 2, 2, 3], { framesMissing: 0, framesRepeated: 1, lastFrame: 3 }],
		["two that changed places", [1, 3, 2, 4], { framesMissing: 1, framesRepeated: 1, lastFrame: 4 }],
		["one unreadable, whose number is missing then", [1, "unreadable", 3], { framesUnreadable: 1, framesMissing: 1 }],
		["nothing at all", [], { framesRead: 0, firstFrame: undefined }],
	] as const)("is not whole with %s", (_, numbers, expected) => {
		expect(count(numbers)).toMatchObject(expected);
		expect(everyFrameOnce(count(numbers))).toBe(false);
	});

	it("goes on where the twenty bits begin again", () => {
		const wrapped = count([2 ** 20 - 2, 2 ** 20 - 1, 0, 1]);
		expect(wrapped).toMatchObject({ framesMissing: 0, framesRepeated: 0, restarts: 0, lastFrame: 1 });
	});

	it("takes a source that began again for no loss", () => {
		const restarted = count([5000, 5001, 0, 1, 2]);
		expect(restarted).toMatchObject({ framesMissing: 0, framesRepeated: 0, restarts: 1, lastFrame: 2 });
	});
});
