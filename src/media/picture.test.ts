import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onlyPenstockErrors, tinyFile } from "../../test/kit/tiny-encodes.ts";
import type { VideoConfig } from "./access-unit.ts";
import {
	leb128,
	OBU_FRAME,
	OBU_FRAME_HEADER,
	OBU_METADATA,
	OBU_SEQUENCE_HEADER,
	OBU_TEMPORAL_DELIMITER,
	parseAv1C,
	splitObus,
} from "./av1.ts";
import { joinLengthPrefixed, NAL_AUD, nalType, parseAvcC, splitAnnexB, splitLengthPrefixed } from "./h264.ts";
import { HEVC_NAL_AUD, HEVC_NAL_SPS, hevcNalType, parseHvcC } from "./hevc.ts";
import { parameterSetsOf, takePicture, type VideoCodec } from "./picture.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const H264 = parseAvcC(bytesOf("014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80"));
const HEVC = parseHvcC(
	bytesOf(
		"0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a1000100" +
			"2a42010101600000030090000003000003003ca00a480b9c9596566924caf0168080000003008000000c84a2000100074401c172b46240",
	),
);
const AV1 = parseAv1C(bytesOf("81000c000a0b000000043d06d402f80040"));

/** One codec's pieces, so that one table of tests serves all three. */
interface Pieces {
	readonly config: VideoConfig;
	readonly delimiter: Uint8Array;
	readonly key: Uint8Array;
	readonly other: Uint8Array;
	/** A set that takes the place of `config`'s own, and one that `config` then has. */
	readonly fresh: Uint8Array;
	readonly join: (parts: readonly Uint8Array[]) => Uint8Array;
}

const obu = (type: number, ...payload: number[]): Uint8Array =>
	Uint8Array.of((type << 3) | 2, ...leb128(payload.length), ...payload);
const concat = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const changed = (set: Uint8Array, at: number, value: number): Uint8Array =>
	set.map((byte, i) => (i === at ? value : byte));

const PIECES: Readonly<Record<VideoCodec, Pieces>> = {
	h264: {
		config: H264,
		delimiter: Uint8Array.of(9, 0xf0),
		key: Uint8Array.of(0x65, 1, 2),
		other: Uint8Array.of(0x41, 3),
		fresh: changed(H264.pps[0]!, 3, 0x81),
		join: joinLengthPrefixed,
	},
	hevc: {
		config: HEVC,
		delimiter: Uint8Array.of(0x46, 1, 0x50),
		key: Uint8Array.of(0x26, 1, 7),
		other: Uint8Array.of(0x02, 1, 8),
		fresh: changed(HEVC.pps[0]!, 6, 0x41),
		join: joinLengthPrefixed,
	},
	av1: {
		config: AV1,
		delimiter: obu(OBU_TEMPORAL_DELIMITER),
		key: obu(OBU_FRAME, 0x10, 5),
		other: obu(OBU_FRAME, 0x30, 6),
		fresh: changed(AV1.sequenceHeader, 8, 0xd5),
		join: concat,
	},
};

describe.each(["h264", "hevc", "av1"] as const)("a picture of %s", (codec) => {
	const { config, delimiter, key, other, fresh, join } = PIECES[codec];
	const sets = parameterSetsOf(config);

	it("is left without delimiter and known sets, in the memory in which it came", () => {
		const payload = join([delimiter, ...sets, key, other]);
		const taken = takePicture(payload, config);
		expect(taken).toEqual({ data: join([key, other]), key: true });
		expect(taken.data.buffer).toBe(payload.buffer);
		expect(takePicture(join([delimiter, other]), config)).toEqual({ data: join([other]), key: false });
	});

	it("that is a key picture brings what is new of its sets", () => {
		const taken = takePicture(join([fresh, key]), config);
		expect(taken).toMatchObject({ data: join([key]), key: true });
		const now = parameterSetsOf(taken.config!);
		expect(now).toHaveLength(sets.length);
		expect(now).toContainEqual(fresh);
	});

	it("that is none keeps new sets in front of it, and loses known ones", () => {
		expect(takePicture(join([fresh, other]), config)).toEqual({ data: join([fresh, other]), key: false });
		expect(takePicture(join([...sets, other]), config)).toEqual({ data: join([other]), key: false });
	});

	it("may be missing: sets alone are a configuration when they say something new", () => {
		expect(takePicture(join([delimiter, ...sets]), config)).toEqual({ data: new Uint8Array(), key: false });
		const { config: next, data } = takePicture(join([fresh]), config);
		expect(data).toHaveLength(0);
		expect(parameterSetsOf(next!)).toContainEqual(fresh);
	});

	it("can be the first thing that is known, if it brings all sets", () => {
		const taken = takePicture(join([...sets, key]), codec);
		expect(taken).toEqual({ data: join([key]), key: true, config });
		expect(takePicture(join([key]), codec)).toEqual({ data: join([key]), key: true });
		if (sets.length > 1) expect(takePicture(join([sets[0]!, key]), codec).config).toBeUndefined();
	});

	it("brings sets that outlive the payload, also where that is a Buffer", () => {
		const payload = Buffer.from(join([...sets, key]));
		const { config: next } = takePicture(payload, codec);
		payload.fill(0);
		expect(next).toEqual(config);
	});

	it("of any bytes throws nothing but STREAM_UNSUPPORTED", () => {
		const part = fc.oneof(
			fc.constantFrom(delimiter, key, other, fresh, ...sets),
			fc.uint8Array({ minLength: 1, maxLength: 20 }),
		);
		const payloads = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.array(part, { maxLength: 6 }).map(join));
		fc.assert(
			fc.property(payloads, fc.boolean(), (payload, isKnown) =>
				onlyPenstockErrors(() => takePicture(payload, isKnown ? config : codec)),
			),
			{ numRuns: 2_000 },
		);
	});
});

describe("parameter sets", () => {
	it("without end are refused", () => {
		const many = Array.from({ length: 300 }, (_, i) => Uint8Array.of(0x68, i >> 8, i & 0xff));
		expect(() => takePicture(joinLengthPrefixed([...many, PIECES.h264.key]), H264)).toThrow(
			/^STREAM_UNSUPPORTED: 300 parameter sets of 900 bytes in all are too many/,
		);
		const large = Uint8Array.from({ length: 66_000 }, (_, i) => (i === 0 ? 0x68 : 0x81));
		expect(() => takePicture(joinLengthPrefixed([large]), H264)).toThrow(/1 parameter sets of 66000 bytes in all/);
	});

	it("that come one by one do not add up without bound", () => {
		let known: VideoConfig = H264;
		const add = (): void => {
			for (let id = 0; id < 256; id++) {
				// pic_parameter_set_id as Exp-Golomb: eight zeros, then id + 1 in nine bits.
				const bits = (id + 1).toString(2);
				const code = `${"0".repeat(bits.length - 1)}${bits}`.padEnd(24, "1");
				const head = [0, 8, 16].map((at) => Number.parseInt(code.slice(at, at + 8), 2));
				const set = Uint8Array.from([0x68, ...head, ...new Array<number>(400).fill(0x55)]);
				known = takePicture(joinLengthPrefixed([set]), known).config ?? known;
			}
		};
		expect(add).toThrow(/^STREAM_UNSUPPORTED: \d+ parameter sets of 65\d{3} bytes in all are too many/);
	});

	it("with an id that there is not are refused", () => {
		const set = Uint8Array.of(0x68, 0, 0x01, 0xff, 0xff);
		expect(() => takePicture(joinLengthPrefixed([set]), H264)).toThrow(/an id beyond all that there are/);
	});

	it("come in the order in which a decoder needs them", () => {
		expect(parameterSetsOf(H264).map(nalType)).toEqual([7, 8]);
		expect(parameterSetsOf(HEVC).map(hevcNalType)).toEqual([32, 33, 34]);
		expect(parameterSetsOf(AV1)).toEqual([AV1.sequenceHeader]);
	});
});

describe("a temporal unit of AV1", () => {
	it("whose last OBU has no size gets one", () => {
		const bare = Uint8Array.of(OBU_FRAME << 3, 0x30, 1, 2);
		const { data } = takePicture(concat([PIECES.av1.delimiter, obu(OBU_METADATA, 4), bare]), AV1);
		expect(data).toEqual(concat([obu(OBU_METADATA, 4), obu(OBU_FRAME, 0x30, 1, 2)]));
	});

	it.each([
		["a key frame that is shown, its header apart", obu(OBU_FRAME_HEADER, 0x10), true],
		["a key frame that is not shown", obu(OBU_FRAME, 0x00), false],
		["an intra-only frame", obu(OBU_FRAME, 0x50), false],
		["a frame shown again", obu(OBU_FRAME_HEADER, 0x90), false],
	])("with %s", (_, frame, key) => {
		expect(takePicture(frame, AV1).key).toBe(key);
	});
});

describe("a real encode", () => {
	it("of x265 has a configuration at its key pictures and leaves nothing but pictures", async () => {
		const x265 = "log-level=none:keyint=3:min-keyint=3:bframes=0:open-gop=0:repeat-headers=1:aud=1";
		const stream = await tinyFile("hevc", "192x128", ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", x265]);
		const pictures: Uint8Array[][] = [];
		for (const nal of splitAnnexB(stream)) {
			if (hevcNalType(nal) === HEVC_NAL_AUD) pictures.push([]);
			pictures.at(-1)!.push(nal);
		}
		let known: VideoConfig | VideoCodec = "hevc";
		const seen = pictures.map((nals) => {
			const { data, key, config } = takePicture(joinLengthPrefixed(nals), known);
			known = config ?? known;
			expect(splitLengthPrefixed(data).every((nal) => ![NAL_AUD, HEVC_NAL_SPS].includes(hevcNalType(nal)))).toBe(true);
			return `${key ? "key" : "-"}${config === undefined ? "" : ` ${config.codecString} ${config.width}x${config.height}`}`;
		});
		expect(seen).toEqual(["key hvc1.1.6.L30.90 192x128", "-", "-", "key", "-", "-"]);
	});

	it("of SVT-AV1 has a configuration at its first key frame and no delimiter left", async () => {
		const stream = await tinyFile("obu", "192x128", ["-c:v", "libsvtav1", "-preset", "12", "-g", "3"]);
		const units: Uint8Array[][] = [];
		for (const { type, bytes } of splitObus(stream)) {
			if (type === OBU_TEMPORAL_DELIMITER) units.push([]);
			units.at(-1)!.push(bytes);
		}
		let known: VideoConfig | VideoCodec = "av1";
		const configs: VideoConfig[] = [];
		const keys = units.map((obus) => {
			const { data, key, config } = takePicture(concat(obus), known);
			known = config ?? known;
			if (config !== undefined) configs.push(config);
			const types = splitObus(data).map(({ type }) => type);
			expect(types).not.toContain(OBU_TEMPORAL_DELIMITER);
			expect(types).not.toContain(OBU_SEQUENCE_HEADER);
			return key;
		});
		expect(configs).toMatchObject([{ codec: "av1", width: 192, height: 128 }]);
		expect(keys).toEqual([true, false, false, true, false, false]);
	});
});
