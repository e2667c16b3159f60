import fc from "fast-check";
import { expect, test } from "vitest";
import type { RtpPacket } from "./header.ts";
import { SourceTracker } from "./source-tracker.ts";

function open(onlySsrc?: number) {
	const seen: (number | "restart")[] = [];
	const tracker = new SourceTracker(90_000, onlySsrc, {
		packet: (_packet, number) => seen.push(number),
		restart: () => seen.push("restart"),
	});
	const push = (number: number, ssrc = 1, arrivalMs = 0): void => tracker.push(packetOf(number, ssrc), arrivalMs);
	return { tracker, seen, push };
}
const packetOf = (number: number, ssrc: number): RtpPacket => ({
	...{ number: number & 0xffff, ssrc, payloadType: 96, marker: false },
	...{ timestamp: 0, payload: new Uint8Array(1) },
});
const at = (number: number): number => 0x1_0000 + number;

test("numbers go on over 2^16; one that comes late is put behind", () => {
	const { seen, push } = open();
	for (const number of [65_534, 65_535, 65_537, 65_536, 65_538]) push(number);
	expect(seen).toEqual([65_534, 65_535, 65_537, 65_536, 65_538].map(at));
});

test("whatever the order within the window, extended numbers are those that were sent", () => {
	const anyOrder = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
	fc.assert(
		fc.property(fc.nat(65_535), anyOrder, (first, steps) => {
			const { seen, push, tracker } = open();
			const numbers = [0, ...steps].map((step, index) => first + step + index);
			for (const number of numbers) push(number);
			expect(seen).toEqual(numbers.map(at));
			expect(tracker.counts).toEqual({ restarts: 0, stray: 0 });
		}),
	);
});

test("one stray packet changes nothing; two that follow each other are a sender that began afresh, and both are taken", () => {
	const { seen, push, tracker } = open();
	for (const number of [10, 11, 30_000, 12]) push(number);
	expect(seen).toEqual([10, 11, 12].map(at));
	for (const number of [40_000, 40_001, 40_002]) push(number);
	expect(seen.slice(3)).toEqual(["restart", ...[40_000, 40_001, 40_002].map(at)]);
	expect(tracker.counts).toEqual({ restarts: 1, stray: 1 });
	expect(tracker.reception?.received).toBe(3);
});

test("another SSRC takes over when the one before is silent, or has said good-bye; not before", () => {
	const { seen, push, tracker } = open();
	push(1, 1, 0);
	for (const number of [500, 501, 502]) push(number, 2, 100);
	push(2, 1, 120);
	expect(seen).toEqual([1, 2].map(at));
	push(503, 2, 200);
	push(504, 2, 400);
	expect(seen.slice(2)).toEqual(["restart", ...[503, 504].map(at)]);
	tracker.bye(2);
	push(70, 3, 401);
	push(71, 3, 402);
	expect(seen.slice(5)).toEqual(["restart", ...[70, 71].map(at)]);
});

test("where signalling has named the SSRC, no other is ever taken", () => {
	const { seen, push, tracker } = open(9);
	for (let number = 0; number < 10; number++) push(number, 8, 1000 * number);
	push(5, 9, 20_000);
	expect(seen).toEqual([at(5)]);
	expect(tracker.counts.stray).toBe(10);
});
