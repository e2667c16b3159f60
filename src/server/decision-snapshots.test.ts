import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { HIGH, LOW } from "../../test/kit/switching-state.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import type { DecisionRecord } from "../switching/switch-control.ts";
import { decisionList } from "./api-model.ts";
import { decisionSnapshot } from "./decision-snapshots.ts";

const clock = new ManualClock();
clock.time.advance(60_000);
const now = clock.now();
const at = milliseconds(now - 2000);
const figure = <Value>(value: Value, ageMs: number) => ({
	value,
	at: milliseconds(at - ageMs),
	source: "reported" as const,
});

const RECORD: DecisionRecord = {
	at,
	moment: "within-unit",
	current: HIGH,
	decision: { kind: "switch", to: LOW, because: { cause: "network", text: "a queue of 300 ms" } },
	viewer: {
		...{ bandwidth: figure(bitsPerSecond(2e6), 100), buffer: figure(milliseconds(700), 50) },
		...{ hidden: figure(true, 10), smoothUpTo: figure(HIGH, 3000) },
	},
	server: {
		...{ cpuIdle: 0.5, memoryUsed: undefined, eventLoopDelayMs: milliseconds(2), egress: bitsPerSecond(5e6) },
		duress: { level: "freeze", text: "too much" },
	},
	network: {
		...{ since: milliseconds(0), capacity: bitsPerSecond(1_234_567.8), capacityAt: milliseconds(at - 30) },
		...{ basis: "busy", overdue: milliseconds(300), outstandingBytes: 90_000 },
		outstandingMedia: milliseconds(250),
		...{ roundTrip: milliseconds(320), minRoundTrip: milliseconds(20), variability: 0.4, receiverLimited: 0.1 },
	},
	lag: milliseconds(40),
};

test("a decision is shown as of its own time, with units in the names and nothing that is not known", () => {
	const shown = decisionSnapshot(RECORD, clock);
	expect(decisionList.parse({ decisions: [shown] })).toEqual({ decisions: [shown] });
	expect(shown).toEqual({
		at: new Date(clock.wall() - 2000).toISOString(),
		...{ moment: "within-unit", current: "high", kind: "switch", to: "low" },
		...{ cause: "network", text: "a queue of 300 ms" },
		inputs: {
			network: {
				...{ capacityBps: 1_234_568, capacityAgeMs: 30, basis: "busy", overdueMs: 300, outstandingBytes: 90_000 },
				outstandingMediaMs: 250,
				...{ roundTripMs: 320, minRoundTripMs: 20, variability: 0.4, receiverLimited: 0.1 },
			},
			viewer: {
				bandwidthBps: { value: 2e6, ageMs: 100, source: "reported" },
				bufferMs: { value: 700, ageMs: 50, source: "reported" },
				hidden: { value: true, ageMs: 10, source: "reported" },
				smoothUpTo: { value: "high", ageMs: 3000, source: "reported" },
			},
			server: { cpuIdle: 0.5, eventLoopDelayMs: 2, egressBps: 5e6, duress: { level: "freeze", text: "too much" } },
			lagMs: 40,
		},
	});
});

test("a network of which nothing is known has no capacity, and a hold leads nowhere", () => {
	const decision = { kind: "hold", because: { cause: "unknown", text: "nothing yet" } } as const;
	const shown = decisionSnapshot({ ...RECORD, decision, network: { ...RECORD.network!, capacity: undefined } }, clock);
	expect("to" in shown).toBe(false);
	const { network } = shown.inputs;
	expect(Object.keys(network!)).not.toContain("capacityBps");
	expect(Object.keys(network!)).not.toContain("capacityAgeMs");
	expect(decisionSnapshot({ ...RECORD, network: undefined }, clock).inputs.network).toBeUndefined();
});
