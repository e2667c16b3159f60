import { expect, test } from "vitest";
import { milliseconds } from "../base/units.ts";
import { ThroughputMeter } from "./throughput-meter.ts";

/** A live stream of 30 pictures a second over a link of this rate, read in pieces as packets come. */
function watch(linkBps: number, seconds: number, keyBytes = 60_000): number | undefined {
	const meter = new ThroughputMeter();
	let freeAt = 0;
	let now = 0;
	for (let picture = 0; picture < seconds * 30; picture++) {
		const madeAt = (picture * 1000) / 30;
		for (let left = picture % 30 === 0 ? keyBytes : 8_000; left > 0; left -= 1448) {
			const bytes = Math.min(left, 1448);
			freeAt = Math.max(freeAt, madeAt) + (bytes * 8000) / linkBps;
			now = freeAt;
			meter.add(bytes, milliseconds(now));
		}
		meter.arrived(madeAt, milliseconds(now));
	}
	return meter.throughput(milliseconds(now));
}

test.each([10e6, 50e6, 100e6])("a link of %d bit/s is seen behind a stream of 2.3 Mbit/s", (link) => {
	const seen = watch(link, 8);
	expect(seen).toBeGreaterThan(link * 0.8);
	expect(seen).toBeLessThan(link * 1.2);
});

test("a link that is too slow for the stream is seen as what it brings", () => {
	const seen = watch(1e6, 8);
	expect(seen).toBeGreaterThan(0.8e6);
	expect(seen).toBeLessThan(1.3e6);
});

test("a stream without bursts says nothing of a link that brings it in time", () => {
	expect(watch(20e6, 8, 8000)).toBeUndefined();
});

test("a clock that runs apart from the sender's is no network that is full", () => {
	const meter = new ThroughputMeter();
	// 0.1 ms a second: an hour of it is more than what is held up.
	for (let media = 0; media < 3_600_000; media += 100) {
		const now = milliseconds(media * 1.0001);
		meter.add(1000, now);
		meter.arrived(media, now);
	}
	expect(meter.throughput(milliseconds(3_600_000 * 1.0001))).toBeUndefined();
});

test("what waited here is no burst of the network's", () => {
	const meter = new ThroughputMeter();
	meter.add(100_000, milliseconds(0));
	meter.interrupted();
	for (let at = 0; at < 10; at++) meter.add(64_000, milliseconds(5000));
	meter.add(1000, milliseconds(5100));
	expect(meter.throughput(milliseconds(5100))).toBeUndefined();
});

test("nothing is said before anything came", () => {
	expect(new ThroughputMeter().throughput(milliseconds(0))).toBeUndefined();
});
