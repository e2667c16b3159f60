import { expect, test } from "vitest";
import { averageRtcpBytes, type RtcpSituation, rtcpIntervalMs } from "./rtcp-interval.ts";

const TWO: RtcpSituation = {
	...{ members: 2, senders: 1, isSender: false, isFirst: false },
	...{ rtcpBps: 100_000, averageBytes: 120 },
};

test("two participants report every five seconds, half as much or half as little by chance; first after half of it", () => {
	expect(rtcpIntervalMs(TWO, 0)).toBeCloseTo(2500 / (Math.E - 1.5), 6);
	expect(rtcpIntervalMs(TWO, 0.999_999)).toBeCloseTo(7500 / (Math.E - 1.5), 1);
	expect(rtcpIntervalMs({ ...TWO, isFirst: true }, 0.5)).toBeCloseTo(2500 / (Math.E - 1.5), 6);
});

test("many receivers share three quarters of the bandwidth, few senders one quarter (A.7)", () => {
	const many = { ...TWO, members: 10_000, senders: 2 };
	const middle = (situation: RtcpSituation): number => rtcpIntervalMs(situation, 0.5) * (Math.E - 1.5);
	expect(middle(many)).toBeCloseTo((120 * 8 * 9998 * 1000) / 75_000, 3);
	expect(middle({ ...many, isSender: true })).toBe(5000);
	expect(middle({ ...many, senders: 5000 })).toBeCloseTo((120 * 8 * 10_000 * 1000) / 100_000, 3);
});

test("the average size takes a sixteenth of each packet", () => expect(averageRtcpBytes(128, 64)).toBe(124));
