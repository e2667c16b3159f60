import { describe, expect, test } from "vitest";
import { milliseconds, ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../../media/aac.ts";
import type { AccessUnit, DecodeInformation } from "../../media/access-unit.ts";
import { Fmp4Reader } from "../../media/fmp4/reader.ts";
import { h264Config, joinLengthPrefixed } from "../../media/h264.ts";
import type { MediaPiece, SourceTypes, UnitNotice } from "./media-piece.ts";
import { SegmentCutter } from "./segment-cutter.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const PPS = hex("68ebc3cb20");
const LOW = h264Config([hex("674d400bd9028df93011000003000100000300320f142a48")], [PPS]);
/** Another level: another rendition. */
const HIGH = h264Config([hex("674d400cd9028df93011000003000100000300320f142a48")], [PPS]);
const AAC = parseAudioSpecificConfig(hex("1190"));
const BOTH: DecodeInformation = { video: LOW, audio: AAC };
const STEP = 3000;
const FRAME = 1920;
/** Of the element's timeline at the first picture. */
const LEAD_IN = 900_000;

/** A cutter, what it gave, and both tracks read back from it. */
class Bench {
	readonly begun: SourceTypes[] = [];
	readonly notices: UnitNotice[] = [];
	pieces: MediaPiece[] = [];
	readonly cutter: SegmentCutter;

	constructor(audio = true) {
		this.cutter = new SegmentCutter(
			{ audio },
			{
				begin: (types) => this.begun.push(types),
				piece: (piece) => this.pieces.push(piece),
				unit: (notice) => this.notices.push(notice),
			},
		);
	}

	unit(decode: DecodeInformation, time: number, number: number, rendition: string): this {
		this.cutter.decodeInformation(decode);
		this.cutter.unitStart({ time: ticks90k(time), number, rendition });
		return this;
	}

	picture(dts: number, key = false, pts = dts, arrivedAt = dts / 90): this {
		const data = joinLengthPrefixed([hex(key ? "6588840a" : "419a2233")]);
		const accessUnit: AccessUnit = { track: "video", dts: ticks90k(dts), pts: ticks90k(pts), key, data };
		this.cutter.accessUnit(accessUnit, milliseconds(arrivedAt));
		return this;
	}

	sound(time: number): this {
		const times = { pts: ticks90k(time), dts: ticks90k(time) };
		this.cutter.accessUnit({ track: "audio", ...times, key: true, data: hex("0102") }, milliseconds(0));
		return this;
	}

	/** What a browser finds in one track: times, and how often a configuration came. */
	read(track: "video" | "audio"): { dts: number[]; pts: number[]; keys: number; configurations: number } {
		const seen = { dts: [] as number[], pts: [] as number[], keys: 0, configurations: 0 };
		const reader = new Fmp4Reader({
			decodeInformation: () => seen.configurations++,
			accessUnit: ({ dts, pts, key }) => {
				seen.dts.push(dts);
				seen.pts.push(pts);
				if (key) seen.keys++;
			},
			fault: (error) => expect.fail(error.message),
		});
		for (const piece of this.pieces) if (piece.track === track) reader.push(piece.bytes);
		reader.end();
		return seen;
	}
}

describe("the segment cutter", () => {
	test("begins with the first key picture, and moves the stream's times behind a lead-in", () => {
		const bench = new Bench().unit(BOTH, 7_000_000, 3, "low");
		bench.picture(6_997_000).sound(6_998_000).picture(7_000_000, true).sound(7_000_900).picture(7_003_000);
		expect(bench.begun).toEqual([{ video: `video/mp4; codecs="avc1.4d400b"`, audio: `audio/mp4; codecs="mp4a.40.2"` }]);
		expect(bench.read("video").dts).toEqual([LEAD_IN, LEAD_IN + STEP]);
		expect(bench.read("audio").dts).toEqual([LEAD_IN + 900]);
	});

	test("keeps the tracks apart, and says a configuration only where it changes", () => {
		const bench = new Bench();
		for (const [number, decode] of [BOTH, BOTH, { ...BOTH, video: HIGH }, { ...BOTH, video: HIGH }, BOTH].entries()) {
			const time = 90_000 + number * 2 * STEP;
			bench.unit(decode, time, number, decode.video === HIGH ? "high" : "low");
			bench
				.picture(time, true)
				.sound(time)
				.picture(time + STEP);
		}
		expect(bench.begun.length).toBe(1);
		expect(bench.pieces.filter(({ track, type }) => track === "video" && type !== undefined).length).toBe(3);
		expect(bench.pieces.filter(({ track, type }) => track === "audio" && type !== undefined).length).toBe(1);
		expect(bench.read("video")).toMatchObject({ keys: 5, dts: { length: 10 } });
		expect(bench.read("audio")).toMatchObject({ configurations: 1, dts: { length: 5 } });
	});

	test("keeps presentation times where pictures are reordered", () => {
		const bench = new Bench().unit({ video: LOW }, 100_000, 0, "low");
		bench.picture(100_000, true, 106_000).picture(103_000, false, 112_000).picture(106_000, false, 109_000);
		expect(bench.read("video").pts).toEqual([6000, 12_000, 9000].map((time) => LEAD_IN + time));
	});

	test("puts audio frames end to end where a packaging rounded their times to milliseconds", () => {
		const bench = new Bench().unit(BOTH, 90_000, 0, "low").picture(90_000, true);
		for (let i = 0; i < 100; i++) bench.sound(90_000 + Math.round((i * FRAME) / 90) * 90);
		const { dts } = bench.read("audio");
		expect(dts).toEqual(Array.from({ length: 100 }, (_, i) => LEAD_IN + i * FRAME));
	});

	test("tells a unit with its first audio frame, and how the sound joins there", () => {
		const bench = new Bench().unit(BOTH, 90_000, 5, "low").picture(90_000, true);
		expect(bench.notices).toEqual([]);
		bench.sound(90_000).sound(90_000 + FRAME);
		bench
			.unit({ ...BOTH, video: HIGH }, 93_000, 6, "high")
			.picture(93_000, true)
			.sound(90_000 + 2 * FRAME);
		// A frame is missing.
		bench
			.unit(BOTH, 96_000, 7, "low")
			.picture(96_000, true)
			.sound(90_000 + 4 * FRAME);
		const told = { atSeconds: 10, ptsMs: 1000, unit: 5, audioGapSamples: 0 };
		expect(bench.notices[0]).toMatchObject({ ...told, rendition: { name: "low", codec: "avc1.4d400b" } });
		expect(bench.notices.map(({ audioGapSamples }) => audioGapSamples)).toEqual([0, 0, 1024]);
		expect(bench.notices.map(({ rendition }) => rendition.name)).toEqual(["low", "high", "low"]);
	});

	test("goes on where it was when the stream's times begin anew", () => {
		const bench = new Bench().unit(BOTH, 9_000_000, 100, "low");
		bench.picture(9_000_000, true).sound(9_000_000).picture(9_003_000);
		bench.cutter.reconnected();
		bench.unit(BOTH, 90_000, 0, "low").picture(87_000).picture(90_000, true).sound(90_000).picture(93_000);
		expect(bench.read("video").dts).toEqual([0, STEP, 2 * STEP, 3 * STEP].map((time) => LEAD_IN + time));
		expect(bench.notices.map(({ ptsMs }) => ptsMs)).toEqual([100_000, 1000]);
		expect(bench.begun.length).toBe(1);
	});

	test("leaves a hole where it is one, and puts a unit that comes twice into its own place", () => {
		const bench = new Bench().unit({ video: LOW }, 90_000, 0, "low");
		bench.picture(90_000, true).picture(93_000).picture(96_000);
		bench.cutter.reconnected();
		bench.unit({ video: LOW }, 90_000, 0, "low").picture(90_000, true).picture(93_000);
		bench.unit({ video: LOW }, 360_000, 3, "low").picture(360_000, true);
		expect(bench.read("video").dts.map((time) => time - LEAD_IN)).toEqual([0, 3000, 6000, 0, 3000, 270_000]);
		expect(bench.begun.length).toBe(1);
	});

	test("leaves out sound that is far from the picture, and pictures behind a jump until a key picture", () => {
		const bench = new Bench().unit(BOTH, 90_000, 0, "low").picture(90_000, true).sound(90_000);
		bench.sound(9_000_000).picture(9_000_000).picture(9_003_000).picture(93_000, true);
		expect(bench.read("audio").dts.length).toBe(1);
		expect(bench.read("video").dts).toEqual([LEAD_IN, LEAD_IN + STEP]);
	});

	test("has no sound until it is wanted, and begins anew with the next key picture then", () => {
		const bench = new Bench(false).unit(BOTH, 90_000, 0, "low").picture(90_000, true).sound(90_000);
		bench.cutter.addAudio();
		bench.picture(93_000).sound(92_000).unit(BOTH, 96_000, 1, "low").picture(96_000, true).sound(96_100);
		expect(bench.begun.map((types) => Object.keys(types))).toEqual([["video"], ["video", "audio"]]);
		expect(bench.read("audio").dts).toEqual([LEAD_IN + 100]);
	});

	test("begins anew with the next key picture where the source broke, and where a track comes or goes", () => {
		const bench = new Bench().unit(BOTH, 90_000, 0, "low").picture(90_000, true).sound(90_000);
		bench.cutter.restart();
		bench.pieces = [];
		bench.picture(93_000).sound(93_000);
		expect(bench.pieces).toEqual([]);
		bench.picture(96_000, true);
		bench.unit({ audio: AAC }, 99_000, 2, "low").sound(99_000);
		expect(bench.begun.map((types) => Object.keys(types))).toEqual([["video", "audio"], ["video", "audio"], ["audio"]]);
	});

	test("knows when media can come at the earliest", () => {
		const bench = new Bench().unit({ video: LOW }, 90_000, 0, "low");
		bench.picture(90_000, true, 90_000, 5070).picture(93_000, false, 93_000, 5090).picture(96_000, false, 96_000, 5500);
		const firstAt = 10_000;
		expect(bench.cutter.bestArrivalMs(milliseconds(6000))).toBeCloseTo(5090 - firstAt - 1000 / 30, 3);
		expect(bench.cutter.framesReceived).toBe(3);
	});
});
