import { describe, expect, it } from "vitest";
import { milliseconds, msToTicks } from "../base/units.ts";
import { DelayMeter, PlaybackClock, RateMeter } from "./meters.ts";

const at = milliseconds;

describe("the rate meter", () => {
	it("tells the last second, and forgets what is older", () => {
		const rate = new RateMeter();
		for (let ms = 0; ms < 2000; ms += 100) rate.add(100, at(ms));
		expect(rate.perSecond(at(1999))).toBe(1000);
		for (let ms = 2000; ms < 3000; ms += 100) rate.add(10, at(ms));
		expect(rate.perSecond(at(2999))).toBe(100);
		expect(rate.perSecond(at(10_000))).toBe(0);
	});

	it("takes a first half second for what it is", () => {
		const rate = new RateMeter();
		rate.add(5, at(1000));
		rate.add(5, at(1500));
		expect(rate.perSecond(at(1500))).toBe(20);
	});
});

describe("the playback clock", () => {
	it("has what was received and is not due as its buffer", () => {
		const playing = new PlaybackClock();
		playing.received(msToTicks(1000), at(0));
		playing.received(msToTicks(1500), at(10));
		expect(playing.bufferMs(at(10))).toBe(0);
		playing.start(msToTicks(1000), at(20));
		expect(playing.bufferMs(at(20))).toBe(500);
		expect(playing.bufferMs(at(320))).toBe(200);
		expect(playing.stalls).toBe(0);
	});

	it("waits where nothing is left to show, and goes on from there", () => {
		const playing = new PlaybackClock();
		playing.received(msToTicks(1000), at(0));
		playing.start(msToTicks(1000), at(0));
		playing.received(msToTicks(1100), at(50)); // 50 ms late: a stall of no account
		expect([playing.stalls, playing.stalledMs]).toEqual([0, 50]);
		expect(playing.bufferMs(at(50))).toBe(100);
		playing.received(msToTicks(1200), at(650)); // due since 150
		expect([playing.stalls, playing.stalledMs]).toEqual([1, 550]);
		expect(playing.bufferMs(at(650))).toBe(100);
	});

	it("takes a jump for another time base and not for an hour of buffer", () => {
		const playing = new PlaybackClock();
		playing.received(msToTicks(1000), at(0));
		playing.start(msToTicks(1000), at(0));
		playing.received(msToTicks(3_600_000), at(30));
		expect(playing.bufferMs(at(30))).toBe(0);
		playing.received(msToTicks(3_600_040), at(50));
		expect(playing.bufferMs(at(50))).toBe(40); // it waited from 30 to 50
	});
});

describe("the delay meter", () => {
	const wall = Date.UTC(2026, 0, 1);
	const reading = (counter: number, madeAt: number) => ({ counter, checksumOk: true, clockMs: madeAt % 2 ** 24 });

	it("tells how much later than the fastest the latest arrived", () => {
		const meter = new DelayMeter();
		expect(meter.delay(at(0))).toBeUndefined();
		meter.arrived(msToTicks(0), at(100));
		meter.arrived(msToTicks(40), at(130));
		meter.arrived(msToTicks(80), at(1000));
		expect(meter.delay(at(1500))).toEqual({ ms: 830, by: "arrival" });
	});

	it("goes by the test signal's clock as soon as its frames follow each other", () => {
		const meter = new DelayMeter();
		meter.arrived(msToTicks(0), at(0));
		for (let i = 0; i < 4; i++) {
			expect(meter.delay(at(i))?.by).toBe("arrival");
			meter.decoded(reading(i, wall - 35), wall, at(i));
		}
		expect(meter.delay(at(5))).toEqual({ ms: 35, by: "clock" });
	});

	it("does not believe a bar that was read by chance, nor a clock that does not agree", () => {
		const meter = new DelayMeter();
		meter.arrived(msToTicks(0), at(0));
		for (let i = 0; i < 40; i++) meter.decoded(reading(i * 77, wall - 35), wall, at(i));
		for (let i = 0; i < 40; i++) meter.decoded(reading(i, wall - 3_600_000), wall, at(i));
		expect(meter.delay(at(50))?.by).toBe("arrival");
	});
});
