import fc from "fast-check";
import { expect, test } from "vitest";
import { epochMs } from "../../base/units.ts";
import { ntpOf } from "./rtcp-writer.ts";
import { SessionClock, StreamClock } from "./session-clock.ts";

const WALL = 1_800_000_000_000;
const ntpAt = (ms: number) => ntpOf(epochMs(WALL + ms));
/** A stream whose timestamps begin at `offset` at time 0, on a network that takes `delayMs`. */
function sender(session: SessionClock, rate: number, offset: number, delayMs: number) {
	const clock = new StreamClock(session, rate);
	const stamp = (ms: number): number => (Math.round((ms * rate) / 1000) + offset) % 2 ** 32;
	const packet = (ms: number): number => clock.ticks(clock.take(stamp(ms), ms + delayMs));
	const report = (ms: number, wallMs = ms): void => clock.senderReport(ntpAt(wallMs), stamp(ms));
	return { clock, packet, report, stamp };
}

test("before any report, a stream stands where its first packet came; its own rate counts from there", () => {
	const session = new SessionClock();
	const video = sender(session, 90_000, 77, 20);
	const audio = sender(session, 48_000, 2 ** 32 - 1000, 50);
	const start = video.packet(0);
	expect(video.packet(40) - start).toBeCloseTo(3600, 6);
	const sound = audio.packet(40);
	expect(sound - start).toBeCloseTo(70 * 90, 6); // 40 ms later, and 30 ms slower on its way
	expect(audio.packet(1040) - sound).toBeCloseTo(90_000, 6); // over the wrap
});

test("reports that come before anything put the streams together at once, whatever their networks took", () => {
	const session = new SessionClock();
	const video = sender(session, 90_000, 5, 20);
	const audio = sender(session, 48_000, 7, 900);
	video.report(0);
	const start = video.packet(0);
	audio.report(100);
	expect(audio.packet(100) - start).toBeCloseTo(9000, 3);
	expect([video.clock.isSynchronized, audio.clock.isSynchronized]).toEqual([true, true]);
});

test("a report later on moves a stream little by little, until it stands where it should", () => {
	const session = new SessionClock();
	const video = sender(session, 90_000, 5, 20);
	const audio = sender(session, 48_000, 7, 120);
	const start = video.packet(0);
	let before = audio.packet(0);
	expect(before - start).toBeCloseTo(9000, 6);
	video.report(10);
	audio.report(10);
	for (let ms = 20; ms <= 4000; ms += 20) {
		const now = audio.packet(ms);
		expect(now - before).toBeGreaterThanOrEqual(1800 * 0.949);
		expect(now - before).toBeLessThanOrEqual(1800.001);
		before = now;
	}
	expect(before - start).toBeCloseTo(4000 * 90, 2);
});

test("a wall clock that jumps moves nothing: the streams go on as they are", () => {
	const session = new SessionClock();
	const streams = [sender(session, 90_000, 5, 20), sender(session, 48_000, 7, 20)];
	for (const one of streams) one.report(0);
	const starts = streams.map((one) => one.packet(0));
	for (let ms = 20; ms <= 30_000; ms += 20) {
		if (ms % 5000 === 0) for (const one of streams) one.report(ms, ms > 12_000 ? ms + 3_600_000 : ms);
		for (const [index, one] of streams.entries()) expect(one.packet(ms) - starts[index]!).toBeCloseTo(ms * 90, 1);
	}
});

test("timestamps that leap are taken anew by when they come, in both directions", () => {
	const session = new SessionClock();
	const clock = new StreamClock(session, 90_000);
	const take = (timestamp: number, ms: number): number => clock.ticks(clock.take(timestamp >>> 0, ms));
	const start = take(1000, 0);
	expect(take(4600, 40) - start).toBeCloseTo(3600, 6);
	expect(take(4600 + 36_000 * 90_000, 80) - start).toBeCloseTo(7200, 6);
	expect(take(4600, 120) - start).toBeCloseTo(10_800, 6);
	expect(take(8200, 160) - start).toBeCloseTo(14_400, 6);
	expect(clock.leaps).toBe(2);
});

test("a sender without a wall clock is never put anywhere", () => {
	const clock = new StreamClock(new SessionClock(), 90_000);
	clock.take(0, 0);
	clock.senderReport({ seconds: 0, fraction: 0 }, 500);
	expect(clock.isSynchronized).toBe(false);
});

test("the times of a stream grow with its timestamps, whatever reports say", () => {
	const anyEvents = fc.array(
		fc.oneof(
			fc.record({ kind: fc.constant("packet" as const), step: fc.integer({ min: 1, max: 100 }), late: fc.nat(300) }),
			fc.record({ kind: fc.constant("report" as const), wrongMs: fc.integer({ min: -5000, max: 5000 }) }),
		),
		{ maxLength: 100 },
	);
	fc.assert(
		fc.property(anyEvents, fc.nat(2 ** 31), (events, offset) => {
			const session = new SessionClock();
			session.anchor(0, 0);
			const { clock, report, stamp } = sender(session, 48_000, offset, 0);
			let ms = 0;
			let last = Number.NEGATIVE_INFINITY;
			let given = 0;
			for (const event of events) {
				if (event.kind === "report") {
					// A first report may move it at once.
					if (given > 0 && clock.isSynchronized) report(ms, ms + event.wrongMs);
					continue;
				}
				ms += event.step;
				const ticks = clock.ticks(clock.take(stamp(ms), ms + event.late));
				expect(ticks).toBeGreaterThan(last);
				last = ticks;
				given++;
			}
		}),
	);
});
