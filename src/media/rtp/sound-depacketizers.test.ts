/** Payloads of AAC (RFC 3640, RFC 6416) and Opus (RFC 7587) by hand. */
import { expect, test } from "vitest";
import { described, openRtp, rtpPacket } from "../../../test/kit/rtp-rig.ts";
import { parseStreamMuxConfig } from "./latm-config.ts";
import { formatOf } from "./payload-formats.ts";

const HBR = { mode: "AAC-hbr", sizelength: "13", indexlength: "3", indexdeltalength: "3", config: "1190" };
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const frame = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

type Step = { payload: Uint8Array; timestamp: number; marker?: boolean; gap?: number };

function send(name: string, rate: number, parameters: Record<string, string>, steps: readonly Step[]) {
	const rig = openRtp([described(name, rate, parameters)]);
	let number = 0;
	for (const { payload, timestamp, marker = true, gap = 0 } of steps) {
		number += gap;
		rig.push(rtpPacket({ number, timestamp, marker, payload }));
		rig.clock.advance(300);
		number++;
	}
	rig.session.end();
	const start = rig.accessUnits[0]?.pts ?? 0;
	const frames = rig.accessUnits.map(({ pts, data }) => [pts - start, data[0], data.length]);
	return { ...rig, frames, counts: rig.streams[0]!.counts, codes: rig.faults.map(({ code }) => code) };
}

/** AU-headers of 13 and 3 bits, then the frames. */
function auPayload(sizes: readonly number[], ...data: readonly Uint8Array[]): Uint8Array {
	const headers = sizes.flatMap((size) => [(size << 3) >> 8, (size << 3) & 0xff]);
	return Buffer.concat([Uint8Array.of(0, 16 * sizes.length, ...headers), ...data]);
}

test("AAC-hbr: frames of one packet follow each other by 1024 samples", () => {
	const { frames, decodes, codes } = send("mpeg4-generic", 48_000, HBR, [
		{ payload: auPayload([10, 20, 30], frame(10, 1), frame(20, 2), frame(30, 3)), timestamp: 0 },
		{ payload: auPayload([5], frame(5, 4)), timestamp: 3072 },
	]);
	expect(frames).toEqual([
		[0, 1, 10],
		[1920, 2, 20],
		[3840, 3, 30],
		[5760, 4, 5],
	]);
	expect(decodes).toMatchObject([{ audio: { codec: "aac", sampleRateHz: 48_000, channelCount: 2 } }]);
	expect(codes).toEqual([]);
});

test("AAC-hbr: a frame in fragments comes when it is whole; one that lost a part does not", () => {
	const large = frame(3000, 7);
	const parts = [large.subarray(0, 1400), large.subarray(1400, 2800), large.subarray(2800)];
	// Of a stream's first packet nobody knows whether it is the first of its frame.
	const before = { payload: auPayload([1], frame(1, 1)), timestamp: -1024 };
	const steps = parts.map((part, i) => ({ payload: auPayload([3000], part), timestamp: 0, marker: i === 2 }));
	expect(send("mpeg4-generic", 48_000, HBR, [before, ...steps]).frames).toEqual([
		[0, 1, 1],
		[1920, 7, 3000],
	]);
	const after = { payload: auPayload([5], frame(5, 4)), timestamp: 1024 };
	const middleLost = send("mpeg4-generic", 48_000, HBR, [before, steps[0]!, { ...steps[2]!, gap: 1 }, after]);
	expect([middleLost.frames.slice(1), middleLost.counts.dropped]).toEqual([[[3840, 4, 5]], 2]);
	const endLost = send("mpeg4-generic", 48_000, HBR, [before, steps[0]!, steps[1]!, { ...after, gap: 1 }]);
	expect([endLost.frames.slice(1), endLost.counts.dropped]).toEqual([[[3840, 4, 5]], 1]);
});

test("AAC: other widths of headers, and what stands beside sizes, are read past (RFC 3640, 3.2.1)", () => {
	const lbr = { ...HBR, mode: "AAC-lbr", sizelength: "6", indexlength: "2", indexdeltalength: "2" };
	const payload = Buffer.concat([hex("0010 14 28"), frame(5, 1), frame(10, 2)]);
	expect(send("MPEG4-GENERIC", 48_000, lbr, [{ payload, timestamp: 0 }]).frames).toEqual([
		[0, 1, 5],
		[1920, 2, 10],
	]);
	// CTS-flag of 0, RAP-flag, then an auxiliary section of 8 bits.
	const rich = { ...HBR, ctsdeltalength: "8", randomaccessindication: "1", auxiliarydatasizelength: "8" };
	const section = Buffer.concat([hex("0012 0028 40 08 ff"), frame(5, 1)]);
	expect(send("mpeg4-generic", 48_000, rich, [{ payload: section, timestamp: 0 }]).frames).toEqual([[0, 1, 5]]);
});

test("AAC: headers that lie are told and left out", () => {
	const bad = [
		hex("ffff 0028"), // more headers than there are bytes
		hex("0000 1122"), // none
		hex("0008 00"), // half a header
		auPayload([4, 90], frame(4, 1)), // more bytes than there are
		Buffer.concat([hex("0020 0020 0022"), frame(8, 1)]), // interleaved
	];
	for (const payload of bad) {
		const { codes, counts } = send("mpeg4-generic", 48_000, HBR, [
			{ payload, timestamp: 0 },
			{ payload: auPayload([5], frame(5, 4)), timestamp: 1024 },
		]);
		expect(codes).toEqual(["RTP_PAYLOAD"]);
		expect(counts.accessUnits).toBeGreaterThanOrEqual(1);
	}
});

test("LATM: elements behind their lengths, one or several in a packet, or one in several packets", () => {
	const config = latmConfig();
	const parameters = { cpresent: "0", config };
	const element = (length: number, fill: number): Uint8Array =>
		Buffer.concat([
			new Uint8Array(Math.floor(length / 255)).fill(255),
			Uint8Array.of(length % 255),
			frame(length, fill),
		]);
	const whole = send("MP4A-LATM", 48_000, parameters, [
		{ payload: Buffer.concat([element(10, 1), element(300, 2)]), timestamp: 0 },
		{ payload: element(255, 3), timestamp: 2048 },
	]);
	expect(whole.frames).toEqual([
		[0, 1, 10],
		[1920, 2, 300],
		[3840, 3, 255],
	]);
	expect(whole.decodes).toMatchObject([{ audio: { codec: "aac", sampleRateHz: 48_000, channelCount: 2 } }]);
	const large = element(2000, 9);
	const steps = [large.subarray(0, 1400), large.subarray(1400)].map((payload, i) => ({
		payload,
		timestamp: 0,
		marker: i === 1,
	}));
	const before = { payload: element(1, 1), timestamp: -1024 };
	expect(send("MP4A-LATM", 48_000, parameters, [before, ...steps]).frames).toEqual([
		[0, 1, 1],
		[1920, 9, 2000],
	]);
	const lost = send("MP4A-LATM", 48_000, parameters, [
		{ payload: element(10, 1), timestamp: 0 },
		{ ...steps[1]!, timestamp: 1024, gap: 1 },
		{ payload: element(10, 2), timestamp: 2048 },
	]);
	expect(lost.frames.map(([, fill]) => fill)).toEqual([1, 2]);
	expect(lost.counts.dropped).toBe(1);
});

/** audioMuxVersion 0, one programme, one layer, AudioSpecificConfig 0x1190, frameLengthType 0, buffer fullness 0xff. */
function latmConfig(asc = "0001000110010000", numSubFrames = "000000", rest = "000" + "11111111" + "0" + "0"): string {
	const bits = `0${"1"}${numSubFrames}${"0000"}${"000"}${asc}${rest}`;
	const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
	return padded
		.match(/.{8}/g)!
		.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0"))
		.join("");
}

test("LATM: a StreamMuxConfig that is more than simple is refused with the reason", () => {
	expect(parseStreamMuxConfig(hex(latmConfig("0001000110010000")))).toMatchObject({
		framesPerElement: 1,
		config: { sampleRateHz: 48_000, channelCount: 2, objectType: 2 },
	});
	expect(parseStreamMuxConfig(hex(latmConfig(undefined, "000010")))).toMatchObject({ framesPerElement: 3 });
	expect(parseStreamMuxConfig(hex(latmConfig(undefined, undefined, "001")))).toBe(
		"its frames have no lengths of their own",
	);
	expect(parseStreamMuxConfig(hex("c000"))).toBe("audioMuxVersion 1 is not carried");
	expect(parseStreamMuxConfig(hex("40"))).toEqual(expect.any(String));
});

test("Opus: a packet is an access unit; mono where the description says so, and broken packets are left out", () => {
	const packet = hex("fc 01 02 03"); // 20 ms, one frame
	const sent = send("opus", 48_000, { "sprop-stereo": "1" }, [
		{ payload: packet, timestamp: 0 },
		{ payload: new Uint8Array(0), timestamp: 480 },
		{ payload: hex("fd 01"), timestamp: 960 }, // two frames of one size in one byte
		{ payload: packet, timestamp: 1920 },
	]);
	expect(sent.frames).toEqual([
		[0, 0xfc, 4],
		[3600, 0xfc, 4],
	]);
	expect(sent.codes).toEqual(["RTP_PAYLOAD"]);
	expect(sent.decodes).toMatchObject([{ audio: { codec: "opus", channelCount: 2 } }]);
	expect(send("OPUS", 48_000, { "sprop-stereo": "0" }, [{ payload: packet, timestamp: 0 }]).decodes).toMatchObject([
		{ audio: { channelCount: 1 } },
	]);
});

test.for([
	["PCMA", 8000, {}],
	["H264", 90_000, { "packetization-mode": "2" }],
	["H265", 90_000, { "sprop-max-don-diff": "4" }],
	["H264", 0, {}],
	["mpeg4-generic", 48_000, { ...HBR, config: "xyz" }],
	["mpeg4-generic", 48_000, { ...HBR, config: "0000" }],
	["mpeg4-generic", 48_000, { ...HBR, sizelength: "0" }],
	["mpeg4-generic", 48_000, { ...HBR, sizelength: "1e9" }],
	["mpeg4-generic", 48_000, { ...HBR, indexlength: "99" }],
	["mpeg4-generic", 48_000, { ...HBR, config: "11".repeat(10_000) }],
	["MP4A-LATM", 48_000, { config: "400023203fc0" }],
	["MP4A-LATM", 48_000, { cpresent: "0", config: "ff" }],
] as const)("a description of %s/%i %j is refused, not thrown", ([name, rate, parameters]) => {
	expect(formatOf(described(name, rate, parameters))).toMatchObject({ code: "STREAM_UNSUPPORTED" });
});
