/** The judge of flowing sound hears each fault that it is there for, and takes a change of speed for none. */
import { describe, expect, test } from "vitest";
import { expectFlow, judgeFlow } from "./sound-flow.ts";
import { leftAt, rightAt } from "./sound-signal.ts";

const SECONDS = 6;
const SAMPLES = SECONDS * 48_000;
const MIDDLE = 150_000;

/** The signal; `placeOf` says which of its samples comes when. */
function sound(placeOf: (sample: number) => number): Float32Array {
	const pcm = new Float32Array(2 * SAMPLES);
	for (let i = 0; i < SAMPLES; i++) {
		const place = 48_000 + placeOf(i);
		pcm[2 * i] = leftAt(place);
		pcm[2 * i + 1] = rightAt(place);
	}
	return pcm;
}

describe("the judge of flowing sound", () => {
	test.each([
		["as it is", (i: number) => i],
		["1 % faster", (i: number) => i * 1.01],
		["slower for a while", (i: number) => (i < MIDDLE ? i : MIDDLE + (i - MIDDLE) * 0.992)],
		["now faster, now slower", (i: number) => i + 0.01 * 3000 * Math.abs(((i / 3000) % 2) - 1)],
	])("has nothing against sound that is played %s", (_, placeOf) => {
		expect(expectFlow(sound(placeOf), { seconds: SECONDS }).worstStep).toBeLessThan(0.1);
	});

	test.each([-2048, -1024, 100, 1024, 2048, 3072, 6144])("hears %i samples left out", (count) => {
		const { faults } = judgeFlow(sound((i) => (i < MIDDLE ? i : i + count)));
		expect(faults.join()).toMatch(/jumps at 1[45]\d{4}/);
	});

	test("hears two milliseconds of silence", () => {
		const pcm = sound((i) => i).fill(0, 2 * MIDDLE, 2 * (MIDDLE + 96));
		expect(judgeFlow(pcm).faults.join()).toMatch(/% of its strength at 1\d{5}/);
		expect(judgeFlow(pcm).weakest).toBeLessThan(0.1);
	});

	test("does not take a short sound for a long one", () => {
		expect(() =>
			expectFlow(
				sound((i) => i),
				{ seconds: SECONDS + 1 },
			),
		).toThrow(/too short/);
	});
});
