import { describe, expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit } from "../access-unit.ts";
import { h264Config, joinLengthPrefixed } from "../h264.ts";
import type { OpusConfig } from "../opus.ts";
import type { UnitHead } from "../packaging.ts";
import { boxName, splitBoxes } from "./box.ts";
import { fmp4 } from "./fmp4.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const SPS = hex("674d400bd9028df93011000003000100000300320f142a48");
const PPS = hex("68ebc3cb20");
const VIDEO = h264Config([SPS], [PPS]);
const AAC_44K = parseAudioSpecificConfig(hex("1210"));
const OPUS: OpusConfig = {
	codec: "opus",
	sampleRateHz: 48_000,
	channelCount: 2,
	preSkip: 312,
	inputSampleRateHz: 48_000,
	mappingFamily: 0,
	codecString: "opus",
};
const IDR = joinLengthPrefixed([hex("6588840a")]);
const SLICE = joinLengthPrefixed([hex("419a2233")]);
const allocate = (length: number): Uint8Array => new Uint8Array(length);

const head = (change: Partial<UnitHead> = {}): UnitHead => ({
	number: 7,
	time: ticks90k(90_000),
	pictureDuration: ticks90k(3000),
	accessUnitsBefore: 0,
	rendition: "low",
	decode: { video: VIDEO, audio: AAC_44K },
	...change,
});
const picture = (dts: number, key = false, pts = dts): AccessUnit => ({
	track: "video",
	pts: ticks90k(pts),
	dts: ticks90k(dts),
	key,
	data: key ? IDR : SLICE,
});
const sound = (pts: number, data = hex("0102")): AccessUnit => ({
	track: "audio",
	pts: ticks90k(pts),
	dts: ticks90k(pts),
	key: true,
	data,
});

function write(unit: UnitHead, ...accessUnits: AccessUnit[]): Buffer[] {
	const writer = fmp4.openUnit(unit);
	return accessUnits.map((accessUnit) => Buffer.from(writer.write(accessUnit, allocate)));
}
const types = (bytes: Uint8Array): string[] => splitBoxes(bytes, 0).map(({ type }) => boxName(type));
/** A field of 32 bits behind the first box of this type's size and type. */
const field = (bytes: Buffer, box: string, at: number): number =>
	bytes.readInt32BE(bytes.indexOf(box, 0, "latin1") + 4 + at);
/** sample_duration: behind version and flags, sample_count and data_offset. */
const duration = (bytes: Buffer): number => field(bytes, "trun", 12);

test("a response begins with a file type, and nothing closes a unit", () => {
	expect(Buffer.from(fmp4.responseStart(head(), allocate)!).toString("hex")).toBe(
		"0000001c 66747970 69736f36 00000000 69736f36 69736f35 6d703431".replaceAll(" ", ""),
	);
	expect(fmp4.openUnit(head()).close(allocate)).toBeUndefined();
	expect(fmp4.hole(head(), allocate)).toBeUndefined();
	expect(fmp4.refusal(head().decode)).toBeUndefined();
});

describe("a unit", () => {
	const [first, second, third] = write(head(), picture(90_000, true), picture(93_000, false, 99_000), sound(90_000));

	test("begins with moov and the message that names it; then each access unit is a moof and an mdat", () => {
		expect([first, second, third].map((bytes) => types(bytes!))).toEqual([
			["moov", "emsg", "moof", "mdat"],
			["moof", "mdat"],
			["moof", "mdat"],
		]);
		const message = splitBoxes(first!, 0)[1]!.payload;
		expect(Buffer.from(message).toString("latin1")).toBe(
			`${hexText("01000000 00015f90 0000000000015f90 ffffffff 00000007")}urn:penstock:unit:1\0low\0`,
		);
	});

	test("has its parameter sets in the sample entry, and again in front of the key picture", () => {
		const sets = joinLengthPrefixed([SPS, PPS]);
		const media = splitBoxes(first!, 0)[3]!.payload;
		expect(Buffer.compare(media, Buffer.concat([sets, IDR]))).toBe(0);
		const at = first!.indexOf("avcC", 0, "latin1");
		expect(first!.indexOf(SPS)).toBeGreaterThan(at);
		expect(first!.indexOf(SPS)).toBeLessThan(first!.indexOf("moof", 0, "latin1"));
	});

	test("is, byte for byte, what docs/wire/fmp4.md draws", () => {
		expect(second!.toString("hex")).toBe(
			[
				"00000068 6d6f6f66 00000010 6d666864 00000000 00000002", // the second access unit
				"00000050 74726166 00000010 74666864 00020000 00000001",
				"00000014 74666474 01000000 0000000000016b48",
				"00000024 7472756e 01000f01 00000001 00000070 00000bb8 00000008 01010000 00001770",
				"00000010 6d646174 00000004 419a2233",
			]
				.join("")
				.replaceAll(" ", ""),
		);
		expect(third!.toString("hex")).toBe(
			[
				"00000060 6d6f6f66 00000010 6d666864 00000000 00000003",
				"00000048 74726166 00000010 74666864 00020000 00000002",
				"00000014 74666474 01000000 0000000000015f90",
				"0000001c 7472756e 01000301 00000001 00000068 0000082a 00000002",
				"0000000a 6d646174 0102",
			]
				.join("")
				.replaceAll(" ", ""),
		);
	});

	test("refuses an access unit of a track that its head has not, and can still be written then", () => {
		const writer = fmp4.openUnit(head({ decode: { video: VIDEO } }));
		expect(() => writer.write(sound(0), allocate)).toThrow(
			/^STREAM_UNSUPPORTED: .* unit 7 of rendition "low" is audio/,
		);
		expect(types(writer.write(picture(0, true), allocate))).toEqual(["moov", "emsg", "moof", "mdat"]);
	});

	test("of a time below zero is decoded at zero and shown when it is due", () => {
		const [bytes] = write(head(), picture(-3000, true, 600));
		expect([field(bytes!, "tfdt", 4), field(bytes!, "tfdt", 8), field(bytes!, "trun", 24)]).toEqual([0, 0, 600]);
	});
});

describe("durations", () => {
	test("of pictures are the longest step so far, of the unit before or of this one", () => {
		const steps = [90_000, 93_000, 96_000, 101_000, 104_000];
		const pieces = write(head(), ...steps.map((time, i) => picture(time, i === 0)));
		expect(pieces.map(duration)).toEqual([3000, 3000, 3000, 5000, 5000]);
	});

	test("of pictures where nothing is known yet are those of 24 in a second", () => {
		const unknown = head({ pictureDuration: ticks90k(0) });
		expect(write(unknown, picture(0, true), picture(3000)).map(duration)).toEqual([3750, 3000]);
	});

	test("of AAC are 1024 samples: no gap of more than a tick to where the next frame is put", () => {
		const exact = (1024 * 90_000) / 44_100;
		const frames = Array.from({ length: 500 }, (_, i) => sound(Math.round(i * exact)));
		const pieces = write(head({ decode: { audio: AAC_44K } }), ...frames);
		for (const [i, piece] of pieces.slice(0, -1).entries()) {
			expect(Math.abs(frames[i]!.pts + duration(piece) - frames[i + 1]!.pts)).toBeLessThanOrEqual(1);
		}
	});

	test("of Opus are what its packets say; of one that is broken, 20 ms", () => {
		const decode = { audio: OPUS };
		const packets = ["f800", "fc00", "0800", "fb830000", "ff3f"].map(hex); // 20, 20, 20, 60 ms, broken
		const pieces = write(head({ decode }), ...packets.map((data, i) => sound(90_000 + i, data)));
		expect(pieces.map(duration)).toEqual([1800, 1800, 1800, 5400, 1800]);
	});
});

test("the sequence number counts the channel's access units from 1, and wraps at 32 bits", () => {
	const number = (bytes: Buffer): number => field(bytes, "mfhd", 4) >>> 0;
	const pictures = Array.from({ length: 4 }, (_, i) => picture(90_000 + i, i === 0));
	expect(write(head(), ...pictures).map(number)).toEqual([1, 2, 3, 4]);
	const late = write(head({ accessUnitsBefore: 2 ** 32 - 3 }), ...pictures);
	expect(late.map(number)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0, 1]);
});

test("what a unit costs: so many bytes in front, and so many for each access unit", () => {
	const [key, next, b, audio] = write(head(), picture(0, true), picture(1), picture(2, false, 9), sound(0));
	const sets = SPS.length + PPS.length + 8;
	const overhead = [key!.length - IDR.length - sets, next!.length - SLICE.length, b!.length - SLICE.length];
	expect([...overhead, audio!.length - 2]).toEqual([1215, 108, 112, 104]);
});

const hexText = (text: string): string => Buffer.from(hex(text)).toString("latin1");
