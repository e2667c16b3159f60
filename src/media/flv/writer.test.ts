import { describe, expect, it } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { parseAv1C } from "../av1.ts";
import { buildAvcC, joinLengthPrefixed, parseAvcC } from "../h264.ts";
import { buildHvcC, parseHvcC } from "../hevc.ts";
import { buildOpusHead, type OpusConfig } from "../opus.ts";
import type { Allocate, UnitHead } from "../packaging.ts";
import { parseScript } from "./amf0.ts";
import { flv } from "./flv.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const AVC = parseAvcC(hex("014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80"));
const HEVC = parseHvcC(
	hex(`0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a1000100
	2a42010101600000030090000003000003003ca00a480b9c9596566924caf0168080000003008000000c84a2000100074401c172b46240`),
);
const AV1 = parseAv1C(hex("81000c000a0b000000043d06d402f80040"));
const AAC = parseAudioSpecificConfig(Uint8Array.of(0x11, 0x90));
const OPUS: OpusConfig = {
	codec: "opus",
	sampleRateHz: 48_000,
	channelCount: 2,
	preSkip: 312,
	inputSampleRateHz: 44_100,
	mappingFamily: 0,
	codecString: "opus",
};

const IDR = joinLengthPrefixed([Uint8Array.of(0x65, 1, 2, 3)]);
const SLICE = joinLengthPrefixed([Uint8Array.of(0x41, 4, 5)]);

const headOf = (decode: DecodeInformation, time = 90_000): UnitHead => ({
	number: 42,
	time: ticks90k(time),
	pictureDuration: ticks90k(3600),
	accessUnitsBefore: 0,
	rendition: "low",
	decode,
});
const picture = (dts: number, data: Uint8Array, key: boolean, pts = dts): AccessUnit => ({
	track: "video",
	pts: ticks90k(pts),
	dts: ticks90k(dts),
	key,
	data,
});
const sound = (time: number, data: Uint8Array): AccessUnit => ({
	track: "audio",
	pts: ticks90k(time),
	dts: ticks90k(time),
	key: true,
	data,
});
const allocate: Allocate = (length) => new Uint8Array(length).fill(0xee);

interface Tag {
	readonly type: number;
	readonly ms: number;
	readonly body: Uint8Array;
}

/** By the tables of annex E.3 and E.4.1, without a line of the code that is tested. */
function tagsOf(bytes: Uint8Array): Tag[] {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const tags: Tag[] = [];
	for (let at = 0; at < bytes.length; ) {
		const size = view.getUint32(at) & 0xff_ffff;
		const ms = (view.getUint32(at + 4) >>> 8) + bytes[at + 7]! * 2 ** 24;
		expect(toHex(bytes.subarray(at + 8, at + 11))).toBe("000000");
		expect(view.getUint32(at + 11 + size)).toBe(11 + size);
		tags.push({ type: bytes[at]!, ms, body: bytes.slice(at + 11, at + 11 + size) });
		at += 11 + size + 4;
	}
	return tags;
}

function bodiesOf(decode: DecodeInformation, ...accessUnits: AccessUnit[]): string[] {
	const writer = flv.openUnit(headOf(decode));
	const bytes = Buffer.concat(accessUnits.map((accessUnit) => writer.write(accessUnit, allocate)));
	expect(writer.close(allocate)).toBeUndefined();
	return tagsOf(bytes)
		.slice(1)
		.map(({ body }) => toHex(body));
}

describe("the start of a response", () => {
	const startOf = (decode: DecodeInformation): Uint8Array => flv.responseStart(headOf(decode), allocate)!;

	it.each<[string, DecodeInformation, string]>([
		["both", { video: AVC, audio: AAC }, "05"],
		["video", { video: AVC }, "01"],
		["audio", { audio: AAC }, "04"],
	])("is the header with the flags of %s, and PreviousTagSize0", (_, decode, flags) => {
		expect(toHex(startOf(decode).subarray(0, 13))).toBe(`464c5601${flags}0000000900000000`);
	});

	it("has onMetaData at time 0, and the sequence headers at the unit's", () => {
		const [metadata, ...headers] = tagsOf(startOf({ video: AVC, audio: AAC }).subarray(13));
		expect([metadata!.type, metadata!.ms]).toEqual([18, 0]);
		expect(toHex(metadata!.body.subarray(0, 18))).toBe(`02000a${toHex(Buffer.from("onMetaData"))}0800000008`);
		const { name, argument } = parseScript(metadata!.body)!;
		expect(name).toBe("onMetaData");
		expect(Object.fromEntries(argument as Map<string, unknown>)).toEqual({
			width: 320,
			height: 180,
			videocodecid: 7,
			audiocodecid: 10,
			audiosamplerate: 48_000,
			audiosamplesize: 16,
			stereo: true,
			encoder: "Penstock",
		});
		expect(headers.map(({ type, ms }) => [type, ms])).toEqual([
			[9, 1000],
			[8, 1000],
		]);
	});

	it("says enhanced codecs by FourCC, as the specification's own examples do", () => {
		const said = (decode: DecodeInformation): Map<string, unknown> =>
			parseScript(tagsOf(startOf(decode).subarray(13))[0]!.body)!.argument as Map<string, unknown>;
		expect(said({ video: AV1, audio: OPUS }).get("videocodecid")).toBe(1_635_135_537);
		expect(said({ video: AV1, audio: OPUS }).get("audiocodecid")).toBe(1_332_770_163);
		expect(said({ video: HEVC }).get("videocodecid")).toBe(0x6876_6331);
	});
});

describe("a unit", () => {
	it("opens with its name, then the sequence headers, all in the first piece and at its time", () => {
		const writer = flv.openUnit(headOf({ video: AVC, audio: AAC }));
		const tags = tagsOf(writer.write(picture(90_000, IDR, true), allocate));
		expect(tags.map(({ type, ms }) => [type, ms])).toEqual([18, 9, 8, 9].map((type) => [type, 1000]));
		const { name, argument } = parseScript(tags[0]!.body)!;
		expect([name, tags[0]!.body[14]]).toEqual(["onRendition", 3]);
		expect(Object.fromEntries(argument as Map<string, unknown>)).toEqual({
			rendition: "low",
			number: 42,
			width: 320,
			height: 180,
			videocodec: "avc1.4d400d",
			audiocodec: "mp4a.40.2",
		});
		expect(tagsOf(writer.write(picture(93_600, SLICE, false), allocate))).toHaveLength(1);
	});

	it("of H.264 and AAC is the tags of E.4.2 and E.4.3", () => {
		const sets = toHex(joinLengthPrefixed([...AVC.sps, ...AVC.pps]));
		expect(
			bodiesOf(
				{ video: AVC, audio: AAC },
				picture(90_000, IDR, true, 97_200),
				sound(90_000, Uint8Array.of(0x21, 7)),
				picture(93_600, SLICE, false, 90_000),
			),
		).toEqual([
			`1700000000${toHex(buildAvcC(AVC))}`,
			"af001190",
			`1701000050${sets}${toHex(IDR)}`,
			"af012107",
			`2701ffffd8${toHex(SLICE)}`,
		]);
	});

	it("of HEVC is the tags of ExVideoTagHeader: CodedFramesX, and CodedFrames where there is a composition time", () => {
		const fourCc = toHex(Buffer.from("hvc1"));
		const sets = toHex(joinLengthPrefixed([...HEVC.vps, ...HEVC.sps, ...HEVC.pps]));
		expect(
			bodiesOf(
				{ video: HEVC },
				picture(90_000, IDR, true),
				picture(93_600, SLICE, false, 97_200),
				picture(97_200, SLICE, false),
			),
		).toEqual([
			`90${fourCc}${toHex(buildHvcC(HEVC))}`,
			`93${fourCc}${sets}${toHex(IDR)}`,
			`a1${fourCc}000028${toHex(SLICE)}`,
			`a3${fourCc}${toHex(SLICE)}`,
		]);
	});

	it("of AV1 and Opus is the tags of ExVideoTagHeader and ExAudioTagHeader, without a composition time", () => {
		const frame = Uint8Array.of(0x32, 2, 0x10, 9);
		const [av01, opus] = ["av01", "Opus"].map((name) => toHex(Buffer.from(name)));
		expect(
			bodiesOf(
				{ video: AV1, audio: OPUS },
				picture(90_000, frame, true),
				sound(90_000, Uint8Array.of(0xfc, 1)),
				picture(93_600, frame, false),
			),
		).toEqual([
			`90${av01}81000c000a0b000000043d06d402f80040`,
			`90${opus}${toHex(buildOpusHead(OPUS))}`,
			`91${av01}0a0b000000043d06d402f80040${toHex(frame)}`,
			`91${opus}fc01`,
			`a1${av01}${toHex(frame)}`,
		]);
	});

	it.each([
		[-90, 2 ** 32 - 1],
		[89, 1],
		[2 ** 31 * 90, 2 ** 31],
		[2 ** 32 * 90 + 180, 2],
	])("at %d ticks has tags at %d ms: the channel's clock to the nearest, modulo 2³²", (ticks, ms) => {
		const writer = flv.openUnit(headOf({ audio: AAC }, ticks));
		expect(tagsOf(writer.write(sound(ticks, IDR), allocate)).map((tag) => tag.ms)).toEqual([ms, ms, ms]);
	});

	it("has a form for every codec, and nothing to say of a hole", () => {
		for (const decode of [{ video: AVC }, { video: HEVC, audio: OPUS }, { video: AV1 }, { audio: AAC }]) {
			expect(flv.refusal(decode)).toBeUndefined();
			expect(flv.hole(headOf(decode), allocate)).toBeUndefined();
		}
	});

	it.each<[string, DecodeInformation, AccessUnit, RegExp]>([
		["a track that its head has not", { video: AVC }, sound(0, IDR), /unit 42 of rendition "low" is audio, of which/],
		[
			"a picture that no tag can hold",
			{ video: AVC },
			picture(0, new Uint8Array(2 ** 24), false),
			/takes 16777221 bytes/,
		],
		["a picture shown hours after", { video: AVC }, picture(0, SLICE, false, 2 ** 40), /is shown \d+ ms after/],
	])("refuses %s", (_, decode, accessUnit, message) => {
		const writer = flv.openUnit(headOf(decode));
		expect(() => writer.write(accessUnit, allocate)).toThrow(message);
	});
});
