import { describe, expect, it, test } from "vitest";
import { ModelLink } from "../../test/kit/model-link.ts";
import { milliseconds } from "../base/units.ts";
import { LinkTracker } from "./link-tracker.ts";
import type { NetworkState } from "./state.ts";

const stateOf = (link: ModelLink): NetworkState => link.tracker.state(milliseconds(link.now))!;

describe("a train", () => {
	it.each([
		[1e6, 30],
		[1e6, 80],
		[3e6, 30],
		[3e6, 80],
		[6e6, 30],
	])(
		"of a stream of 0.5 Mbit/s tells that the link takes %d bit/s, at a round trip of %d ms",
		(rateBps, roundTripMs) => {
			const link = new ModelLink(new LinkTracker(), { rateBps, roundTripMs });
			link.stream({ bitrateBps: 500_000, durationMs: 10_000 });
			const { capacity } = stateOf(link);
			expect(capacity! / rateBps).toBeGreaterThan(0.65);
			expect(capacity! / rateBps).toBeLessThan(1.1);
		},
	);

	it("never tells more than the link takes, to within the clock that it is timed by", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 2e6, roundTripMs: 50, tickMs: 1 });
		for (let unit = 0; unit < 20; unit++) {
			link.stream({ bitrateBps: 600_000, durationMs: 1000 });
			expect(stateOf(link).capacity ?? 0).toBeLessThan(2.2e6);
		}
	});
});

describe("a link that falls short of the stream", () => {
	it("is known within 300 ms, and what it takes to within a tenth", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 10e6, roundTripMs: 30 });
		link.stream({ bitrateBps: 3e6, durationMs: 5000, unitMs: 500 });
		expect(link.tracker.overdue).toBe(0);
		link.rateBps = 1e6;
		const fell = link.now;
		let knownAfter: number | undefined;
		for (let i = 0; i < 30; i++) {
			link.send(12_500);
			link.run(33);
			if (knownAfter === undefined && stateOf(link).basis === "busy") knownAfter = link.now - fell;
		}
		expect(knownAfter).toBeLessThanOrEqual(300);
		expect(stateOf(link).capacity! / 1e6).toBeCloseTo(1, 1);
		expect(stateOf(link).outstandingBytes).toBeGreaterThan(100_000);
	});

	it("that passes nothing at all is known to", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 10e6, roundTripMs: 30 });
		link.stream({ bitrateBps: 1e6, durationMs: 3000 });
		link.rateBps = 0;
		for (let i = 0; i < 20; i++) {
			link.send(4000);
			link.run(33);
		}
		expect(stateOf(link)).toMatchObject({ basis: "busy", capacity: 0 });
		expect(stateOf(link).overdue).toBeGreaterThan(400);
	});
});

describe("a sender with a window of four segments", () => {
	const holdBack = (link: ModelLink, rateBps: number): void => {
		link.windowSegments = 4;
		link.rateBps = rateBps;
	};

	it("looks for the least round trip for a moment, and tells nothing of the link", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 2e6, roundTripMs: 30 });
		link.stream({ bitrateBps: 1.4e6, durationMs: 5000, unitMs: 500 });
		for (let time = 0; time < 3; time++) {
			holdBack(link, 0.9e6);
			for (let picture = 0; picture < 6; picture++) {
				link.send(9000);
				link.run(33);
				expect(stateOf(link).capacity).toBeGreaterThan(1.5e6);
			}
			expect(link.tracker.overdue).toBeGreaterThan(0);
			holdBack(link, 2e6);
			link.windowSegments = 20;
			link.stream({ bitrateBps: 1.2e6, durationMs: 3000, unitMs: 500 });
			expect(stateOf(link).capacity).toBeGreaterThan(1.5e6);
		}
	});

	it("that never has more is of a slow link, and is known within 700 ms", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 2e6, roundTripMs: 30 });
		link.stream({ bitrateBps: 1.4e6, durationMs: 5000, unitMs: 500 });
		holdBack(link, 0.2e6);
		for (let picture = 0; picture < 21; picture++) {
			link.send(6000);
			link.run(33);
		}
		expect(stateOf(link)).toMatchObject({ basis: "busy" });
		expect(stateOf(link).capacity).toBeLessThan(0.3e6);
	});
});

describe("a train of a few segments", () => {
	it("is not believed where it tells less than the link has just taken", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 20e6, roundTripMs: 30 });
		for (let picture = 0; picture < 200; picture++) {
			link.send(2500);
			link.run(10);
		}
		const { capacity } = stateOf(link);
		expect(capacity).toBeGreaterThan(1.9e6);
		link.rateBps = 1.5e6;
		link.send(7000);
		link.run(150);
		expect(stateOf(link).capacity).toBe(capacity);
	});
});

describe("looks", () => {
	it("are few while nothing happens, most of them glances, and several behind a train", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 20e6, roundTripMs: 20 });
		link.stream({ bitrateBps: 1e6, durationMs: 10_000 });
		const [looks, whole] = [link.looks / 10, link.readings / 10];
		expect(looks).toBeGreaterThanOrEqual(5);
		expect(looks).toBeLessThanOrEqual(8);
		expect(whole).toBeGreaterThanOrEqual(1);
		expect(whole).toBeLessThanOrEqual(3);
	});

	it("are whole ones every other unit where the link takes many times what may be sent, and a fall is known as soon", () => {
		const [narrow, link] = [13e6, 3e6].map((mostBps) => {
			const one = new ModelLink(new LinkTracker(), { rateBps: 50e6, roundTripMs: 20 });
			one.mostBps = mostBps;
			one.stream({ bitrateBps: 3e6, durationMs: 20_000 });
			return one;
		}) as [ModelLink, ModelLink];
		expect(link.readings / narrow.readings).toBeLessThan(0.6);
		expect(link.looks / 20).toBeGreaterThanOrEqual(4);
		link.rateBps = 1e6;
		const fell = link.now;
		while (link.tracker.overdue === 0) {
			link.send(12_500);
			link.run(33);
		}
		expect(link.now - fell).toBeLessThanOrEqual(400);
	});

	it("are no further apart than 260 ms while something is written", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 20e6, roundTripMs: 20 });
		link.stream({ bitrateBps: 1e6, durationMs: 2000 });
		for (let picture = 0; picture < 300; picture++) {
			const before = link.now;
			const looks = link.looks;
			while (link.looks === looks) {
				link.send(4000);
				link.run(33);
			}
			expect(link.now - before).toBeLessThanOrEqual(260);
		}
	});

	it("are the clock's where nothing is written, and sooner where nothing could be", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 20e6, roundTripMs: 20 });
		link.stream({ bitrateBps: 1e6, durationMs: 2000 });
		link.run(100);
		link.look();
		expect(link.tracker.nextLookAt).toBe(link.now + 400);
		link.tracker.held();
		expect(link.tracker.nextLookAt).toBe(link.now + 200);
	});

	it("tell a queue as soon as whole ones would, be they glances", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 10e6, roundTripMs: 30 });
		link.stream({ bitrateBps: 1e6, durationMs: 2000 });
		link.run(100);
		link.look();
		link.rateBps = 0;
		link.send(3000);
		const sentAt = link.now;
		link.run(80);
		const early = milliseconds(link.now);
		expect(link.tracker.isCalm(early)).toBe(true);
		expect(link.tracker.glance(early, link.reading.ackedBytes)).toBe(true);
		link.run(10);
		const late = milliseconds(link.now);
		expect(late - sentAt).toBe(90);
		expect(link.tracker.glance(late, link.reading.ackedBytes)).toBe(false);
		link.tracker.look(link.reading);
		expect(link.tracker.overdue).toBe(5);
		expect(link.tracker.isCalm(late)).toBe(false);
	});

	it("at a unit's end, only where the last was a while ago", () => {
		const link = new ModelLink(new LinkTracker(), { rateBps: 10e6, roundTripMs: 30 });
		const wants = (after: number): boolean => link.tracker.wantsLook(milliseconds(link.now + after), "unit-end");
		expect([50, 150].map(wants)).toEqual([false, true]);
	});
});

test("a change from unit to unit is remembered as a quotient", () => {
	const link = new ModelLink(new LinkTracker(), { rateBps: 4e6, roundTripMs: 30 });
	link.stream({ bitrateBps: 1e6, durationMs: 5000 });
	link.rateBps = 2e6;
	link.stream({ bitrateBps: 1e6, durationMs: 5000 });
	const { changes, variability } = stateOf(link);
	const seen = changes.filter(({ ratio, weight }) => weight >= 1 && ratio < 0.7);
	expect(seen).toHaveLength(1);
	expect(seen[0]!.ratio).toBeGreaterThan(0.4);
	expect(variability).toBeGreaterThan(0.01);
});

test("a viewer whose window holds the server back is told from a slow network", () => {
	const link = new ModelLink(new LinkTracker(), { rateBps: 4e6, roundTripMs: 30 });
	for (let second = 0; second < 4; second++) {
		link.stream({ bitrateBps: 1e6, durationMs: 1000 });
		link.receiverLimitedMs += 800;
	}
	expect(stateOf(link).receiverLimited).toBeGreaterThan(0.6);
});
