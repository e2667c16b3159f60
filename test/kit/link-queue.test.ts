import { describe, expect, it } from "vitest";
import { type LinkDirection, LinkQueue } from "./link-queue.ts";

/** 1 byte in 8 ms, so that times can be read off. */
const SLOW: LinkDirection = { rateBps: 1000, queueBytes: 1000 };

/** Offers packets of these sizes at their times, and gives when each left. */
function leaveTimes(queue: LinkQueue, packets: readonly (readonly [at: number, bytes: number])[]): number[] {
	const times: number[] = [];
	for (const [at, bytes] of packets) queue.offer(bytes, at);
	while (queue.nextDueAt < Number.POSITIVE_INFINITY) {
		times.push(queue.nextDueAt);
		queue.take(queue.nextDueAt);
	}
	return times;
}

describe("one direction of a link", () => {
	it("serves packets one after the other at its rate, and then delays each by the same time", () => {
		const packets = [
			[0, 10],
			[0, 5],
			[200, 1],
		] as const;
		expect(leaveTimes(new LinkQueue(SLOW, 15), packets)).toEqual([95, 135, 223]);
	});

	it("is exact however late anybody looks", () => {
		const queue = new LinkQueue(SLOW, 0);
		for (let count = 0; count < 10; count++) queue.offer(10, 0);
		queue.offer(10, 10_000);
		for (let count = 0; count < 10; count++) expect(queue.take(10_000)).toBe(count);
		expect(queue.take(10_000)).toBe(-1);
		expect(queue.nextDueAt).toBe(10_080);
	});

	it("takes a new rate in the middle of a packet, up and down", () => {
		const queue = new LinkQueue(SLOW, 0);
		queue.offer(10, 0);
		queue.setRate(4000, 40);
		expect(queue.nextDueAt).toBe(50);
		queue.setRate(500, 45);
		expect(queue.nextDueAt).toBe(85);
		queue.setRate(0, 50);
		expect(queue.nextDueAt).toBe(Number.POSITIVE_INFINITY);
		queue.setRate(1000, 1000);
		expect(queue.nextDueAt).toBe(1017.5);
	});

	it("drops what does not fit, whole packets only, and takes one packet however large when it is empty", () => {
		const queue = new LinkQueue({ ...SLOW, queueBytes: 100 }, 0);
		expect(queue.offer(150, 0)).toBe(true);
		expect(queue.offer(1, 0)).toBe(false);
		expect(queue.offer(60, 1200)).toBe(true);
		expect(queue.offer(41, 1200)).toBe(false);
		expect(queue.offer(40, 1200)).toBe(true);
		expect(queue.counts).toEqual({
			...{ packets: 3, bytes: 250, droppedPackets: 2, droppedBytes: 42, peakQueuedBytes: 150 },
		});
	});

	it("lets its burst pass at once after a pause, and no more of it than it has saved", () => {
		const bucket = { ...SLOW, burstBytes: 10 };
		const packets = [
			[1000, 6],
			[1000, 6],
			[1024, 6],
		] as const;
		expect(leaveTimes(new LinkQueue(bucket, 0), packets)).toEqual([1000, 1016, 1064]);
	});

	it("carries what a link carries for hours", () => {
		const queue = new LinkQueue({ rateBps: 12_000_000, queueBytes: 30_000 }, 20);
		let left = 0;
		for (let at = 0; at < 30_000; at++) {
			queue.offer(1500, at);
			while (queue.take(at) >= 0) left++;
		}
		// One in each millisecond, and 20 ms of them are on the way: the last 21 or, by a rounding, 22.
		expect(left).toBeGreaterThanOrEqual(29_978);
		expect(left).toBeLessThanOrEqual(29_979);
		expect(queue.counts.droppedPackets).toBe(0);
	});
});
