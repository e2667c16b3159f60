import { describe, expect, test } from "vitest";
import { milliseconds } from "../base/units.ts";
import { cmsdDynamic } from "./cmsd.ts";
import { Freshness } from "./freshness.ts";
import { nearestKey } from "./nearest-key.ts";
import { TokenBuckets } from "./token-buckets.ts";

describe("rates", () => {
	const at = (ms: number) => milliseconds(ms);

	test("a burst is let through, then so many a second", () => {
		const buckets = new TokenBuckets({ perSecond: 10, burst: 20, maxNames: 10 });
		const taken = (now: number): number =>
			Array.from({ length: 50 }, () => buckets.take("a", at(now))).filter(Boolean).length;
		expect([taken(0), taken(1000), taken(1050), taken(60_000)]).toEqual([20, 10, 0, 20]);
	});

	test("one name's rate is not another's, and several at once are taken whole or not", () => {
		const buckets = new TokenBuckets({ perSecond: 1, burst: 5, maxNames: 10 });
		expect([buckets.take("a", at(0), 4), buckets.take("a", at(0), 2), buckets.take("b", at(0), 5)]).toEqual([
			true,
			false,
			true,
		]);
		expect(buckets.take("a", at(0), 1)).toBe(true);
	});

	test("100,000 names leave no more behind than were agreed", () => {
		const buckets = new TokenBuckets({ perSecond: 10, burst: 20, maxNames: 500 });
		for (let name = 0; name < 100_000; name++) buckets.take(`n${name}`, at(name));
		expect(buckets.size).toBe(500);
	});
});

describe("what is news", () => {
	const T = 1_700_000_000_000;
	const freshness = () => new Freshness(milliseconds(10_000));

	test("a number that does not rise is not", () => {
		const fresh = freshness();
		const accept = (sequence: number) => fresh.accept({ sequence, receivedAtEpochMs: T });
		expect([accept(5), accept(5), accept(4), accept(6), accept(9)]).toEqual([true, false, false, true, true]);
	});

	test("a report that was on its way for more than 10 s is not", () => {
		const fresh = freshness();
		const accept = (age: number, now: number) =>
			fresh.accept({ sentAtEpochMs: T + now - age, receivedAtEpochMs: T + now });
		expect([accept(20, 0), accept(9999, 1000), accept(10_100, 2000), accept(50, 3000)]).toEqual([
			true,
			true,
			false,
			true,
		]);
	});

	test("a clock that is an hour slow is found out, and lateness counted from there", () => {
		const fresh = freshness();
		const accept = (late: number, now: number) =>
			fresh.accept({ sentAtEpochMs: T + now - late - 3_600_000, receivedAtEpochMs: T + now });
		expect([accept(20, 0), accept(25, 1000), accept(30, 2000), accept(11_000, 3000)]).toEqual([
			false,
			true,
			true,
			false,
		]);
	});

	test("a heap of old reports that comes at once is not taken for a slow clock", () => {
		const fresh = freshness();
		const accept = (sentAgo: number) => fresh.accept({ sentAtEpochMs: T - sentAgo, receivedAtEpochMs: T });
		expect([60_000, 59_000, 58_000, 57_000].map(accept)).toEqual([false, false, false, false]);
	});

	test("a clock that is fast is no obstacle", () => {
		const fresh = freshness();
		const accept = (now: number) => fresh.accept({ sentAtEpochMs: T + now + 90_000, receivedAtEpochMs: T + now });
		expect([accept(0), accept(1000)]).toEqual([true, true]);
	});
});

test("answers are CMSD keys; what is not known is left out", () => {
	expect(cmsdDynamic({ etpKbps: 9600, mbKbps: 4000, du: true, rttMs: 24 })).toBe(
		'"penstock";etp=9600;mb=4000;du;rtt=24',
	);
	expect(cmsdDynamic({})).toBe('"penstock"');
});

test("a slip of a key finds the key", () => {
	const keys = ["cpuIdle", "memoryUsed", "bandwidthBps"];
	expect([nearestKey("cpuidle", keys), nearestKey("bandwithBps", keys), nearestKey("zzzzzz", keys)]).toEqual([
		"cpuIdle",
		"bandwidthBps",
		undefined,
	]);
	expect(nearestKey("x".repeat(10_000), keys)).toBeUndefined();
});
