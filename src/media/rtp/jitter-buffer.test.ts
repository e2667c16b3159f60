import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import type { RtpPacket } from "./header.ts";
import { IN_ORDER, JitterBuffer, type JitterLimits, USUAL_JITTER_LIMITS } from "./jitter-buffer.ts";

function open(limits: Partial<JitterLimits> = {}) {
	const clock = new ManualClock();
	const seen: number[] = [];
	const lostBefore = new Map<number, number>();
	const atMs: number[] = [];
	const buffer = new JitterBuffer(clock, { ...USUAL_JITTER_LIMITS, ...limits }, ({ timestamp }, lost) => {
		seen.push(timestamp);
		atMs.push(clock.now());
		if (lost > 0) lostBefore.set(timestamp, lost);
	});
	const payload = new Uint8Array(100);
	const push = (number: number): void => {
		const packet: RtpPacket = {
			number: number & 0xffff,
			timestamp: number,
			marker: false,
			payloadType: 96,
			ssrc: 1,
			payload,
		};
		buffer.push(packet, number, clock.now());
	};
	return { clock, buffer, seen, lostBefore, atMs, push };
}

test("what comes in order goes through at once, and nothing is kept", () => {
	const { buffer, seen, push, clock } = open();
	for (let number = 70_000; number < 70_100; number++) {
		push(number);
		expect([seen.at(-1), buffer.heldBytes]).toEqual([number, 0]);
	}
	expect(clock.time.pending).toBe(0);
	expect(buffer.counts).toEqual({ packets: 100, lost: 0, late: 0, duplicates: 0, reordered: 0 });
});

test("packets wait behind a hole for the one that is missing, and no longer", () => {
	const { buffer, seen, push, clock } = open();
	for (const number of [1, 3, 4]) push(number);
	clock.advance(buffer.waitMs - 1);
	expect([seen, buffer.heldPackets]).toEqual([[1], 2]);
	push(2);
	expect([seen, buffer.heldPackets]).toEqual([[1, 2, 3, 4], 0]);
	expect(buffer.counts).toMatchObject({ lost: 0, reordered: 1 });
	expect(clock.time.pending).toBe(0);
});

test("a hole is given up when its time is over; what comes then is late, and left out", () => {
	const { buffer, seen, push, clock, lostBefore } = open();
	for (const number of [1, 4, 5]) push(number);
	clock.advance(Math.ceil(buffer.waitMs));
	expect(seen).toEqual([1, 4, 5]);
	expect([...lostBefore]).toEqual([[4, 2]]);
	push(2);
	push(2);
	push(5);
	expect(seen).toEqual([1, 4, 5]);
	expect(buffer.counts).toEqual({ packets: 3, lost: 2, late: 1, duplicates: 2, reordered: 0 });
});

test("late packets make it wait longer, within bounds; where none are late, it forgets", () => {
	const { buffer, push, clock } = open();
	const first = buffer.waitMs;
	push(1);
	push(3);
	clock.advance(90);
	push(2); // given up after the first wait
	expect(buffer.waitMs).toBeGreaterThan(first);
	expect(buffer.waitMs).toBeLessThanOrEqual(USUAL_JITTER_LIMITS.mostWaitMs);
	push(4);
	push(6);
	clock.advance(90);
	push(5);
	expect(buffer.counts).toMatchObject({ late: 1, reordered: 1, lost: 1 });
	clock.advance(120_000);
	expect(buffer.waitMs).toBeLessThan(USUAL_JITTER_LIMITS.leastWaitMs + 1);
});

test("of what comes through a connection, a hole is given up at once", () => {
	const { buffer, seen, push, clock } = open(IN_ORDER);
	for (const number of [1, 2, 4]) push(number);
	clock.advance(1);
	expect(seen).toEqual([1, 2, 4]);
	expect(buffer.counts.lost).toBe(1);
});

test("no more is kept than its bounds say, in packets and bytes", () => {
	const byPackets = open({ mostPackets: 10 });
	byPackets.push(1);
	for (let number = 3; number < 13; number++) byPackets.push(number);
	expect(byPackets.buffer.heldPackets).toBe(10);
	byPackets.push(13);
	expect([byPackets.buffer.heldPackets, byPackets.seen.at(-1)]).toEqual([0, 13]);
	const byBytes = open({ mostBytes: 550 });
	byBytes.push(1);
	for (let number = 3; number < 9; number++) byBytes.push(number);
	expect([byBytes.buffer.heldBytes, byBytes.seen.at(-1)]).toEqual([0, 8]);
});

/** Numbers from 1 on, each with a delay in ms; some never come, some come twice. */
const anyTraffic = fc.array(
	fc.record({ delayMs: fc.oneof(fc.constant(0), fc.nat(60), fc.nat(600)), times: fc.constantFrom(1, 1, 1, 1, 0, 2) }),
	{ minLength: 1, maxLength: 150 },
);

function play(rig: ReturnType<typeof open>, traffic: readonly { delayMs: number; times: number }[]): number[] {
	const events = traffic.flatMap(({ delayMs, times }, index) =>
		Array.from({ length: times }, (_, again) => ({ number: index + 1, ms: 2 * index + delayMs + 7 * again })),
	);
	events.sort((one, other) => one.ms - other.ms);
	for (const { number, ms } of events) {
		rig.clock.advanceTo(ms);
		rig.push(number);
		expect(rig.buffer.heldPackets).toBeLessThanOrEqual(USUAL_JITTER_LIMITS.mostPackets);
	}
	rig.clock.advance(1000);
	return events.map(({ number }) => number);
}

test("whatever is late, lost or sent twice: each packet comes out once at most, in order, and all is accounted for", () => {
	fc.assert(
		fc.property(anyTraffic, (traffic) => {
			const rig = open();
			const came = play(rig, traffic);
			fc.pre(came.length > 0);
			const { seen, buffer } = rig;
			expect(seen).toEqual(seen.toSorted((a, b) => a - b));
			expect(new Set(seen).size).toBe(seen.length);
			const { packets, lost, late, duplicates } = buffer.counts;
			expect(packets + late + duplicates).toBe(came.length);
			expect(packets + lost).toBe(seen.at(-1)! - seen[0]! + 1);
			expect([buffer.heldPackets, buffer.heldBytes, rig.clock.time.pending]).toEqual([0, 0, 0]);
		}),
	);
});

test("nothing is lost where nothing is later than the least wait", () => {
	const shortDelays = fc.array(
		fc.record({ delayMs: fc.nat(USUAL_JITTER_LIMITS.leastWaitMs - 1), times: fc.constantFrom(1, 1, 2) }),
		{ minLength: 1, maxLength: 150 },
	);
	fc.assert(
		fc.property(shortDelays, (traffic) => {
			const rig = open();
			const came = play(rig, traffic);
			const first = came[0]!;
			expect(rig.seen).toEqual(Array.from({ length: traffic.length - first + 1 }, (_, i) => first + i));
			expect(rig.buffer.counts.lost).toBe(0);
		}),
	);
});

test("no packet is kept for longer than the longest wait", () => {
	fc.assert(
		fc.property(anyTraffic, (traffic) => {
			const rig = open();
			const arrivals = new Map<number, number>();
			const events = traffic
				.map(({ delayMs, times }, index) => ({ number: index + 1, ms: 2 * index + delayMs, times }))
				.filter(({ times }) => times > 0)
				.toSorted((one, other) => one.ms - other.ms);
			for (const { number, ms } of events) {
				rig.clock.advanceTo(ms);
				arrivals.set(number, ms);
				rig.push(number);
			}
			rig.clock.advance(1000);
			for (const [index, number] of rig.seen.entries()) {
				expect(rig.atMs[index]! - arrivals.get(number)!).toBeLessThanOrEqual(USUAL_JITTER_LIMITS.mostWaitMs + 1);
			}
		}),
	);
});

test("after a restart the next packet is the first of another sequence, and what waited came out before", () => {
	const { buffer, seen, push, clock } = open();
	for (const number of [1, 3]) push(number);
	buffer.restart();
	for (const number of [2, 3, 5, 4]) push(number);
	expect(seen).toEqual([1, 3, 2, 3, 4, 5]);
	expect(clock.time.pending).toBe(0);
});
