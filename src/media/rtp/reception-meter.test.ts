import { expect, test } from "vitest";
import { ManualClock } from "../../../test/kit/manual-clock.ts";
import { rtpPacket, SSRC } from "../../../test/kit/rtp-rig.ts";
import { epochMs } from "../../base/units.ts";
import { ReceptionMeter } from "./reception-meter.ts";
import { goodbyeCompound, ntpOf, senderCompound } from "./rtcp-writer.ts";

const START = 1_800_000_000_000;
const COUNTS = { packetCount: 0, octetCount: 0, blocks: [] };
const report = (ssrc: number) => ({ ssrc, ntp: ntpOf(epochMs(START)), rtpTimestamp: 0, ...COUNTS });
const packet = (number: number, ssrc = SSRC): Uint8Array =>
	rtpPacket({ number, timestamp: 960 * number, ssrc, payload: Uint8Array.of(1) });

function metered() {
	const clock = new ManualClock();
	return { clock, meter: new ReceptionMeter(clock, 48_000) };
}

test("a report block tells of the source: what came, what is missing, when it reported", () => {
	const { clock, meter } = metered();
	expect(meter.takeBlock()).toBeUndefined();
	for (const number of [10, 11, 13]) meter.push(packet(number));
	meter.push(senderCompound(report(SSRC), "camera"));
	clock.advance(2000);
	expect(meter.takeBlock()).toMatchObject({
		...{ ssrc: SSRC, cumulativeLost: 1, fractionLost: 64, extendedHighest: 13 },
		lastSenderReport: ((ntpOf(epochMs(START)).seconds & 0xffff) << 16) >>> 0,
		delaySinceSenderReport: 2 * 65_536,
	});
});

test("a report of another source is none of this one's; one that comes before the first packet is", () => {
	const { meter } = metered();
	meter.push(senderCompound(report(SSRC + 1), "camera"));
	meter.push(packet(1));
	expect(meter.takeBlock()).toMatchObject({ lastSenderReport: 0, delaySinceSenderReport: 0 });
	meter.push(senderCompound(report(SSRC), "camera"));
	meter.interrupt();
	meter.push(packet(2));
	expect(meter.takeBlock()!.lastSenderReport).toBeGreaterThan(0);
});

test("numbers that pass 2^16 count a cycle, also when the first was near", () => {
	const { meter } = metered();
	for (const number of [65_534, 65_535, 0, 1]) meter.push(packet(number));
	expect(meter.takeBlock()).toMatchObject({ extendedHighest: 0x1_0001, cumulativeLost: 0 });
});

test("what passed elsewhere meanwhile is not lost", () => {
	const { meter } = metered();
	for (const number of [1, 2]) meter.push(packet(number));
	meter.interrupt();
	expect(meter.takeBlock()).toBeUndefined();
	for (const number of [900, 901]) meter.push(packet(number));
	expect(meter.takeBlock()).toMatchObject({ cumulativeLost: 0, fractionLost: 0, extendedHighest: 901 });
});

test("another source is followed at once behind the good-bye of the one before", () => {
	const { meter } = metered();
	meter.push(packet(1));
	meter.push(goodbyeCompound(report(SSRC), "camera"));
	for (const number of [700, 701]) meter.push(packet(number, 99));
	expect(meter.takeBlock()).toMatchObject({ ssrc: 99, extendedHighest: 701, cumulativeLost: 0 });
});

test("what is neither RTP nor RTCP changes nothing", () => {
	const { meter } = metered();
	meter.push(packet(1));
	for (const bytes of [[], [0x80], [0x80, 200, 0, 9], [1, 2, 3]]) meter.push(Uint8Array.from(bytes));
	expect(meter.takeBlock()).toMatchObject({ extendedHighest: 1, cumulativeLost: 0 });
});
