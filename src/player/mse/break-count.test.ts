import { expect, test } from "vitest";
import { milliseconds } from "../../base/units.ts";
import { BreakCount } from "./break-count.ts";

test("the fourth break within half a minute is one too many", () => {
	const breaks = new BreakCount();
	expect([0, 5000, 10_000, 15_000].map((at) => breaks.add(milliseconds(at)))).toEqual([false, false, false, true]);
});

test("breaks now and then are not", () => {
	const breaks = new BreakCount();
	for (let at = 0; at < 600_000; at += 11_000) expect(breaks.add(milliseconds(at))).toBe(false);
});
