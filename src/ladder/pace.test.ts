import { expect, test } from "vitest";
import { milliseconds } from "../base/units.ts";
import { Pace } from "./pace.ts";

/** Notes progress once a second at this speed. */
function run(pace: Pace, from: { at: number; media: number }, speed: number, seconds: number) {
	let { at, media } = from;
	for (let i = 0; i < seconds; i++) {
		at += 1000;
		media += 1000 * speed;
		pace.note(milliseconds(at), milliseconds(media));
	}
	return { at, media };
}

test("the speed of an encoder is that of the last seconds, and unknown for the first three", () => {
	const pace = new Pace();
	let now = run(pace, { at: 0, media: 0 }, 1, 3);
	expect(pace.speed).toBeUndefined();
	now = run(pace, now, 1, 1);
	expect(pace.speed).toBe(1);
	now = run(pace, now, 1, 600);
	// Ten minutes at full speed do not hide that it has become too slow.
	now = run(pace, now, 0.8, 5);
	expect(pace.speed).toBeCloseTo(0.8);
	run(pace, now, 1, 5);
	expect(pace.speed).toBe(1);
});

test("an encoder that has given nothing yet is not taken for a slow one", () => {
	const pace = new Pace();
	for (let at = 0; at < 5000; at += 1000) pace.note(milliseconds(at), milliseconds(0));
	run(pace, { at: 5000, media: 0 }, 1, 4);
	expect(pace.speed).toBe(1);
});

test("a source whose time begins again is measured anew", () => {
	const pace = new Pace();
	run(pace, { at: 0, media: 100_000 }, 1, 6);
	run(pace, { at: 6000, media: 0 }, 1, 3);
	expect(pace.speed).toBeUndefined();
	run(pace, { at: 9000, media: 3000 }, 1, 1);
	expect(pace.speed).toBe(1);
});
