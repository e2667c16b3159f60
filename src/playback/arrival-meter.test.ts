import { expect, test } from "vitest";
import { milliseconds } from "../base/units.ts";
import { ArrivalMeter } from "./arrival-meter.ts";

test("the best of the last minute or two counts, so that a clock that drifts is followed", () => {
	const meter = new ArrivalMeter();
	expect(meter.best(milliseconds(0))).toBeUndefined();
	// The sender's clock is slow by a thousandth; every tenth frame comes without a delay.
	for (let at = 0; at < 600_000; at += 40) meter.add(at * 0.999, milliseconds(at + (at % 400)));
	const best = meter.best(milliseconds(600_000))!;
	expect(best).toBeGreaterThan(470);
	expect(best).toBeLessThan(545);
	meter.forget();
	expect(meter.best(milliseconds(600_000))).toBeUndefined();
});

test("what is long ago says nothing", () => {
	const meter = new ArrivalMeter();
	meter.add(0, milliseconds(10));
	expect(meter.best(milliseconds(30_000))).toBe(10);
	expect(meter.best(milliseconds(300_000))).toBeUndefined();
});
