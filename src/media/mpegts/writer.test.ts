import { describe, expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { h264Config } from "../h264.ts";
import { hevcConfig } from "../hevc.ts";
import { parseOpusHead } from "../opus.ts";
import type { UnitHead } from "../packaging.ts";
import { mpegTs } from "./mpegts.ts";
import {
	NO_PCR,
	PACKET_BYTES,
	packetCounter,
	packetPcr,
	packetPid,
	packetPrivateData,
	payloadOffset,
} from "./packet.ts";
import { AUDIO_PID, PMT_PID, VIDEO_PID } from "./program.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const VIDEO = h264Config([hex("674d400bd9028df93011000003000100000300320f142a48")], [hex("68ebc3cb20")]);
const AUDIO = parseAudioSpecificConfig(hex("1190")); // LC, 48 kHz, two channels
/** x265, Main, 160×90. */
const HEVC = hevcConfig(
	[hex("40010c01ffff01600000030090000003000003001e928090")],
	[hex("42010101600000030090000003000003001ea0142061f26592a4932bc05a020000030002000003003210")],
	[hex("4401c172b46240")],
);
const OPUS = parseOpusHead(hex(`${Buffer.from("OpusHead").toString("hex")}01 02 3801 80bb0000 0000 00`));
/** 5.1 in Vorbis order. */
const SURROUND = parseOpusHead(
	hex(`${Buffer.from("OpusHead").toString("hex")}01 06 3801 80bb0000 0000 01 0402 000401020305`),
);
const BOTH: DecodeInformation = { video: VIDEO, audio: AUDIO };
const TIME = 900_000;

const head = (decode = BOTH, number = 35, rendition = "low"): UnitHead => ({
	number,
	time: ticks90k(TIME),
	pictureDuration: ticks90k(3600),
	accessUnitsBefore: 0,
	rendition,
	decode,
});
const allocate = (length: number): Uint8Array => new Uint8Array(length);

/** A picture of one NAL unit of `bytes` bytes. */
function picture(key: boolean, dts = TIME, bytes = 5, pts = dts): AccessUnit {
	const data = new Uint8Array(4 + bytes).fill(0x88);
	data.set([0, bytes >> 16, bytes >> 8, bytes, key ? 0x65 : 0x61]);
	return { track: "video", pts: ticks90k(pts), dts: ticks90k(dts), key, data };
}
const sound = (pts: number, bytes = 3): AccessUnit => ({
	track: "audio",
	pts: ticks90k(pts),
	dts: ticks90k(pts),
	key: true,
	data: new Uint8Array(bytes).fill(0x21),
});

const packetsOf = (bytes: Uint8Array): Uint8Array[] =>
	Array.from({ length: bytes.length / PACKET_BYTES }, (_, i) =>
		bytes.subarray(i * PACKET_BYTES, (i + 1) * PACKET_BYTES),
	);
const payloadOf = (packet: Uint8Array): Uint8Array => packet.subarray(payloadOffset(packet, 0));

describe("the first access unit of a unit", () => {
	const writer = mpegTs.openUnit(head());
	const packets = packetsOf(writer.write(picture(true), allocate));

	test("is PAT, PMT, then the IDR; PSI counters are the unit's number mod 16", () => {
		expect(packets.map((packet) => packetPid(packet, 0))).toEqual([0, PMT_PID, VIDEO_PID]);
		expect(packets.map((packet) => packetCounter(packet, 0))).toEqual([3, 3, 0]);
		expect([...packets[0]!.subarray(0, 6)]).toEqual([0x47, 0x40, 0x00, 0x13, 0, 0]);
		expect(packets[0]!.subarray(4 + 1 + 16).every((byte) => byte === 0xff)).toBe(true);
	});

	test("has random_access_indicator and a PCR 100 ms before its DTS (2.4.3.4)", () => {
		expect(packets[2]![5]! & 0xf0).toBe(0x50);
		expect(packetPcr(packets[2]!, 0)).toBe(TIME - 9000);
	});

	test("is AUD, SPS, PPS and the slice behind start codes", () => {
		const payload = Buffer.from(payloadOf(packets[2]!)).toString("hex");
		const sets = `00000001${"674d400bd9028df93011000003000100000300320f142a48"}00000001${"68ebc3cb20"}`;
		expect(payload.slice(0, 28)).toBe("000001e0003c" + "848005" + "2100377741"); // PTS 900000
		expect(payload.slice(28)).toBe(`0000000109f0${sets}000000016588888888`);
	});
});

test("other pictures have a PCR but no random_access_indicator, and an AUD but no parameter sets", () => {
	const writer = mpegTs.openUnit(head());
	writer.write(picture(true), allocate);
	const [packet] = packetsOf(writer.write(picture(false, TIME + 3600), allocate));
	expect(packet![5]! & 0xf0).toBe(0x10);
	expect(packetPcr(packet!, 0)).toBe(TIME + 3600 - 9000);
	expect(packetCounter(packet!, 0)).toBe(1);
	expect(Buffer.from(payloadOf(packet!)).subarray(14).toString("hex")).toBe("0000000109f0000000016188888888");
});

test("an audio frame is one ADTS frame in a PES packet with its length", () => {
	const writer = mpegTs.openUnit(head());
	writer.write(picture(true), allocate);
	const [packet] = packetsOf(writer.write(sound(TIME), allocate));
	expect(packetPid(packet!, 0)).toBe(AUDIO_PID);
	expect(packetCounter(packet!, 0)).toBe(0);
	const payload = Buffer.from(payloadOf(packet!));
	expect(payload.subarray(0, 9).toString("hex")).toBe("000001c00012848005");
	expect(payload.subarray(14).toString("hex")).toBe("fff14c80015ffc" + "212121");
});

test("PES_packet_length is exact up to 16 bits; beyond, a packet of the padding stream ends the picture at once", () => {
	const bounded = mpegTs.openUnit(head()).write(picture(false, TIME, 0xffff - 8 - 6 - 4), allocate);
	expect([...payloadOf(packetsOf(bounded)[2]!).subarray(4, 6)]).toEqual([0xff, 0xff]);
	expect(payloadOf(packetsOf(bounded).at(-1)!)[3]).not.toBe(0xbe);
	const unbounded = packetsOf(mpegTs.openUnit(head()).write(picture(false, TIME, 0xffff - 8 - 6 - 3), allocate));
	expect([...payloadOf(unbounded[2]!).subarray(4, 6)]).toEqual([0, 0]);
	expect([...payloadOf(unbounded.at(-1)!).subarray(0, 7)]).toEqual([0, 0, 1, 0xbe, 0, 178, 0xff]);
});

test("close brings the video's counter round to 0 with the padding stream (2.4.3.7), the audio's with empty packets", () => {
	const writer = mpegTs.openUnit(head());
	writer.write(picture(true, TIME, 1000), allocate); // 6 packets of video
	writer.write(sound(TIME), allocate); // 1 of audio
	const closing = packetsOf(writer.close(allocate)!);
	expect(closing.map((packet) => packetPid(packet, 0))).toEqual([
		...Array<number>(10).fill(VIDEO_PID),
		...Array<number>(15).fill(AUDIO_PID),
	]);
	expect(closing.map((packet) => packetCounter(packet, 0))).toEqual([
		...[6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
		...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
	]);
	expect([...closing[0]!.subarray(4, 11)]).toEqual([0, 0, 1, 0xbe, (10 * 184 - 6) >> 8, (10 * 184 - 6) & 0xff, 0xff]);
	expect(closing.filter((packet) => packet[1]! & 0x40).length).toBe(1);
	for (const packet of closing.slice(10)) {
		expect([packet[3]! & 0x30, packet[4], packet[5]]).toEqual([0x30, 183, 0]);
		expect(packet.subarray(6).every((byte) => byte === 0xff)).toBe(true);
	}
});

test("the PMT says what there is, and each composition has its own version", () => {
	const pmt = (decode: DecodeInformation): string => {
		const first = decode.video ? picture(true) : sound(TIME);
		const packet = packetsOf(mpegTs.openUnit(head(decode)).write(first, allocate))[1]!;
		const length = packet[7]!; // section_length
		return Buffer.from(packet.subarray(5, 8 + length - 4)).toString("hex");
	};
	const versions = new Set<number>();
	const expectPmt = (decode: DecodeInformation, version: number, streams: string): void => {
		const pcrPid = decode.video ? "e100" : "e101";
		const length = (9 + streams.length / 2 + 4).toString(16).padStart(2, "0");
		expect(pmt(decode)).toBe(`02b0${length}0001${(0xc1 | (version << 1)).toString(16)}0000${pcrPid}f000${streams}`);
		versions.add(version);
	};
	const opus = (channels: number): string => `06e101f00a${"05044f707573"}${`7f02800${channels}`}`;
	const hevc = `24e100f006${"050448455643"}`;
	expectPmt(BOTH, 0, "1be100f000" + "0fe101f000");
	expectPmt({ video: VIDEO }, 1, "1be100f000");
	expectPmt({ video: VIDEO, audio: OPUS }, 3, `1be100f000${opus(2)}`);
	expectPmt({ video: HEVC, audio: AUDIO }, 10, `${hevc}0fe101f000`);
	expectPmt({ video: HEVC }, 11, hevc);
	expectPmt({ video: HEVC, audio: SURROUND }, 17, `${hevc}${opus(6)}`);
	expectPmt({ audio: AUDIO }, 20, "0fe101f000");
	expectPmt({ audio: OPUS }, 23, opus(2));
	expect(versions.size).toBe(8);
});

describe("every unit names itself in its first packet of the leading PID (2.4.3.5; ETSI TS 101 154, annex D)", () => {
	const fieldOf = (decode: DecodeInformation, rendition = "low"): string => {
		const first = decode.video ? picture(true) : sound(TIME);
		const bytes = mpegTs.openUnit(head(decode, 0x1234_5678, rendition)).write(first, allocate);
		const packet = packetsOf(bytes)[2]!;
		expect(packet[5]).toBe(0x52); // random_access_indicator, PCR_flag, transport_private_data_flag
		return Buffer.from(packet.subarray(12, 13 + packet[12]!)).toString("hex");
	};

	test("with its number and its rendition, in registered private data", () => {
		const field = `0d${"df"}${"0b"}${"504e5354"}${"12345678"}${Buffer.from("low").toString("hex")}`;
		expect(fieldOf(BOTH)).toBe(field);
		expect(fieldOf({ audio: AUDIO })).toBe(field);
	});

	test("of which the longest leaves room for the PES header", () => {
		const rendition = "r".repeat(128);
		const bytes = mpegTs.openUnit(head(BOTH, 1, rendition)).write(picture(true, TIME, 500, TIME + 3600), allocate);
		const [, , first] = packetsOf(bytes);
		expect(PACKET_BYTES - payloadOffset(first!, 0)).toBeGreaterThanOrEqual(19);
		expect(fieldOf(BOTH, rendition).length).toBe(2 * (1 + 138));
	});

	test("once: no other packet has private data", () => {
		const writer = mpegTs.openUnit(head());
		writer.write(picture(true, TIME, 1000), allocate);
		const rest = [writer.write(sound(TIME), allocate), writer.write(picture(true, TIME + 3600), allocate)];
		for (const packet of rest.flatMap(packetsOf)) expect(packetPrivateData(packet, 0)).toBeUndefined();
	});

	test("and refuses what is no name", () => {
		expect(() => mpegTs.openUnit(head(BOTH, 1, "<b>"))).toThrow(/^NAME_INVALID: the name of a rendition "<b>"/);
	});
});

test("HEVC has its own delimiter, and VPS, SPS and PPS in a key picture", () => {
	const writer = mpegTs.openUnit(head({ video: HEVC }));
	const nal = hex("00000004 2601aa80");
	const packets = packetsOf(writer.write({ ...picture(true), data: nal }, allocate)).slice(2);
	const payload = Buffer.concat(packets.map(payloadOf)).subarray(14).toString("hex");
	const sets = [...HEVC.vps, ...HEVC.sps, ...HEVC.pps].map((set) => `00000001${Buffer.from(set).toString("hex")}`);
	expect(payload).toBe(`00000001460150${sets.join("")}000000012601aa80`);
	const [other] = packetsOf(writer.write({ ...picture(false, TIME + 3600), data: hex("00000004 0201aa80") }, allocate));
	expect(Buffer.from(payloadOf(other!)).subarray(14).toString("hex")).toBe("00000001460150" + "000000010201aa80");
});

test("Opus is private stream 1; each packet stands behind a control header with its size in steps of 255", () => {
	for (const [bytes, size] of [
		[1, "01"],
		[254, "fe"],
		[255, "ff00"],
		[510, "ffff00"],
		[700, "ffffbe"],
	] as const) {
		const writer = mpegTs.openUnit(head({ audio: OPUS }));
		const packets = packetsOf(writer.write(sound(TIME, bytes), allocate)).slice(2);
		const payload = Buffer.concat(packets.map(payloadOf)).toString("hex");
		expect(payload.slice(0, 8)).toBe("000001bd");
		expect(payload.slice(28)).toBe(`7fe0${size}${"21".repeat(bytes)}`);
	}
});

describe("has no form for", () => {
	test("AV1, of which there is a draft only", () => {
		const av1 = { codec: "av1", sequenceHeader: hex("0a"), width: 640, height: 360, codecString: "av01" } as const;
		expect(mpegTs.refusal({ video: av1, audio: AUDIO })).toMatch(/^has no form for AV1/);
		expect(() => mpegTs.openUnit(head({ video: av1 }))).toThrow(/^STREAM_UNSUPPORTED: unit 35 .*has no form for AV1/);
	});

	test("Opus with channels in an order of its own", () => {
		const streams = { count: 6, coupled: 0, mapping: hex("000102030405") };
		expect(mpegTs.refusal({ audio: { ...SURROUND, streams } })).toMatch(/^has no form for Opus/);
		expect(mpegTs.refusal({ audio: { ...SURROUND, mappingFamily: 255 } })).toMatch(/^has no form for Opus/);
	});

	test("nothing else", () => {
		for (const decode of [BOTH, { video: HEVC, audio: OPUS }, { audio: SURROUND }]) {
			expect(mpegTs.refusal(decode)).toBeUndefined();
		}
	});
});

test("without video, PCRs ride on audio and its first frame is the random access point", () => {
	const writer = mpegTs.openUnit(head({ audio: AUDIO }));
	const first = packetsOf(writer.write(sound(TIME), allocate))[2]!;
	const second = packetsOf(writer.write(sound(TIME + 1920), allocate))[0]!;
	expect([packetPid(first, 0), first[5]! & 0xf0, packetPcr(first, 0)]).toEqual([AUDIO_PID, 0x50, TIME - 9000]);
	expect([packetPid(second, 0), second[5]! & 0xf0, packetPcr(second, 0)]).toEqual([
		AUDIO_PID,
		0x10,
		TIME + 1920 - 9000,
	]);
});

test("PTS, DTS and PCR wrap at 2^33", () => {
	const writer = mpegTs.openUnit({ ...head(), time: ticks90k(2 ** 33 + 10) });
	const packet = packetsOf(writer.write(picture(true, 2 ** 33 + 10), allocate))[2]!;
	expect(packetPcr(packet, 0)).toBe(2 ** 33 + 10 - 9000);
	expect(Buffer.from(payloadOf(packet)).subarray(9, 14).toString("hex")).toBe("2100010015");
});

describe("the program clock beside video", () => {
	/** PCRs of packets without payload, from audio of the given times behind one picture at `TIME`. */
	const extra = (writer: ReturnType<typeof mpegTs.openUnit>, times: readonly number[]): number[] =>
		times.flatMap((time) =>
			packetsOf(writer.write(sound(time), allocate)).flatMap((packet) => {
				const pcr = packetPcr(packet, 0);
				if (pcr === NO_PCR) return [];
				expect([packetPid(packet, 0), packet[3]! & 0x30]).toEqual([VIDEO_PID, 0x20]);
				expect(packetCounter(packet, 0)).toBe(0); // that of the picture's one packet: it does not advance
				return [pcr];
			}),
		);
	const frames = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i * 1920);

	test("goes on with audio while a still picture stands, and is not past the next picture's", () => {
		const writer = mpegTs.openUnit({ ...head(), pictureDuration: ticks90k(90_000) });
		writer.write(picture(true), allocate);
		const pcrs = [TIME - 9000, ...extra(writer, frames(TIME, 47))];
		expect(pcrs.length).toBe(11);
		for (let i = 1; i < pcrs.length; i++) {
			expect(pcrs[i]! - pcrs[i - 1]!).toBeGreaterThan(7200);
			expect(pcrs[i]! - pcrs[i - 1]!).toBeLessThanOrEqual(9120);
		}
		const next = packetsOf(writer.write(picture(false, TIME + 90_000), allocate))[0]!;
		expect(packetPcr(next, 0)).toBe(TIME + 90_000 - 9000);
	});

	test("stands while an encoder is late with its pictures, so that it need not go back when they come", () => {
		const late = mpegTs.openUnit(head());
		for (let i = 0; i < 5; i++) late.write(picture(i === 0, TIME + i * 3000), allocate);
		expect(extra(late, frames(TIME + 15_000, 60))).toEqual([]);
		const next = mpegTs.openUnit({ ...head(), time: ticks90k(TIME + 15_000) });
		const packets = packetsOf(next.write(picture(true, TIME + 15_000), allocate));
		expect(packetPcr(packets[2]!, 0)).toBe(TIME + 15_000 - 9000);
	});

	test("is the pictures' alone at 25 a second, with audio a second ahead and in bursts of eight frames", () => {
		const writer = mpegTs.openUnit(head());
		let at = 0;
		for (let i = 0; i < 50; i++) {
			writer.write(picture(i === 0, TIME + i * 3600), allocate);
			if (i % 4 !== 0) continue;
			const burst = frames(TIME + 90_000 + at * 1920, 8);
			at += 8;
			const packets = burst.flatMap((time) => packetsOf(writer.write(sound(time), allocate)));
			expect(new Set(packets.map((packet) => packetPcr(packet, 0)))).toEqual(new Set([NO_PCR]));
		}
	});
});

test("a hole is one packet without payload for each PID, with the counter before the unit's first", () => {
	const packets = packetsOf(mpegTs.hole(head(), allocate)!);
	expect(packets.map((packet) => packetPid(packet, 0))).toEqual([0, PMT_PID, VIDEO_PID, AUDIO_PID]);
	expect(packets.map((packet) => packet[3])).toEqual([0x22, 0x22, 0x2f, 0x2f]);
	expect(packets.map((packet) => packet[5]! & 0xf0)).toEqual([0x80, 0x80, 0x90, 0x80]);
	expect(packetPcr(packets[2]!, 0)).toBe(TIME - 27_000);
});

describe("refuses, naming the unit and the rendition,", () => {
	const refusal = /^STREAM_UNSUPPORTED: .*unit 35 of rendition "low"/;

	test("a unit without tracks", () => {
		expect(() => mpegTs.openUnit(head({}))).toThrow(refusal);
	});
	test("a track of which the head says nothing", () => {
		expect(() => mpegTs.openUnit(head({ video: VIDEO })).write(sound(TIME), allocate)).toThrow(refusal);
		expect(() => mpegTs.openUnit(head({ audio: AUDIO })).write(picture(true), allocate)).toThrow(refusal);
	});
	test("a NAL unit that runs past the end, and an AAC frame that ADTS cannot say", () => {
		const broken = { ...picture(true), data: hex("00000009 65") };
		expect(() => mpegTs.openUnit(head()).write(broken, allocate)).toThrow(refusal);
		expect(() => mpegTs.openUnit(head()).write(sound(TIME, 8185), allocate)).toThrow(refusal);
		expect(mpegTs.openUnit(head()).write(sound(TIME, 8184), allocate).length).toBeGreaterThan(8184);
	});
});
