import { expect, test } from "vitest";
import type { DecisionAnswer, ViewerAnswer } from "./api-answers.ts";
import { KEEP_MS } from "./history.ts";
import { historySoFar, viewerSample } from "./viewer-history.ts";

const NOW = Date.parse("2026-01-01T12:00:00.000Z");
const RATES: Readonly<Record<string, number>> = { high: 2_500_000, low: 500_000 };
const rateOf = (name: string): number | undefined => RATES[name];
const ago = (ms: number): string => new Date(NOW - ms).toISOString();

const because = { cause: "network", text: "a network of 1 Mbit/s" };
const VIEWER: ViewerAnswer = {
	...{ id: "1", channel: "live/demo", packaging: "ts", remoteAddress: "192.0.2.1", userAgent: "", wish: "auto" },
	...{ connectedAt: ago(3_000_000), rendition: "low", lagMs: 0, bytesSent: 0, switches: 2, drops: {}, told: {} },
	lastSwitches: [
		{ at: ago(KEEP_MS + 60_000), unit: 1, from: "low", to: "high", because },
		{ at: ago(30_000), unit: 40, from: "high", to: "low", because },
	],
	figures: { bandwidthBps: { value: 900_000, ageMs: 300, source: "reported" } },
};

const decisionAt = (ms: number, source: "reported" | "emulated"): DecisionAnswer => ({
	...{ at: ago(ms), moment: "unit-end", current: "high", kind: "hold", cause: "network", text: "" },
	inputs: {
		...{ server: {}, lagMs: 0, viewer: { bandwidthBps: { value: 3_000_000, ageMs: 0, source } } },
		network: {
			...{ capacityBps: 4_000_000, overdueMs: 0, outstandingBytes: 0, outstandingMediaMs: 0, roundTripMs: 1 },
			...{ minRoundTripMs: 1, variability: 0, receiverLimited: 0 },
		},
	},
});

test("a viewer's history begins with the switches and decisions that the server remembers", () => {
	const { times, columns } = historySoFar(VIEWER, [decisionAt(60_000, "reported")], rateOf, NOW);
	expect(times.map((time) => Math.round(NOW / 1000 - time))).toEqual([60, 30, 30]);
	expect(columns[0]).toEqual([2_500_000, 2_500_000, 500_000]);
	expect(columns[1]).toEqual([4_000_000, 4_000_000, 4_000_000]);
	expect(columns[2]).toEqual([3_000_000, 3_000_000, 3_000_000]);
});

test("a figure that the server made up for a silent viewer does not count as reported", () => {
	const { columns } = historySoFar(VIEWER, [decisionAt(60_000, "emulated")], rateOf, NOW);
	expect(columns[2]).toEqual([null, null, null]);
	const silent = { ...VIEWER, figures: {}, maxBps: 1_000_000 };
	expect(viewerSample(silent, rateOf)).toEqual([500_000, undefined, undefined, 1_000_000]);
	expect(viewerSample(VIEWER, rateOf)[2]).toBe(900_000);
});
