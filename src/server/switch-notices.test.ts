import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import type { SwitchTold } from "../access/hook-message.ts";
import { SwitchNotices } from "./switch-notices.ts";

function rig() {
	const clock = new ManualClock();
	const told: string[] = [];
	const notices = new SwitchNotices(clock, ({ from, to }: SwitchTold) => told.push(`${from} ${to}`));
	const note = (from: string, to: string): void => notices.note({ from, to, because: "network" });
	return { clock, told, notices, note };
}

test("the first switch is told at once, and of those within the second the last, from where the hook was left", () => {
	const { clock, told, note } = rig();
	note("low", "mid");
	note("mid", "high");
	note("high", "lowest");
	expect(told).toEqual(["low mid"]);
	clock.advance(1000);
	expect(told).toEqual(["low mid", "mid lowest"]);
	clock.advance(5000);
	note("lowest", "low");
	expect(told).toEqual(["low mid", "mid lowest", "lowest low"]);
});

test("what leads back is not told", () => {
	const { clock, told, note } = rig();
	note("low", "mid");
	note("mid", "high");
	note("high", "mid");
	clock.advance(1000);
	expect(told).toEqual(["low mid"]);
});

test("nothing is told of a viewer that has left", () => {
	const { clock, told, note, notices } = rig();
	note("low", "mid");
	note("mid", "high");
	notices.close();
	clock.advance(10_000);
	expect(told).toEqual(["low mid"]);
});
