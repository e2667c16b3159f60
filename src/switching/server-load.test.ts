import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import { SERVER_LOAD_DEFAULTS, ServerLoad, type ServerLoadSettings } from "./server-load.ts";
import type { ServerFigures } from "./state.ts";

const GOOD: ServerFigures = {
	cpuIdle: 0.6,
	memoryUsed: 0.4,
	eventLoopDelayMs: milliseconds(2),
	egress: bitsPerSecond(10e6),
	egressLimit: bitsPerSecond(100e6),
	encoderSpeed: 1,
};

/** One letter a second: f(reeze), s(hed), - for nothing. */
function levels(figures: readonly ServerFigures[], settings: Partial<ServerLoadSettings> = {}): string {
	const load = new ServerLoad({ ...SERVER_LOAD_DEFAULTS, ...settings });
	return figures.map((one, second) => load.sample(milliseconds(second * 1000), one)?.level.charAt(0) ?? "-").join("");
}

const times = (count: number, figures: Partial<ServerFigures> = {}): ServerFigures[] =>
	Array.from({ length: count }, () => ({ ...GOOD, ...figures }));

describe("an overloaded server", () => {
	test.each<[string, Partial<ServerFigures>, string]>([
		["CPU", { cpuIdle: 0.09 }, "the server's CPU is 9 % idle, less than 10 %"],
		["memory", { memoryUsed: 0.93 }, "the server's memory is 93 % used, more than 92 %"],
		["event loop", { eventLoopDelayMs: milliseconds(51) }, "the server's event loop is 51 ms late, more than 50 ms"],
		["egress", { egress: bitsPerSecond(91e6) }, "the server sends 91.0 Mbit/s, more than 90 % of 100.0 Mbit/s"],
		["encoder", { encoderSpeed: 0.96 }, "an encoder runs at 0.96 of real time, less than 0.97"],
	])("freezes after two samples, and sheds when it goes on for 5 s: %s", (_, beyond, text) => {
		expect(levels([...times(3), ...times(8, beyond)])).toBe("----fffffss");
		const load = new ServerLoad();
		load.sample(milliseconds(0), { ...GOOD, ...beyond });
		expect(load.sample(milliseconds(1000), { ...GOOD, ...beyond })).toEqual({ level: "freeze", text });
	});

	test("takes no notice of one bad sample, or of what nobody knows", () => {
		expect(
			levels([...times(1), ...times(1, { cpuIdle: 0 }), ...times(1), ...times(1, { cpuIdle: 0 }), ...times(1)]),
		).toBe("-----");
		const unknown = { cpuIdle: undefined, memoryUsed: undefined, eventLoopDelayMs: undefined };
		expect(levels(Array.from({ length: 5 }, () => unknown))).toBe("-----");
		const { egressLimit: _, ...withoutLimit } = GOOD;
		expect(levels(Array.from({ length: 5 }, () => ({ ...withoutLimit, egress: bitsPerSecond(1e12) })))).toBe("-----");
	});

	test("sheds after 3 s where hardly any CPU is left", () => {
		expect(levels(times(6, { cpuIdle: 0.02 }))).toBe("-ffsss");
		expect(levels(times(6, { cpuIdle: 0.05 }))).toBe("-fffff");
	});

	test("goes back a step at a time: 10 s in a level, and 5 s of good figures", () => {
		expect(levels([...times(4, { cpuIdle: 0 }), ...times(21)])).toBe("-ffssssssssssffffffffff--");
		// Good for long, but a second before its time is not.
		expect(levels([...times(2, { cpuIdle: 0.05 }), ...times(8), ...times(1, { cpuIdle: 0.15 }), ...times(7)])).toBe(
			"-fffffffffffffff--",
		);
	});

	test("stays where it is between a limit and its recovery bound", () => {
		expect(levels([...times(2, { cpuIdle: 0.05 }), ...times(60, { cpuIdle: 0.15 })])).toBe(`-${"f".repeat(61)}`);
		expect(levels(times(60, { cpuIdle: 0.15 }))).toBe("-".repeat(60));
	});

	test("says what it has not recovered from", () => {
		const load = new ServerLoad();
		for (const [second, cpuIdle] of [0.04, 0.04, 0.5].entries()) {
			const duress = load.sample(milliseconds(second * 1000), { ...GOOD, cpuIdle });
			if (second === 2)
				expect(duress?.text).toBe("not yet recovered from: the server's CPU is 4 % idle, less than 10 %");
		}
	});

	test("goes no further than it is let", () => {
		expect(levels(times(20, { cpuIdle: 0 }), { most: "freeze" })).toBe(`-${"f".repeat(19)}`);
	});

	test("never flaps: whatever the figures, a level is left for a lower one after 10 s at the earliest, step by step", () => {
		const share = fc.double({ min: 0, max: 1, noNaN: true });
		const samples = fc.array(fc.record({ cpuIdle: share, memoryUsed: share }), { minLength: 30, maxLength: 120 });
		fc.assert(
			fc.property(samples, (list) => {
				const word = levels(list.map((one) => ({ ...GOOD, ...one })));
				expect(word).not.toMatch(/s-|-s/);
				for (const [spell] of word.matchAll(/s+f|f+-/g)) expect(spell.length - 1).toBeGreaterThanOrEqual(10);
			}),
		);
	});
});
