import { expect, test } from "vitest";
import { Reception } from "./reception.ts";

const RATE = 90_000;

test("packets that take the same time each have no jitter, also where timestamps wrap", () => {
	const reception = new Reception(1, RATE, 100);
	for (let i = 0; i < 50; i++) reception.note(100 + i, (2 ** 32 - 30_000 + 3600 * i) >>> 0, 1000 + 40 * i);
	expect(reception.interarrivalJitter).toBe(0);
	expect(reception.extendedHighest).toBe(149);
});

test("jitter is a sixteenth of each difference more, as RFC 3550, A.8 has it", () => {
	const reception = new Reception(1, RATE, 0);
	reception.note(0, 0, 0);
	reception.note(1, 3600, 50); // 10 ms late: 900 units
	expect(reception.interarrivalJitter).toBeCloseTo(900 / 16, 9);
	reception.note(2, 7200, 80); // in time again: 900 early
	expect(reception.interarrivalJitter).toBeCloseTo(900 / 16 + (900 - 900 / 16) / 16, 9);
});

test("lost packets are what was expected and has not come; the fraction is that since the block before", () => {
	const reception = new Reception(7, RATE, 1000);
	for (const number of [1000, 1001, 1004, 1005]) reception.note(number, 0, 0);
	expect(reception.takeBlock(0)).toMatchObject({
		ssrc: 7,
		cumulativeLost: 2,
		fractionLost: Math.floor((256 * 2) / 6),
		extendedHighest: 1005,
	});
	for (const number of [1006, 1007, 1006]) reception.note(number, 0, 0);
	expect(reception.takeBlock(0)).toMatchObject({ cumulativeLost: 1, fractionLost: 0, extendedHighest: 1007 });
	expect(reception.takeBlock(0).fractionLost).toBe(0);
});

test("a block refers to the last sender report, and says how long ago it came in 65536ths of a second", () => {
	const reception = new Reception(1, RATE, 0);
	reception.note(0, 0, 0);
	expect(reception.takeBlock(5)).toMatchObject({ lastSenderReport: 0, delaySinceSenderReport: 0 });
	reception.noteSenderReport(0xaabb_ccdd, 1000);
	expect(reception.takeBlock(1500)).toMatchObject({ lastSenderReport: 0xaabb_ccdd, delaySinceSenderReport: 32_768 });
});
