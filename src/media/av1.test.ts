import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxOf, onlyPenstockErrors, probeVideo, tinyFile } from "../../test/kit/tiny-encodes.ts";
import {
	av1Config,
	buildAv1C,
	leb128,
	OBU_PADDING,
	OBU_SEQUENCE_HEADER,
	parseAv1C,
	splitObus,
	withObuSize,
} from "./av1.ts";

/** Of SVT-AV1 1.4, 322 × 182, through FFmpeg 5.1. */
const RECORD = Buffer.from("81000c000a0b000000043d06d402f80040", "hex");

describe("the AV1 configuration record", () => {
	it.each([
		{ encoder: "libsvtav1", size: "322x182", pixels: "yuv420p", more: [], codecString: /^av01\.0\.\d\dM\.08$/ },
		{ encoder: "libsvtav1", size: "642x362", pixels: "yuv420p10le", more: [], codecString: /^av01\.0\.\d\dM\.10$/ },
		{ encoder: "libaom-av1", size: "322x182", pixels: "yuv420p", more: [], codecString: /^av01\.0\.\d\dM\.08$/ },
		{ encoder: "libaom-av1", size: "130x98", pixels: "yuv444p", more: [], codecString: /^av01\.1\.\d\dM\.08$/ },
		{ encoder: "libaom-av1", size: "130x98", pixels: "gray", more: [], codecString: /^av01\.0\.\d\dM\.08$/ },
		{ encoder: "libaom-av1", size: "130x98", pixels: "yuv422p12le", more: [], codecString: /^av01\.2\.\d\dM\.12$/ },
		{
			encoder: "libaom-av1",
			size: "130x98",
			pixels: "gbrp",
			more: ["-color_primaries", "bt709", "-color_trc", "iec61966-2-1", "-colorspace", "rgb"],
			codecString: /^av01\.1\.\d\dM\.08$/,
		},
	])("of $encoder, $size $pixels, is read as ffprobe reads it and built again byte for byte", async (made) => {
		const { encoder, size, pixels, more, codecString } = made;
		const speed = encoder === "libsvtav1" ? ["-preset", "12"] : ["-usage", "realtime", "-cpu-used", "8"];
		const file = await tinyFile("mp4", size, ["-pix_fmt", pixels, "-c:v", encoder, ...speed, ...more]);
		const record = boxOf(file, "av1C");
		const config = parseAv1C(record);
		const probed = await probeVideo(file);
		expect(probed).toMatchObject({ codec_name: "av1", width: config.width, height: config.height });
		expect(`${config.width}x${config.height}`).toBe(size);
		expect(config.codecString).toMatch(codecString);
		expect(Number(config.codecString.slice(7, 9))).toBe(probed.level);
		expect(["Main", "High", "Professional"].indexOf(probed.profile)).toBe(Number(config.codecString[5]));
		expect(Buffer.from(buildAv1C(config)).toString("hex")).toBe(record.toString("hex"));
	});

	it("without a sequence header, cut, or of another version is refused", () => {
		expect(parseAv1C(RECORD)).toMatchObject({ width: 322, height: 182, codecString: "av01.0.00M.08" });
		expect(() => parseAv1C(RECORD.subarray(0, 4))).toThrow(/^STREAM_UNSUPPORTED: .* has no sequence header/);
		expect(() => parseAv1C(Uint8Array.from([0x82, ...RECORD.subarray(1)]))).toThrow(/not of version 1/);
		for (let length = 0; length < RECORD.length; length++) {
			expect(() => parseAv1C(RECORD.subarray(0, length)), `${length} bytes`).toThrow(/^STREAM_UNSUPPORTED: /);
		}
	});

	it("with any bits changed throws nothing but STREAM_UNSUPPORTED", () => {
		const change = fc.array(fc.tuple(fc.nat(RECORD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
		fc.assert(
			fc.property(change, fc.nat(RECORD.length), (changes, length) => {
				const broken = Uint8Array.from(RECORD);
				for (const [at, value] of changes) broken[at] = value;
				onlyPenstockErrors(() => buildAv1C(parseAv1C(broken)));
				onlyPenstockErrors(() => parseAv1C(broken.subarray(0, length)));
			}),
			{ numRuns: 3_000 },
		);
	});
});

describe("a sequence header", () => {
	it("with timing, a decoder model and two operating points is read past them", () => {
		const bits = [
			...["000", "0", "0"], // profile 0, no still picture
			...["1", "1".repeat(32), "0".repeat(32), "1", "00101"], // timing, equal intervals, uvlc of 5
			...["1", "01001", "0".repeat(32), "01001", "01001"], // decoder model, delays of 10 bits
			...["1", "00001"], // display delay, two operating points
			...["000000000001", "01001", "1", "1", "0".repeat(21), "1", "0101"], // level 9, high tier
			...["000000000011", "00101", "0", "0"], // level 5 has no tier
			...["1000", "0111", "100111111", "10110100"], // 320 × 181
			...["0", "000", "0000", "1", "00", "1", "1", "110"], // tools
			...["000", "0", "0", "0", "0", "00"], // 8 bits, colour not described, position unknown
			...["0", "1"], // film grain, trailing bit
		].join("");
		const payload = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2));
		const config = av1Config(Uint8Array.of((OBU_SEQUENCE_HEADER << 3) | 2, payload.length, ...payload));
		expect(config).toMatchObject({ width: 320, height: 181, codecString: "av01.0.09H.08" });
	});

	it("that had no size gets one, and is a copy", () => {
		const sized = parseAv1C(RECORD).sequenceHeader;
		const bare = Uint8Array.from([sized[0]! & ~2, ...sized.subarray(2)]);
		const config = av1Config(bare);
		bare.fill(0);
		expect([...config.sequenceHeader]).toEqual([...sized]);
	});
});

describe("OBUs", () => {
	const obu = fc.record({
		type: fc.nat(15),
		extension: fc.option(fc.nat(255), { nil: undefined }),
		payload: fc.uint8Array({ maxLength: 300 }),
	});

	it("are split as they were joined, the last one with or without a size", () => {
		fc.assert(
			fc.property(fc.array(obu, { minLength: 1, maxLength: 6 }), fc.boolean(), (wanted, lastIsBare) => {
				const joined = wanted.flatMap(({ type, extension, payload }, i) => {
					const bare = lastIsBare && i === wanted.length - 1;
					const header = (type << 3) | (extension === undefined ? 0 : 4) | (bare ? 0 : 2);
					const size = bare ? [] : [...leb128(payload.length)];
					return [header, ...(extension === undefined ? [] : [extension]), ...size, ...payload];
				});
				const split = splitObus(Uint8Array.from(joined));
				expect(split.map(({ type, payload }) => ({ type, payload: [...payload] }))).toEqual(
					wanted.map(({ type, payload }) => ({ type, payload: [...payload] })),
				);
				const sized = splitObus(Uint8Array.from(split.flatMap((one) => [...withObuSize(one)])));
				expect(sized.map(({ hasSize }) => hasSize)).toEqual(wanted.map(() => true));
				expect(sized.map(({ payload }) => [...payload])).toEqual(wanted.map(({ payload }) => [...payload]));
			}),
		);
	});

	it("with sizes in more bytes than they need are read, and those of more than eight are refused", () => {
		const padded = Uint8Array.of((OBU_PADDING << 3) | 2, 0x82, 0x80, 0x00, 7, 8);
		expect(splitObus(padded).map(({ payload }) => [...payload])).toEqual([[7, 8]]);
		const endless = Uint8Array.of((OBU_PADDING << 3) | 2, ...new Array<number>(8).fill(0x80), 0);
		expect(() => splitObus(endless)).toThrow(/^STREAM_UNSUPPORTED: the OBU at byte 0 of an access unit of 10 bytes/);
	});

	it("of any bytes throw nothing but STREAM_UNSUPPORTED", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => onlyPenstockErrors(() => splitObus(bytes))),
			{ numRuns: 3_000 },
		);
	});
});
