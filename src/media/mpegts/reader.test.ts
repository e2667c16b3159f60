import { describe, expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { ADTS_HEADER_BYTES, parseAudioSpecificConfig, writeAdtsHeader } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { h264Config } from "../h264.ts";
import { hevcConfig } from "../hevc.ts";
import { parseOpusHead } from "../opus.ts";
import { carriedAudio } from "./carried-streams.ts";
import { mpegTs } from "./mpegts.ts";
import { NO_PCR, PACKET_BYTES, writePacketHead } from "./packet.ts";
import { type FirstPacket, Packetizer, packetsOf } from "./packetizer.ts";
import { pesHeaderBytes, STREAM_ID_AUDIO, STREAM_ID_VIDEO, writePesHeader } from "./pes.ts";
import { MOST_PES_BYTES } from "./pes-assembler.ts";
import { AUDIO_PID, VIDEO_PID } from "./program.ts";
import { MpegTsReader } from "./reader.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const SPS = hex("674d400bd9028df93011000003000100000300320f142a48");
const OTHER_SPS = hex("674d400cd901419f9f011000000300100000030320f142a480");
const PPS = hex("68ebc3cb20");
const VIDEO = h264Config([SPS], [PPS]);
const AUDIO = parseAudioSpecificConfig(hex("1190")); // LC, 48 kHz, two channels
const allocate = (length: number): Uint8Array => new Uint8Array(length);
const PLAIN: FirstPacket = { randomAccess: false, pcr: NO_PCR };

interface Event {
	readonly decode?: DecodeInformation;
	readonly start?: number;
	readonly unit?: AccessUnit;
}

/** A reader that notes what it gives, in order. */
function reading(): {
	reader: MpegTsReader;
	events: Event[];
	faults: string[];
	times: (track: string) => number[];
} {
	const events: Event[] = [];
	const faults: string[] = [];
	const reader = new MpegTsReader({
		accessUnit: (unit) => events.push({ unit }),
		decodeInformation: (decode) => events.push({ decode }),
		unitStart: ({ time }) => events.push({ start: time }),
		fault: (error) => faults.push(error.message),
	});
	const times = (track: string): number[] =>
		events.flatMap(({ unit }) => (unit?.track === track ? [Number(unit.pts)] : []));
	return { reader, events, faults, times };
}

/** PAT and PMT as our writer makes them. */
function psi(decode: DecodeInformation, number = 0): Uint8Array {
	const head = {
		number,
		time: ticks90k(0),
		pictureDuration: ticks90k(3600),
		accessUnitsBefore: 0,
		rendition: "low",
		decode,
	};
	const track = decode.video ? "video" : "audio";
	const unit: AccessUnit = { track, pts: ticks90k(0), dts: ticks90k(0), key: true, data: hex("00000001 65") };
	return mpegTs
		.openUnit(head)
		.write(unit, allocate)
		.subarray(0, 2 * PACKET_BYTES);
}

/** A PES packet as another multiplexer may make it: of any payload, with or without its length. */
function pes(packetizer: Packetizer, pts: number, payload: Uint8Array, bounded = true): Uint8Array {
	const pesBytes = pesHeaderBytes(pts, pts) + payload.length;
	const out = new Uint8Array(packetsOf(pesBytes, PLAIN) * PACKET_BYTES);
	const start = out.length - pesBytes;
	const streamId = packetizer.pid === VIDEO_PID ? STREAM_ID_VIDEO : STREAM_ID_AUDIO;
	out.set(payload, writePesHeader(out, start, streamId, pts, pts, payload.length));
	if (!bounded) out.fill(0, start + 4, start + 6);
	packetizer.cut(out, out.length, pesBytes, PLAIN);
	return out;
}

const annexB = (...nals: Uint8Array[]): Uint8Array => Buffer.concat(nals.flatMap((nal) => [hex("000001"), nal]));
function adts(bytes: number, fill: number): Uint8Array {
	const frame = new Uint8Array(ADTS_HEADER_BYTES + bytes).fill(fill);
	writeAdtsHeader(frame, 0, AUDIO, bytes);
	return frame;
}
const IDR = hex("6588840a");
const SLICE = hex("419a2233");

describe("streams of other multiplexers", () => {
	test("parameter sets, delimiters and SEI in the picture: sets go to the configuration, SEI stays", () => {
		const { reader, events } = reading();
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		const sei = hex("0605ffaa80");
		reader.push(psi({ video: VIDEO }));
		reader.push(pes(video, 9000, annexB(hex("09f0"), SPS, PPS, sei, IDR), false));
		reader.push(pes(video, 12_600, annexB(hex("09f0"), SLICE), false));
		expect(events.slice(0, 2)).toEqual([{ decode: { video: VIDEO } }, { start: 9000 }]);
		expect(events[2]!.unit).toMatchObject({ key: true, data: hex("00000005 0605ffaa80 00000004 6588840a") });
		expect(events.length).toBe(3); // the second waits for the next, or for the end
		reader.end();
		expect(events[3]!.unit).toMatchObject({ pts: 12_600, key: false, data: hex("00000004 419a2233") });
	});

	test("decode information comes again when a parameter set changes, and only then", () => {
		const { reader, events } = reading();
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		reader.push(psi({ video: VIDEO }));
		for (const [i, sps] of [SPS, SPS, OTHER_SPS, OTHER_SPS].entries()) {
			reader.push(pes(video, i * 3600, annexB(sps, PPS, IDR)));
		}
		const decodes = events.flatMap(({ decode }) => (decode ? [`${decode.video?.width}x${decode.video?.height}`] : []));
		expect(decodes).toEqual(["160x90", "320x180"]);
	});

	test("pictures before the first parameter sets are left out", () => {
		const { reader, times } = reading();
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		reader.push(psi({ video: VIDEO }));
		reader.push(pes(video, 0, annexB(SLICE)));
		reader.push(pes(video, 3600, annexB(SPS, PPS, IDR)));
		reader.end();
		expect(times("video")).toEqual([3600]);
	});

	test("several ADTS frames in a PES packet have times counted on from its own", () => {
		const { reader, times } = reading();
		const audio = new Packetizer(AUDIO_PID, "padding-stream");
		reader.push(psi({ audio: AUDIO }));
		reader.push(pes(audio, 90_000, Buffer.concat([adts(20, 1), adts(30, 2), adts(40, 3)])));
		reader.push(pes(audio, 100_000, adts(20, 1)));
		reader.end();
		expect(times("audio")).toEqual([90_000, 91_920, 93_840, 100_000]);
	});

	test("an ADTS frame that runs into the next PES packet is whole; its time is that of where it began", () => {
		const { reader, times, events } = reading();
		const audio = new Packetizer(AUDIO_PID, "padding-stream");
		const stream = Buffer.concat([adts(300, 1), adts(301, 2), adts(302, 3)]);
		reader.push(psi({ audio: AUDIO }));
		reader.push(pes(audio, 90_000, stream.subarray(0, 400)));
		reader.push(pes(audio, 95_000, stream.subarray(400)));
		reader.end();
		expect(times("audio")).toEqual([90_000, 91_920, 95_000]);
		expect(events.flatMap(({ unit }) => (unit ? [unit.data.length] : []))).toEqual([300, 301, 302]);
		expect(reader.counts.badPayloads).toBe(0);
	});

	test("times run on over the wrap of 33 bits, in both tracks alike", () => {
		const { reader, times } = reading();
		const [video, audio] = [new Packetizer(VIDEO_PID, "padding-stream"), new Packetizer(AUDIO_PID, "padding-stream")];
		reader.push(psi({ video: VIDEO, audio: AUDIO }));
		reader.push(pes(video, 2 ** 33 - 10, annexB(SPS, PPS, IDR)));
		reader.push(pes(audio, 20, adts(20, 1)));
		reader.push(pes(video, 3590, annexB(SLICE)));
		reader.end();
		expect(times("video")).toEqual([2 ** 33 - 10, 2 ** 33 + 3590]);
		expect(times("audio")).toEqual([2 ** 33 + 20]);
	});

	test("audio that leaves the PMT leaves the decode information, and PES packets of other PIDs are passed over", () => {
		const { reader, events } = reading();
		const [video, audio] = [new Packetizer(VIDEO_PID, "padding-stream"), new Packetizer(AUDIO_PID, "padding-stream")];
		reader.push(psi({ video: VIDEO, audio: AUDIO }, 0));
		reader.push(pes(audio, 0, adts(20, 1)));
		reader.push(pes(video, 0, annexB(SPS, PPS, IDR)));
		reader.push(psi({ video: VIDEO }, 1));
		reader.push(pes(video, 3600, annexB(SPS, PPS, IDR)));
		reader.push(pes(audio, 3600, adts(20, 1)));
		reader.push(pes(new Packetizer(0x555, "padding-stream"), 3600, adts(20, 1)));
		reader.end();
		const decodes = events.flatMap(({ decode }) => (decode ? [Object.keys(decode).sort().join()] : []));
		expect(decodes).toEqual(["audio", "audio,video", "video"]);
		expect(reader.counts.pids.get(0x555)).toEqual({ bytes: PACKET_BYTES, continuityErrors: 0 });
	});
});

describe("HEVC and Opus", () => {
	const VPS = hex("40010c01ffff01600000030090000003000003001e928090");
	const HEVC_SPS = hex("42010101600000030090000003000003001ea0142061f26592a4932bc05a020000030002000003003210");
	const HEVC_PPS = hex("4401c172b46240");
	const hevc = hevcConfig([VPS], [HEVC_SPS], [HEVC_PPS]);
	const opus = parseOpusHead(hex(`${Buffer.from("OpusHead").toString("hex")}01 02 0000 00000000 0000 00`));

	test("pictures of HEVC: sets go to the configuration, delimiters go away, only IDR pictures are key", () => {
		const { reader, events } = reading();
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		reader.push(psi({ video: hevc }));
		const [cra, idr, trail] = [hex("2a01aa80"), hex("2801aa80"), hex("0201bb80")];
		reader.push(pes(video, 0, annexB(hex("460150"), VPS, HEVC_SPS, HEVC_PPS, idr)));
		reader.push(pes(video, 3600, annexB(hex("460150"), trail)));
		reader.push(pes(video, 7200, annexB(hex("460150"), VPS, HEVC_SPS, HEVC_PPS, cra)));
		expect(events.flatMap(({ decode }) => (decode ? [decode] : []))).toEqual([{ video: hevc }]);
		expect(events.flatMap(({ unit }) => (unit ? [[unit.key, Buffer.from(unit.data).toString("hex")]] : []))).toEqual([
			[true, "000000042801aa80"],
			[false, "000000040201bb80"],
			[false, "000000042a01aa80"],
		]);
	});

	test("several packets of Opus in a PES packet have times counted on; trims and extensions are read past", () => {
		const { reader, times, events } = reading();
		const audio = new Packetizer(AUDIO_PID, "padding-stream");
		reader.push(psi({ audio: opus }));
		// 20 ms each (configuration 31), then 2.5 ms (28).
		const trimmed = hex("7ffc 03 0138 0010 02eeee fcaabb");
		reader.push(
			pes(audio, 90_000, Buffer.concat([hex("7fe0 02 fcaa"), trimmed, hex("7fe0 02 e0bb"), hex("7fe0 01 fc")])),
		);
		expect(times("audio")).toEqual([90_000, 91_800, 93_600, 93_825]);
		expect(events[0]).toEqual({ decode: { audio: opus } });
		expect(events.flatMap(({ unit }) => (unit ? [unit.data.length] : []))).toEqual([2, 3, 2, 1]);
	});

	test("a packet of Opus that is cut or broken ends its PES packet, is told, and costs nothing else", () => {
		const { reader, times, faults } = reading();
		const audio = new Packetizer(AUDIO_PID, "padding-stream");
		reader.push(psi({ audio: opus }));
		for (const [index, payload] of ["7fe0 02 fcaa 7fe0 03 fcaa", "47e0 02 fcaa", "7fe0 ff", "7fe0 01 fc"].entries()) {
			reader.push(pes(audio, index * 1800, hex(payload)));
		}
		expect(times("audio")).toEqual([0, 5400]);
		expect(reader.counts.badPayloads).toBe(3);
		expect(faults.length).toBe(3);
	});

	test("Opus with more channels than descriptors can say, and private data that is no Opus, are passed over", () => {
		for (const descriptors of ["05044f707573 7f028009", "05044f707573", "0504414333 2d", "05ff4f70", ""]) {
			expect(carriedAudio([{ pid: 5, streamType: 6, descriptors: hex(descriptors) }])).toBeUndefined();
		}
	});
});

describe("faults", () => {
	const stream = (): { packets: Uint8Array[]; join: (packets: Uint8Array[]) => Uint8Array } => {
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		const big = new Uint8Array(1000).fill(0x77);
		const bytes = Buffer.concat([
			psi({ video: VIDEO }),
			pes(video, 0, annexB(SPS, PPS, IDR, big)), // 2..7
			pes(video, 3600, annexB(SLICE, big)), // 8..13
			pes(video, 7200, annexB(SLICE, big)), // 14..19
		]);
		const packets = Array.from({ length: bytes.length / PACKET_BYTES }, (_, i) =>
			bytes.subarray(i * PACKET_BYTES, (i + 1) * PACKET_BYTES),
		);
		return { packets, join: (list) => Buffer.concat(list) };
	};

	test("a lost packet costs the picture it belongs to, and is one continuity error of its PID", () => {
		const { packets, join } = stream();
		const { reader, times, faults } = reading();
		reader.push(join(packets.filter((_, i) => i !== 10)));
		reader.end();
		expect(times("video")).toEqual([0, 7200]);
		// One place, of which the lost PES packet is a part.
		expect(faults).toEqual([
			"MPEGTS_SYNTAX: the transport stream at byte 1880: packets of PID 256 are missing before this one; what is broken was left out.",
		]);
		expect(reader.counts).toMatchObject({ continuityErrors: 1, badPes: 1, syncLosses: 0 });
		expect(reader.counts.pids.get(VIDEO_PID)?.continuityErrors).toBe(1);
	});

	test("a packet sent twice is no fault and changes nothing (2.4.3.3); sent three times it is", () => {
		const { packets, join } = stream();
		const twice = reading();
		twice.reader.push(join(packets.flatMap((packet, i) => (i % 3 === 0 ? [packet, packet] : [packet]))));
		twice.reader.end();
		expect(twice.times("video")).toEqual([0, 3600, 7200]);
		expect(twice.reader.counts).toMatchObject({ continuityErrors: 0, badPes: 0 });
		const thrice = reading();
		thrice.reader.push(join(packets.flatMap((packet, i) => (i === 10 ? [packet, packet, packet] : [packet]))));
		thrice.reader.end();
		expect(thrice.times("video")).toEqual([0, 7200]);
		expect(thrice.reader.counts.continuityErrors).toBe(1);
	});

	test("garbage between packets is skipped and counted, once for each place", () => {
		const { packets, join } = stream();
		const { reader, times, faults } = reading();
		const garbage = new Uint8Array(301).fill(0x47).fill(0, 5);
		reader.push(join([garbage, ...packets.slice(0, 8), garbage.subarray(8), ...packets.slice(8)]));
		reader.end();
		expect(times("video")).toEqual([0, 3600, 7200]);
		expect(reader.counts).toMatchObject({ syncLosses: 1, skippedBytes: 301 + 293, continuityErrors: 0 });
		expect(faults.map((fault) => fault.slice(0, 72))).toEqual([
			"MPEGTS_SYNTAX: the transport stream at byte 0: 301 bytes are no packets,",
			"MPEGTS_SYNTAX: the transport stream at byte 1805: 293 bytes are no packe",
		]);
	});

	test("a cut tail gives no half picture", () => {
		const { packets, join } = stream();
		const { reader, times, faults } = reading();
		reader.push(join(packets).subarray(0, 19 * PACKET_BYTES + 100));
		reader.end();
		expect(times("video")).toEqual([0, 3600]);
		expect(faults).toEqual([expect.stringContaining(`byte ${19 * PACKET_BYTES}: 100 bytes are no packets`)]);
		expect(reader.counts).toMatchObject({ badPes: 1, skippedBytes: 100 });
	});

	test("transport_error_indicator and scrambling drop the packet, a wrong CRC the section", () => {
		const { packets, join } = stream();
		const { reader, times, faults } = reading();
		const changed = packets.map((packet) => new Uint8Array(packet));
		changed[9]![1]! |= 0x80;
		changed[16]![3]! |= 0x80;
		const broken = changed[0]!.slice();
		broken[3] = 0x1f; // the counter before
		broken[10]! ^= 1;
		reader.push(join([broken, changed[0]!, ...changed.slice(1)]));
		reader.end();
		expect(times("video")).toEqual([0]);
		expect(reader.counts).toMatchObject({ badPackets: 2, badPes: 2, psiCrcErrors: 1 });
		// The gap in the counter behind a damaged packet is the same place.
		const told = ["CRC_32", "is damaged", "is scrambled"];
		expect(faults).toEqual(told.map((what) => expect.stringContaining(what)));
		expect(reader.faults).toBe(told.length);
	});

	test("a PES packet above 4 MiB is dropped whole, and the next is read", () => {
		const { reader, times } = reading();
		const video = new Packetizer(VIDEO_PID, "padding-stream");
		reader.push(psi({ video: VIDEO }));
		reader.push(pes(video, 0, annexB(SPS, PPS, IDR)));
		reader.push(pes(video, 3600, annexB(SLICE, new Uint8Array(MOST_PES_BYTES).fill(0x77))));
		expect(reader.heldBytes).toBe(0);
		reader.push(pes(video, 7200, annexB(SLICE)));
		reader.end();
		expect(times("video")).toEqual([0, 7200]);
		expect(reader.counts).toMatchObject({ badPes: 1, continuityErrors: 0 });
	});

	test("an adaptation field that runs past its packet, and null packets, are passed over", () => {
		const { packets, join } = stream();
		const { reader, times } = reading();
		const broken = new Uint8Array(PACKET_BYTES);
		writePacketHead(broken, 0, 0x300, false, 0, 0, 0, NO_PCR);
		broken[4] = 184;
		const empty = new Uint8Array(PACKET_BYTES);
		writePacketHead(empty, 0, 0x1fff, false, 9, 184, 0, NO_PCR);
		reader.push(join(packets.flatMap((packet) => [packet, broken, empty])));
		reader.end();
		expect(times("video")).toEqual([0, 3600, 7200]);
		expect(reader.counts).toMatchObject({ badPackets: packets.length, continuityErrors: 0, badPes: 0 });
	});
});
