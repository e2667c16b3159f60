/** RTP out, and back in again: packets as RFC 3550 has them, access units as they were, over any network. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyUnit, plainUnit, type Tracks } from "../../../test/kit/random-units.ts";
import { expectSame } from "../../../test/kit/reader-contract.ts";
import { openRtp } from "../../../test/kit/rtp-rig.ts";
import type { WrittenUnit } from "../../../test/kit/switching-units.ts";
import { epochMs, ticks90k } from "../../base/units.ts";
import type { AccessUnit, TrackKind } from "../access-unit.ts";
import { joinLengthPrefixed, splitLengthPrefixed } from "../h264.ts";
import { describePayload } from "./describe-payload.ts";
import { parseRtp, type RtpPacket } from "./header.ts";
import type { PayloadDescription } from "./payload-description.ts";
import { goodbyeCompound, senderCompound } from "./rtcp-writer.ts";
import { LEAST_PACKET_BYTES, RtpSender } from "./sender.ts";

const FORM = { payloadType: 96, ssrc: 0xfeed_beef, firstNumber: 65_530, timestampOffset: 2 ** 32 - 5000 };
const ANY_SIZE = fc.constantFrom(LEAST_PACKET_BYTES, 1400, 9000);
const RUNS = { numRuns: 60 };

interface Outgoing {
	readonly track: TrackKind;
	readonly sender: RtpSender;
	readonly description: PayloadDescription;
}

function sendersOf({ head: { decode } }: WrittenUnit, mostPacketBytes: number): Outgoing[] {
	return (["video", "audio"] as const).flatMap((track, index) => {
		const config = decode[track];
		if (config === undefined) return [];
		const payloadType = 96 + index;
		const sender = new RtpSender(config, { ...FORM, payloadType, ssrc: FORM.ssrc + index, mostPacketBytes });
		return [{ track, sender, description: describePayload(config, payloadType)! }];
	});
}

/** Sound of Opus that fits the smallest packet; it has no fragments. */
const fitting = (unit: WrittenUnit, mostPacketBytes: number): AccessUnit[] =>
	unit.accessUnits.filter(
		({ track, data }) =>
			!(track === "audio" && unit.head.decode.audio?.codec === "opus" && data.length > mostPacketBytes - 12),
	);

test("packets are within their bound, numbers run on over 2^16, the marker is on a picture's last", () => {
	fc.assert(
		fc.property(anyUnit(), ANY_SIZE, (unit, mostPacketBytes) => {
			const senders = sendersOf(unit, mostPacketBytes);
			const next = new Map(senders.map(({ track }) => [track, FORM.firstNumber]));
			for (const accessUnit of fitting(unit, mostPacketBytes)) {
				const { sender } = senders.find(({ track }) => track === accessUnit.track)!;
				const packets = sender.packets(accessUnit).map((bytes) => {
					expect(bytes.length).toBeLessThanOrEqual(mostPacketBytes);
					return parseRtp(bytes) as RtpPacket;
				});
				for (const [index, { number, marker, timestamp }] of packets.entries()) {
					const expected = next.get(accessUnit.track)!;
					expect(number).toBe(expected & 0xffff);
					next.set(accessUnit.track, expected + 1);
					if (accessUnit.track === "video") expect(marker).toBe(index === packets.length - 1);
					expect(timestamp).toBe(packets[0]!.timestamp);
				}
			}
		}),
		RUNS,
	);
});

/** What a network does to packets: each comes after so long, never, or twice. */
interface Fate {
	readonly delayMs: number;
	readonly times: number;
}

interface Datagram extends Fate {
	readonly bytes: Uint8Array;
	readonly stream: number;
	readonly sentMs: number;
}

function roundTrip(unit: WrittenUnit, mostPacketBytes: number, fates: readonly Fate[]) {
	const senders = sendersOf(unit, mostPacketBytes);
	const rig = openRtp(senders.map(({ description }) => description));
	const start = unit.accessUnits[0]!.dts;
	for (const [index, { sender }] of senders.entries()) {
		rig.push(senderCompound(sender.report(epochMs(1_800_000_000_000), start), "test"), index);
	}
	const sent = fitting(unit, mostPacketBytes);
	let count = 0;
	const datagrams = sent.flatMap((accessUnit): Datagram[] => {
		const stream = senders.findIndex(({ track }) => track === accessUnit.track);
		return senders[stream]!.sender.packets(accessUnit).map((bytes) => {
			const fate = fates.length === 0 ? { delayMs: 0, times: 1 } : fates[count++ % fates.length]!;
			return { ...fate, bytes, stream, sentMs: (accessUnit.dts - start) / 90 };
		});
	});
	const arrivals = datagrams
		.flatMap((datagram) => Array.from({ length: datagram.times }, () => datagram))
		.map((datagram, order) => ({ ...datagram, order, ms: datagram.sentMs + datagram.delayMs }))
		.toSorted((one, other) => one.ms - other.ms || one.order - other.order);
	for (const { ms, bytes, stream } of arrivals) {
		rig.clock.advanceTo(Math.max(ms, rig.clock.now()));
		rig.push(bytes, stream);
	}
	rig.clock.advance(2000);
	rig.session.end();
	return { ...rig, sent, datagrams };
}

/** As encoders do: a picture's first slice says that it is the first (first_mb_in_slice of 0), the others do not. */
function sliced(unit: WrittenUnit): WrittenUnit {
	const at = unit.head.decode.video?.codec === "hevc" ? 2 : 1;
	const accessUnits = unit.accessUnits.map((one) => {
		if (one.track === "audio") return one;
		const nals = splitLengthPrefixed(one.data);
		const marked = nals.map((nal, index) => nal.with(at, index === 0 ? nal[at]! | 0x80 : (nal[at]! & 0x7f) | 1));
		return { ...one, data: joinLengthPrefixed(marked) };
	});
	return { ...unit, accessUnits };
}

/** In the order of each track, times counted from the first of all. */
function tracksOf(accessUnits: readonly AccessUnit[], withDts: boolean): AccessUnit[] {
	const base = accessUnits.reduce((least, { pts }) => Math.min(least, pts), Number.POSITIVE_INFINITY);
	return (["video", "audio"] as const).flatMap((track) =>
		accessUnits
			.filter((one) => one.track === track)
			.map((one) => ({ ...one, pts: ticks90k(one.pts - base), dts: ticks90k(withDts ? one.dts - base : 0) })),
	);
}

/** Of one picture's duration or more, so that the sender's clock tells pictures apart; without pictures out of order. */
const steady = (unit: WrittenUnit): boolean => unit.accessUnits.every(({ pts, dts }) => pts === dts);

test("over a network that loses nothing, everything comes back: data, keys, decode information, times on one clock", () => {
	fc.assert(
		fc.property(anyUnit().filter(steady), ANY_SIZE, (unit, mostPacketBytes) => {
			const { sent, accessUnits, decodes, faults, streams } = roundTrip(unit, mostPacketBytes, []);
			expect(faults.map(({ message }) => message)).toEqual([]);
			const [seen, expected] = [tracksOf(accessUnits, true), tracksOf(sent, true)];
			// A rate of 48 kHz says 90 kHz to the nearest 1.9 ticks.
			const rounded = (one: AccessUnit): AccessUnit => ({ ...one, pts: ticks90k(0), dts: ticks90k(0) });
			expectSame(seen.map(rounded), expected.map(rounded));
			for (const [index, { pts }] of expected.entries()) expect(Math.abs(seen[index]!.pts - pts)).toBeLessThan(3);
			const {
				preSkip: _preSkip,
				inputSampleRateHz: _rate,
				...audio
			} = { preSkip: 0, inputSampleRateHz: 0, ...unit.head.decode.audio };
			if (sent.length > 0)
				expect(decodes.at(-1)).toMatchObject({ ...unit.head.decode, ...(unit.head.decode.audio && { audio }) });
			for (const { isSynchronized, counts } of streams) {
				expect(counts).toMatchObject({ lost: 0, duplicates: 0, dropped: 0, malformed: 0, badPayloads: 0 });
				if (counts.packets > 0) expect(isSynchronized).toBe(true);
			}
		}),
		RUNS,
	);
});

const anyFate: fc.Arbitrary<Fate> = fc.record({
	delayMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(30) }, fc.nat(500)),
	times: fc.constantFrom(1, 1, 1, 1, 1, 1, 0, 2),
});

test("whatever a network loses, delays or doubles: only what was sent comes out, whole, in order, and all is accounted for", () => {
	const anyFates = fc.array(anyFate, { minLength: 1, maxLength: 200 });
	fc.assert(
		fc.property(anyUnit().map(sliced), ANY_SIZE, anyFates, (unit, mostPacketBytes, fates) => {
			const { sent, accessUnits, streams, session, datagrams, clock } = roundTrip(unit, mostPacketBytes, fates);
			for (const track of ["video", "audio"] as const) {
				const whole = sent.filter((one) => one.track === track).map(({ data }) => Buffer.from(data).toString("latin1"));
				let from = 0;
				let last = Number.NEGATIVE_INFINITY;
				for (const { data, dts, pts } of accessUnits.filter((one) => one.track === track)) {
					const at = whole.indexOf(Buffer.from(data).toString("latin1"), from);
					expect(at).toBeGreaterThanOrEqual(from);
					from = at + 1;
					expect(dts).toBeGreaterThan(last);
					expect(pts).toBeGreaterThanOrEqual(dts);
					last = dts;
				}
			}
			for (const [index, stream] of streams.entries()) {
				const { packets, late, duplicates, lost, malformed, stray } = stream.counts;
				const came = datagrams.filter((one) => one.stream === index).reduce((sum, { times }) => sum + times, 0);
				expect([packets + late + duplicates + stray, malformed]).toEqual([came, 0]);
				if (lost === 0) expect(stream.counts.badPayloads).toBe(0);
			}
			expect([session.heldBytes, clock.time.pending]).toEqual([0, 0]);
		}),
		RUNS,
	);
});

test("of pictures, those that lost nothing come out, also beside others that did", () => {
	const unit = plainUnit(3, "h264+aac");
	const pictures = unit.accessUnits.filter(({ track }) => track === "video");
	const alone = sliced({ ...unit, accessUnits: pictures });
	const count = roundTrip(alone, LEAST_PACKET_BYTES, []).datagrams.length;
	expect(count).toBeGreaterThan(15);
	for (let lost = 0; lost < count; lost++) {
		const fates = Array.from({ length: count }, (_, index) => ({ delayMs: 0, times: index === lost ? 0 : 1 }));
		const seen = roundTrip(alone, LEAST_PACKET_BYTES, fates);
		// The very first has the parameter sets, which the description has as well.
		expect(seen.accessUnits.length, `packet ${lost}`).toBe(lost === 0 ? pictures.length : pictures.length - 1);
		expect(seen.streams[0]!.counts.badPayloads).toBe(0);
	}
});

test("the size of what cannot be cut is told with both numbers, and takes no number", () => {
	const unit = plainUnit(1, "opus");
	const sender = new RtpSender(unit.head.decode.audio!, { ...FORM, mostPacketBytes: LEAST_PACKET_BYTES });
	const large = { ...unit.accessUnits[0]!, data: new Uint8Array(600) };
	expect(() => sender.packets(large)).toThrow(/^RTP_PAYLOAD_TOO_LARGE: a packet of Opus has 600 bytes .* leaves 536/);
	expect((parseRtp(sender.packets(unit.accessUnits[0]!)[0]!) as RtpPacket).number).toBe(FORM.firstNumber);
	expect(() => new RtpSender(unit.head.decode.audio!, { ...FORM, mostPacketBytes: 100 })).toThrow(RangeError);
});

test("a report says what was sent, and what the RTP clock says at a time of the wall clock", () => {
	const unit = plainUnit(1, "h264+aac");
	const [video, audio] = sendersOf(unit, 1400) as [Outgoing, Outgoing];
	const packets = unit.accessUnits.filter(({ track }) => track === "video").flatMap((one) => video.sender.packets(one));
	const report = video.sender.report(epochMs(0), 300_000);
	expect(report).toEqual({
		ssrc: FORM.ssrc,
		ntp: { seconds: 2_208_988_800, fraction: 0 },
		rtpTimestamp: 295_000,
		packetCount: packets.length,
		octetCount: packets.reduce((sum, { length }) => sum + length - 12, 0),
		blocks: [],
	});
	expect(audio.sender.report(epochMs(0), 300_000).rtpTimestamp).toBe(160_000 - 5000);
	expect(goodbyeCompound(report, "name").length % 4).toBe(0);
	expect(video.sender.nextPacket(300_000)).toEqual({
		number: (FORM.firstNumber + packets.length) & 0xffff,
		timestamp: 295_000,
	});
});

describe("a description", () => {
	test.for([
		["h264+aac", ["H264/90000", "mpeg4-generic/48000/2"]],
		["hevc+opus", ["H265/90000", "opus/48000/2"]],
	] as const)("of %s says all that a decoder needs", ([tracks, expected]: readonly [Tracks, readonly string[]]) => {
		const unit = plainUnit(1, tracks);
		const made = sendersOf(unit, 1400).map(({ description }) => description);
		expect(
			made.map(({ encodingName, clockRateHz, channels }) =>
				[encodingName, clockRateHz, channels].filter(Boolean).join("/"),
			),
		).toEqual(expected);
		const [video] = made as [PayloadDescription];
		const names = tracks.startsWith("h264")
			? ["profile-level-id", "sprop-parameter-sets"]
			: ["sprop-vps", "sprop-sps", "sprop-pps"];
		for (const name of names) expect(video.parameters.get(name), name).toMatch(/^[\w+/=,]+$/);
	});

	test("of AV1 is not made", () => {
		expect(describePayload({ codec: "av1" } as never, 96)).toBeUndefined();
	});
});
