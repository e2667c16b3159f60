import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { name } from "../../test/kit/access-units.ts";
import type { Name } from "../base/name.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import { adaptivePolicy } from "./adaptive.ts";
import type { Cause, Decision, Figure, NetworkState, PastSwitch, StreamPosition, SwitchingState } from "./state.ts";

const [HIGH, MID, LOW] = [name("high"), name("mid"), name("low")];
const NOW = 100_000;
const policy = adaptivePolicy();

const facts = (of: Name, rate: number) => ({
	name: of,
	bitrate: bitsPerSecond(rate),
	streamBitrate: bitsPerSecond(rate),
	available: true,
});

const reported = <Value>(value: Value, ageMs = 100): Figure<Value> => ({
	value,
	at: milliseconds(NOW - ageMs),
	source: "reported",
});

const network = (capacityMbps: number | undefined, overrides: Partial<NetworkState> = {}): NetworkState => ({
	since: milliseconds(NOW - 60_000),
	capacity: capacityMbps === undefined ? undefined : bitsPerSecond(capacityMbps * 1e6),
	capacityAt: milliseconds(NOW - 200),
	basis: "train",
	overdue: milliseconds(0),
	outstandingBytes: 4000,
	outstandingMedia: milliseconds(40),
	roundTrip: milliseconds(40),
	minRoundTrip: milliseconds(30),
	changes: [{ ratio: 1, weight: 1 }],
	variability: 0,
	receiverLimited: 0,
	...overrides,
});

const AT_END: StreamPosition = {
	moment: "unit-end",
	unit: milliseconds(1000),
	remaining: milliseconds(0),
	waitingBytes: 0,
	lag: milliseconds(0),
};

const past = (agoMs: number, from: Name, to: Name, cause: Cause = "network"): PastSwitch => ({
	at: milliseconds(NOW - agoMs),
	from,
	to,
	cause,
});

const state = (overrides: Partial<SwitchingState>): SwitchingState => ({
	now: milliseconds(NOW),
	renditions: [facts(HIGH, 3e6), facts(MID, 1.2e6), facts(LOW, 0.5e6)],
	current: LOW,
	wish: "auto",
	viewer: {},
	server: { cpuIdle: 0.8, memoryUsed: 0.2, eventLoopDelayMs: milliseconds(1) },
	position: AT_END,
	history: [],
	...overrides,
});

const shown = (decision: Decision): string =>
	`${decision.kind === "switch" ? `to ${decision.to}` : "hold"}: ${decision.because.cause}`;
const decided = (overrides: Partial<SwitchingState>): string => shown(policy.decide(state(overrides)));

describe("at a unit's end", () => {
	it.each([
		["a network that takes 10 Mbit/s: up to high, past mid", { network: network(10) }, "to high: network"],
		["2 Mbit/s: up to mid", { network: network(2) }, "to mid: network"],
		["not enough for mid with its margin: stays", { network: network(1.25) }, "hold: network"],
		["high on a network of 1.5 Mbit/s: down to mid", { current: HIGH, network: network(1.5) }, "to mid: network"],
		["high on a network of 0.6 Mbit/s: down to low", { current: HIGH, network: network(0.6) }, "to low: network"],
		["high on 10 Mbit/s: stays, and is the best", { current: HIGH, network: network(10) }, "hold: policy"],
		["nothing known of the network: stays", {}, "hold: unknown"],
		["no evidence yet: stays", { network: network(undefined) }, "hold: unknown"],
		["a queue stands: not up", { network: network(10, { overdue: milliseconds(80) }) }, "hold: network"],
		[
			"behind the live edge: not up",
			{ network: network(10), position: { ...AT_END, lag: milliseconds(600) } },
			"hold: network",
		],
		["just changed: not up", { network: network(10), history: [past(500, MID, LOW)] }, "hold: policy"],
	] satisfies [string, Partial<SwitchingState>, string][])("%s", (_, overrides, answer) => {
		expect(decided(overrides)).toBe(answer);
	});

	it("a network that varies much is taken for less", () => {
		const steady = network(3.6);
		const wild = network(3.6, {
			variability: 0.5,
			changes: [0.4, 2.4, 0.5, 2, 0.3, 3, 0.6, 1.5].map((ratio) => ({ ratio, weight: 1 })),
		});
		expect(decided({ network: steady })).toBe("to high: network");
		expect(decided({ network: wild })).not.toBe("to high: network");
	});

	it("what is on its way in a deep queue counts: seconds of high are left behind for low", () => {
		const deep = network(1.3, { basis: "busy", overdue: milliseconds(400), outstandingBytes: 260_000 });
		expect(decided({ current: HIGH, network: deep })).toBe("to low: network");
	});
});

describe("after a rendition was lost soon after its climb", () => {
	const lostOnce = [past(6000, LOW, MID), past(2500, MID, LOW)];
	const lostThrice = [40, 30, 20].flatMap((s) => [past(s * 1000, LOW, MID), past(s * 1000 - 4000, MID, LOW)]);

	it("it is tried again after a while, which doubles with each loss", () => {
		const settings = adaptivePolicy({ firstBan: milliseconds(5000), longestBan: milliseconds(60_000) });
		const answer = (history: readonly PastSwitch[], now: number): string =>
			shown(settings.decide(state({ network: network(2), history, now: milliseconds(now) })));
		expect(answer(lostOnce, NOW)).toBe("hold: network");
		expect(answer(lostOnce, NOW + 3000)).toBe("to mid: network");
		expect(answer(lostThrice, NOW - 10_000)).toBe("hold: network");
		expect(answer(lostThrice, NOW + 5000)).toBe("to mid: network");
	});
});

describe("within a unit", () => {
	const within: StreamPosition = { ...AT_END, moment: "within-unit", remaining: milliseconds(300) };

	it("decides to go down as soon as it is clear that it cannot go on", () => {
		const dry = network(1, { basis: "busy", overdue: milliseconds(120), outstandingBytes: 90_000 });
		expect(decided({ current: HIGH, network: dry, position: within })).toBe("to low: network");
	});

	it("never decides to go up, nor without a queue", () => {
		expect(decided({ network: network(10), position: within })).toBe("hold: network");
		expect(decided({ current: HIGH, network: network(1), position: within })).toBe("hold: network");
	});

	it("keeps to a lower plan than it would make now", () => {
		const eased = network(2, { basis: "busy", overdue: milliseconds(80), outstandingBytes: 20_000 });
		expect(decided({ current: HIGH, planned: LOW, network: eased, position: within })).toBe("hold: network");
	});
});

describe("the viewer's terminal and wish", () => {
	it.each([
		["a hidden tab goes to the lowest", { current: HIGH, viewer: { hidden: reported(true) } }, "to low: terminal"],
		[
			"a decoder that drops frames goes down",
			{ current: HIGH, viewer: { droppedShare: reported(0.2) } },
			"to mid: terminal",
		],
		[
			"a decoder that drops a few does not",
			{ current: HIGH, viewer: { droppedShare: reported(0.02) } },
			"hold: policy",
		],
		["what it plays smoothly is the most that it gets", { viewer: { smoothUpTo: reported(MID) } }, "to mid: network"],
		["no more than it has use for", { viewer: { maxBitrate: reported(bitsPerSecond(1.5e6)) } }, "to mid: network"],
		[
			"no more than it has use for, at once",
			{ current: HIGH, viewer: { maxBitrate: reported(bitsPerSecond(1.5e6)) } },
			"to mid: wish",
		],
		["a CPU with nothing left does not go up", { current: MID, viewer: { cpuIdle: reported(0.02) } }, "hold: terminal"],
		["an old report says nothing", { current: HIGH, viewer: { droppedShare: reported(0.5, 11_000) } }, "hold: policy"],
		[
			"frames dropped before the last switch say nothing",
			{ current: MID, viewer: { droppedShare: reported(0.5, 900) }, history: [past(500, HIGH, MID, "terminal")] },
			"hold: policy",
		],
		[
			"a buffer that runs dry goes down",
			{ current: HIGH, viewer: { buffer: reported(milliseconds(50)) } },
			"to mid: network",
		],
	] satisfies [string, Partial<SwitchingState>, string][])("%s", (_, overrides, answer) => {
		expect(decided({ network: network(10), ...overrides })).toBe(answer);
	});

	it("a decoder that was too slow for a rendition is held below it, though its network would do", () => {
		const history = [past(30_000, LOW, HIGH), past(20_000, HIGH, MID, "terminal")];
		expect(decided({ current: MID, network: network(10), history })).toBe("hold: terminal");
		expect(decided({ current: LOW, network: network(10), history })).toBe("to mid: network");
		expect(
			decided({
				current: MID,
				network: network(10),
				history: history.map((one) => ({ ...one, at: milliseconds(one.at - 50_000) })),
			}),
		).toBe("to high: network");
	});

	it("a viewer that does not take what its network brings goes down", () => {
		expect(decided({ current: HIGH, network: network(10, { receiverLimited: 0.8 }) })).toBe("to mid: terminal");
	});

	it("a bandwidth that the viewer reports lowers what is seen from here, and never raises it", () => {
		const bandwidth = (mbps: number) => ({ bandwidth: reported(bitsPerSecond(mbps * 1e6)) });
		expect(decided({ current: HIGH, network: network(10), viewer: bandwidth(0.6) })).toBe("to low: network");
		expect(decided({ network: network(1.1), viewer: bandwidth(500) })).toBe("hold: network");
		// Measured of what was sent before: it says nothing of what is sent now.
		const lately = [past(500, LOW, HIGH)];
		expect(decided({ current: HIGH, network: network(10), viewer: bandwidth(0.6), history: lately })).not.toMatch(
			/^to /,
		);
	});
});

describe("where nothing tells what the network takes", () => {
	const blind = network(0.5, { basis: "floor" });

	it("the next better rendition is tried after a while of calm", () => {
		expect(decided({ network: blind })).toBe("to mid: network");
		expect(decided({ network: blind, history: [past(5000, MID, LOW)] })).toBe("hold: network");
	});

	it("and a minute later at the soonest where that went wrong, and ever more rarely", () => {
		const lost = (ago: number) => [past(ago + 5000, LOW, MID), past(ago, MID, LOW)];
		expect(decided({ network: blind, history: lost(59_000) })).toBe("hold: network");
		expect(decided({ network: blind, history: lost(61_000) })).toBe("to mid: network");
		const fourTimes = [300_000, 240_000, 180_000, 61_000].flatMap(lost);
		expect(decided({ network: blind, history: fourTimes })).toBe("hold: network");
		expect(decided({ network: blind, history: fourTimes, now: milliseconds(NOW + 70_000) })).toBe("to mid: network");
	});
});

it("whatever the state, the answer is one of the renditions that are there, and the same each time", () => {
	const share = fc.double({ min: 0, max: 1, noNaN: true });
	const ms = fc.double({ min: 0, max: 5000, noNaN: true });
	fc.assert(
		fc.property(
			fc.record({
				capacity: fc.double({ min: 0, max: 1e9, noNaN: true }),
				overdue: ms,
				outstandingBytes: fc.integer({ min: 0, max: 5_000_000 }),
				changes: fc.array(
					fc.record({
						ratio: fc.double({ min: 0.05, max: 4, noNaN: true }),
						weight: fc.double({ min: 0.01, max: 59, noNaN: true }),
					}),
					{ minLength: 1, maxLength: 36 },
				),
				variability: fc.double({ min: 0, max: 5, noNaN: true }),
				receiverLimited: share,
				there: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
				current: fc.integer({ min: 0, max: 2 }),
				lag: ms,
				within: fc.boolean(),
				dropped: share,
			}),
			(drawn) => {
				const { there, current, lag, within, dropped, capacity, overdue, ...rest } = drawn;
				const base = state({});
				const drawnState = state({
					renditions: base.renditions.map((one, index) => ({ ...one, available: there[index]! })),
					current: base.renditions[current]!.name,
					network: network(capacity / 1e6, { ...rest, overdue: milliseconds(overdue) }),
					position: { ...AT_END, lag: milliseconds(lag), moment: within ? "within-unit" : "unit-end" },
					viewer: { droppedShare: reported(dropped) },
				});
				const decision = policy.decide(drawnState);
				expect(policy.decide(drawnState)).toEqual(decision);
				if (decision.kind === "hold") return;
				expect(decision.to).not.toBe(drawnState.current);
				expect(drawnState.renditions.find(({ name }) => name === decision.to)?.available).toBe(true);
			},
		),
	);
});
