import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { msToTicks, ticks90k, ticksToMs } from "./units.ts";

describe("units", () => {
	it("convert whole milliseconds to ticks and back without loss, for years", () => {
		expect(msToTicks(1)).toBe(90);
		expect(ticksToMs(ticks90k(3_003))).toBeCloseTo(33.3667, 4);
		fc.assert(
			fc.property(fc.integer({ min: -1e12, max: 1e12 }), (value) => {
				expect(ticksToMs(msToTicks(value))).toBe(value);
			}),
		);
	});

	it("round fractions of a millisecond to the nearest tick", () => {
		expect(msToTicks(1000 / 30)).toBe(3_000);
		expect(msToTicks(0.005)).toBe(0);
		expect(msToTicks(0.006)).toBe(1);
	});
});
