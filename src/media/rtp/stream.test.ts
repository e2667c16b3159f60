/** One stream as a whole: strangers, restarts, reports, bounds. */
import { expect, test } from "vitest";
import { described, openRtp, rtpPacket, SSRC } from "../../../test/kit/rtp-rig.ts";
import { epochMs } from "../../base/units.ts";
import { IN_ORDER } from "./jitter-buffer.ts";
import { ntpOf, senderCompound } from "./rtcp-writer.ts";

const OPUS = described("opus", 48_000);
/** 20 ms of Opus whose second byte is `tag`. */
const sound = (number: number, ssrc = SSRC, timestamp = 960 * number): Uint8Array =>
	rtpPacket({ number, timestamp, ssrc, payload: Uint8Array.of(0xfc, number) });
const report = (ssrc: number, ms: number, rtpTimestamp: number): Uint8Array =>
	senderCompound(
		{ ssrc, ntp: ntpOf(epochMs(1_800_000_000_000 + ms)), rtpTimestamp, packetCount: 0, octetCount: 0, blocks: [] },
		"camera",
	);

test("what is no RTP is counted each time, and told once a second", () => {
	const { push, faults, clock, streams } = openRtp([OPUS]);
	for (let i = 0; i < 500; i++) {
		push(Uint8Array.of(1, 2, 3));
		clock.advance(5);
	}
	push(Uint8Array.of(0x80, 200, 0, 9));
	expect(streams[0]!.counts.malformed).toBe(501);
	expect(faults.map(({ code }) => code)).toEqual(["RTP_DATAGRAM", "RTP_DATAGRAM", "RTP_DATAGRAM"]);
	expect(faults[0]!.message).toMatch(
		/payload type 96 \(opus\): a datagram of 3 bytes is no RTP packet: it is cut short\.$/,
	);
});

test("packets of another payload type are counted and left out", () => {
	const { push, accessUnits, faults, streams } = openRtp([OPUS]);
	push(sound(0));
	push(rtpPacket({ number: 1, payloadType: 13 }));
	push(sound(1));
	expect([accessUnits.length, faults.length, streams[0]!.counts.otherTypes]).toEqual([2, 0, 1]);
});

test("a sender that is started again goes on in the session's time; what waited came out before", () => {
	const { push, clock, accessUnits, streams, session } = openRtp([OPUS]);
	for (const number of [0, 1, 3]) push(sound(number));
	clock.advance(1000);
	for (const number of [7000, 7001, 7002]) push(sound(number, 99, 3_000_000_000 + 960 * number));
	session.end();
	expect(accessUnits.map(({ data }) => data[1])).toEqual([0, 1, 3, 88, 89, 90]);
	const ms = accessUnits.map(({ pts }) => (pts - accessUnits[0]!.pts) / 90);
	expect(ms).toEqual([0, 20, 60, 1000, 1020, 1040]);
	expect(streams[0]!.counts).toMatchObject({ restarts: 1, stray: 0, lost: 1, leaps: 0 });
	expect(streams[0]!.reception!.ssrc).toBe(99);
});

test("through a connection, a hole costs no wait", () => {
	const { push, clock, accessUnits } = openRtp([OPUS], { jitter: IN_ORDER });
	for (const number of [0, 1, 3]) push(sound(number));
	clock.advance(1);
	expect(accessUnits.length).toBe(3);
});

test("a source's report synchronizes its stream, and one of nobody that is heard here does not", () => {
	const { push, streams } = openRtp([OPUS]);
	push(sound(10));
	push(report(SSRC + 1, 0, 500_000_000));
	expect(streams[0]!.isSynchronized).toBe(false);
	push(report(SSRC, 0, 0));
	expect(streams[0]!.isSynchronized).toBe(true);
	expect(streams[0]!.reception!.cumulativeLost).toBe(0);
});

test("two streams with reports are on one clock, though one came late", () => {
	const { push, clock, accessUnits, decodes } = openRtp([
		described("H264", 90_000, { "sprop-parameter-sets": "Z01AHtkAoC/5cBEAAAMAAQAAAwAyDxYuSA==,aOvDyyA=" }),
		OPUS,
	]);
	push(report(SSRC, 0, 0));
	push(rtpPacket({ number: 0, timestamp: 0, marker: true, payload: Uint8Array.of(0x65, 0x88, 1) }));
	clock.advance(700);
	push(report(SSRC + 1, 0, 0), 1);
	push(sound(5, SSRC + 1), 1);
	expect((accessUnits[1]!.pts - accessUnits[0]!.pts) / 90).toBeCloseTo(100, 6);
	expect(decodes).toMatchObject([{ video: { codec: "h264" }, audio: { codec: "opus" } }]);
});

test("a report that comes before its source is used with it, and not with another", () => {
	for (const [ssrc, isSynchronized] of [
		[SSRC, true],
		[SSRC + 5, false],
	] as const) {
		const { push, streams } = openRtp([OPUS]);
		push(report(ssrc, 0, 0));
		push(sound(0));
		expect(streams[0]!.isSynchronized).toBe(isSynchronized);
	}
	const { push, clock, streams } = openRtp([OPUS]);
	push(sound(0));
	clock.advance(1000);
	push(report(99, 0, 0));
	for (const number of [7000, 7001]) push(sound(number, 99));
	expect(streams[0]!.isSynchronized).toBe(true);
});

test("a session takes one stream of each kind, and a container alone", () => {
	const { session } = openRtp([OPUS]);
	for (const description of [
		described("mpeg4-generic", 48_000, { sizelength: "13", config: "1190" }),
		described("MP2T", 90_000),
	]) {
		expect(session.add(description)).toMatchObject({ code: "STREAM_UNSUPPORTED" });
	}
	expect(session.streams.length).toBe(1);
});
