import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { Unwrapper } from "./unwrap.ts";

const DAY_MS = 86_400_000;

/** Fields as the wire has them: width, and units per millisecond. */
const FIELDS = [
	{ field: "RTMP's 24 bits of milliseconds", bits: 24, perMs: 1 },
	{ field: "FLV's 31 bits of milliseconds", bits: 31, perMs: 1 },
	{ field: "RTP's 32 bits at 90 kHz", bits: 32, perMs: 90 },
	{ field: "MPEG-TS's 33 bits at 90 kHz", bits: 33, perMs: 90 },
] as const;

describe("unwrapping", () => {
	it.each(FIELDS)("$field follows a stream that runs for 60 days", ({ bits, perMs }) => {
		const clock = new ManualClock();
		const unwrapper = new Unwrapper(bits);
		// The source started ten seconds before its field wraps.
		const start = 2 ** bits - 10_000 * perMs;
		let stamps = 0;
		const stamp = (): void => {
			const sent = start + clock.now() * perMs;
			if (unwrapper.unwrap(sent % 2 ** bits) !== sent) expect.unreachable(`at ${clock.now()} ms`);
			stamps++;
			clock.after(60_000, stamp);
		};
		stamp();
		clock.advance(60 * DAY_MS);
		expect(stamps).toBe(60 * 24 * 60 + 1);
		expect((60 * DAY_MS * perMs) / 2 ** bits).toBeGreaterThan(2);
	});

	it.each(FIELDS)("$field keeps reordered pictures in place, over the wrap and back", ({ bits, perMs }) => {
		const unwrapper = new Unwrapper(bits);
		const offsets = [-80, 0, -40, 40, -1, 1, 80].map((ms) => 2 ** bits + ms * perMs);
		expect(offsets.map((sent) => unwrapper.unwrap(sent % 2 ** bits))).toEqual(offsets);
	});

	it("gives a number below zero for a picture from before the start", () => {
		const unwrapper = new Unwrapper(33);
		expect(unwrapper.unwrap(0)).toBe(0);
		expect(unwrapper.unwrap(2 ** 33 - 3_000)).toBe(-3_000);
		expect(unwrapper.unwrap(3_000)).toBe(3_000);
	});

	it("keeps its invariant for any two values of any width", () => {
		const field = fc.integer({ min: 8, max: 48 }).chain((bits) =>
			fc.record({
				bits: fc.constant(bits),
				values: fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { maxLength: 50 }),
			}),
		);
		fc.assert(
			fc.property(field, ({ bits, values }) => {
				const unwrapper = new Unwrapper(bits);
				let last: number | undefined;
				for (const value of values) {
					const now = unwrapper.unwrap(value);
					expect(((now % 2 ** bits) + 2 ** bits) % 2 ** bits).toBe(value);
					if (last !== undefined) expect(Math.abs(now - last)).toBeLessThanOrEqual(2 ** (bits - 1));
					last = now;
				}
			}),
		);
	});
});
