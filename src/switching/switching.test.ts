import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { name } from "../../test/kit/access-units.ts";
import { HIGH, LOW, MID, switchingState as state } from "../../test/kit/switching-state.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import { decide } from "./decide.ts";
import { fixedPolicy } from "./fixed.ts";
import type { Figure, SwitchingState, ViewerFigures } from "./state.ts";
import { DESIGN_THRESHOLDS, thresholdPolicy } from "./threshold.ts";
import { tourPolicy } from "./tour.ts";

const figure = <Value>(value: Value): Figure<Value> => ({ value, at: milliseconds(0), source: "reported" });
const figures = (bandwidthMbps: number, cpuIdle: number, memoryUsed: number): ViewerFigures => ({
	bandwidth: figure(bitsPerSecond(bandwidthMbps * 1e6)),
	cpuIdle: figure(cpuIdle),
	memoryUsed: figure(memoryUsed),
});

const threshold = thresholdPolicy({ minServerCpuIdle: DESIGN_THRESHOLDS.minServerCpuIdle, renditions: [] });

describe("threshold, the design's own example (S6)", () => {
	const table: [string, Partial<SwitchingState>, string][] = [
		["10 Mbit/s, CPU 91 % idle, memory 49 % used: up to high", { viewer: figures(10, 0.91, 0.49) }, "to high: network"],
		["9.9 Mbit/s is enough for mid only", { viewer: figures(9.9, 0.91, 0.49) }, "to mid: network"],
		["4 Mbit/s is not enough for mid", { viewer: figures(4, 0.91, 0.49) }, "hold: network"],
		["CPU 90 % idle is not more than 90 %", { viewer: figures(20, 0.9, 0.49) }, "hold: terminal"],
		["memory half used is not less than half", { viewer: figures(20, 0.95, 0.5) }, "hold: terminal"],
		["nothing known: nobody moves", {}, "hold: unknown"],
		[
			"a server that is 30 % idle holds a climb",
			{ viewer: figures(20, 0.95, 0.2), server: { ...state().server, cpuIdle: 0.3 } },
			"hold: server",
		],
		[
			"a server whose load is not known holds a climb",
			{ viewer: figures(20, 0.95, 0.2), server: { ...state().server, cpuIdle: undefined } },
			"hold: server",
		],
		["bandwidth gone: down to what it carries", { current: HIGH, viewer: figures(6, 0.95, 0.2) }, "to mid: network"],
		["bandwidth quite gone: down to the lowest", { current: HIGH, viewer: figures(1, 0.95, 0.2) }, "to low: network"],
		[
			"a busy decoder goes down, however loaded the server is",
			{ current: HIGH, viewer: figures(20, 0.1, 0.2), server: { ...state().server, cpuIdle: 0 } },
			"to low: terminal",
		],
		["what is not known takes nothing away", { current: HIGH }, "hold: policy"],
		["the best stays the best", { current: HIGH, viewer: figures(20, 0.95, 0.2) }, "hold: policy"],
		[
			"a rendition that is not there is not chosen",
			{
				viewer: figures(20, 0.95, 0.2),
				renditions: state().renditions.map((one) => ({ ...one, available: one.name !== HIGH })),
			},
			"to mid: network",
		],
		[
			"a viewer whose rendition has gone is moved",
			{ current: HIGH, renditions: state().renditions.map((one) => ({ ...one, available: one.name !== HIGH })) },
			"to low: unavailable",
		],
	];
	test.each(table)("%s", (_, overrides, expected) => {
		const decision = threshold.decide(state(overrides));
		const { cause } = decision.because;
		expect(decision.kind === "switch" ? `to ${decision.to}: ${cause}` : `hold: ${cause}`).toBe(expected);
	});

	test("thresholds of one's own come before the design's", () => {
		const own = thresholdPolicy({
			minServerCpuIdle: 0.1,
			renditions: [
				{ rendition: HIGH, minBandwidth: bitsPerSecond(3e6), minViewerCpuIdle: 0.2, maxViewerMemoryUsed: 0.95 },
			],
		});
		expect(own.decide(state({ viewer: figures(3.5, 0.3, 0.9) }))).toMatchObject({ kind: "switch", to: "high" });
	});

	test("with 0 as its least, a server climbs whatever its load, known or not", () => {
		const policy = thresholdPolicy({ minServerCpuIdle: 0, renditions: [] });
		for (const cpuIdle of [0, undefined]) {
			const server = { ...state().server, cpuIdle };
			expect(policy.decide(state({ viewer: figures(20, 0.95, 0.2), server }))).toMatchObject({ to: "high" });
		}
	});

	test("any state gets a decision, and a switch always goes to another rendition that is there", () => {
		const share = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
		const arbitrary = fc.record({
			current: fc.constantFrom(HIGH, MID, LOW, name("gone")),
			available: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
			mbps: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
			cpuIdle: share,
			memoryUsed: share,
			serverIdle: share,
		});
		fc.assert(
			fc.property(arbitrary, ({ current, available, mbps, cpuIdle, memoryUsed, serverIdle }) => {
				const renditions = state().renditions.map((one, index) => ({ ...one, available: available[index]! }));
				const viewer: ViewerFigures = {
					...(mbps === undefined ? {} : { bandwidth: figure(bitsPerSecond(mbps * 1e6)) }),
					...(cpuIdle === undefined ? {} : { cpuIdle: figure(cpuIdle) }),
					...(memoryUsed === undefined ? {} : { memoryUsed: figure(memoryUsed) }),
				};
				const server = { ...state().server, cpuIdle: serverIdle };
				const decision = threshold.decide(state({ current, renditions, viewer, server }));
				expect(decision.because.text).not.toBe("");
				if (decision.kind === "switch") {
					expect(decision.to).not.toBe(current);
					expect(renditions.find(({ name }) => name === decision.to)?.available).toBe(true);
				}
			}),
		);
	});
});

test("fixed sends everybody to its rendition, and holds there", () => {
	const policy = fixedPolicy({ rendition: MID });
	expect(policy.decide(state())).toMatchObject({ kind: "switch", to: "mid" });
	expect(policy.decide(state({ current: MID }))).toMatchObject({ kind: "hold" });
	expect(fixedPolicy({ rendition: name("none") }).decide(state())).toMatchObject({ kind: "hold" });
});

test("tour shows each rendition for its time, up and down again", () => {
	const policy = tourPolicy({ stay: milliseconds(5000) });
	let current = LOW;
	const shown: string[] = [];
	for (let second = 0; second < 40; second++) {
		const decision = policy.decide(state({ now: milliseconds(second * 1000), current }));
		if (decision.kind === "switch") current = decision.to;
		if (second % 5 === 0) shown.push(current);
	}
	expect(shown).toEqual(["low", "mid", "high", "mid", "low", "mid", "high", "mid"]);
});

test("a wish comes before the policy, where the rendition is there", () => {
	expect(decide(threshold, state({ wish: HIGH }))).toMatchObject({ kind: "switch", to: "high" });
	const renditions = state().renditions.map((one) => ({ ...one, available: one.name !== HIGH }));
	expect(decide(threshold, state({ wish: HIGH, renditions }))).toMatchObject({
		kind: "hold",
		because: { cause: "unavailable" },
	});
	expect(decide(threshold, state({ viewer: figures(10, 0.95, 0.1) }))).toMatchObject({ kind: "switch", to: "high" });
});
