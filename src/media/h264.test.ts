import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeClip } from "../../test/kit/media-maker.ts";
import { runToEnd } from "../../test/kit/processes.ts";
import { PenstockError } from "../base/errors.ts";
import {
	buildAvcC,
	h264Config,
	joinLengthPrefixed,
	NAL_IDR,
	NAL_PPS,
	NAL_SEI,
	NAL_SLICE,
	NAL_SPS,
	nalType,
	parseAvcC,
	splitAnnexB,
	splitLengthPrefixed,
} from "./h264.ts";

/** The decoder configuration record as x264 and FFmpeg wrote it into an MP4 file. */
function avcCOf(mp4: Buffer): Buffer {
	const type = mp4.indexOf("avcC", 0, "latin1");
	expect(type).toBeGreaterThan(0);
	return mp4.subarray(type + 4, type - 4 + mp4.readUInt32BE(type - 4));
}

/** One second of x264 with settings of the test's own, as a byte stream (Annex B) without a container. */
async function encode(size: string, pixels: string, ...x264: string[]): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	const source = ["-f", "lavfi", "-i", `testsrc=s=${size}:r=10:d=1`, "-pix_fmt", pixels];
	const ended = await runToEnd(
		"ffmpeg",
		["-v", "error", "-nostdin", ...source, "-c:v", "libx264", "-preset", "ultrafast", ...x264, "-f", "h264", "pipe:1"],
		{ onStdout: (bytes) => parts.push(bytes) },
	);
	expect(ended.stderr).toBe("");
	return Buffer.concat(parts);
}

/** Fails for any other error than ours: a parser that meets rubbish says so and does not crash. */
function onlyPenstockErrors(parse: () => unknown): void {
	try {
		parse();
	} catch (error) {
		if (!(error instanceof PenstockError)) throw error;
		expect(error.code).toBe("STREAM_UNSUPPORTED");
	}
}

describe("the decoder configuration record", () => {
	it.each([
		{ profile: "baseline", width: 320, height: 180, codecString: /^avc1\.42c0/ },
		{ profile: "main", width: 640, height: 360, codecString: /^avc1\.4d40/ },
		{ profile: "high", width: 854, height: 480, codecString: /^avc1\.6400/ },
		{ profile: "high", width: 1920, height: 1080, codecString: /^avc1\.6400/ },
	])("of x264, $profile, $width × $height, is read and built again byte for byte", async (made) => {
		const { profile, width, height } = made;
		const clip = { container: "mp4", profile, width, height, seconds: 0.2, frameRate: 10 } as const;
		const record = avcCOf(readFileSync(await makeClip(clip)));
		const config = parseAvcC(record);
		expect(config).toMatchObject({
			codec: "h264",
			width,
			height,
			codecString: expect.stringMatching(made.codecString),
		});
		expect(Buffer.from(buildAvcC(config))).toEqual(record);
		expect(config.sps.map(nalType)).toEqual([NAL_SPS]);
		expect(config.pps.map(nalType)).toEqual([NAL_PPS]);
	});

	it("keeps several parameter sets, and copies them out of the record", () => {
		const sps = Uint8Array.of(0x67, 0x42, 0xc0, 0x0c, 0xda, 0x05, 0x07, 0xe8, 0x40);
		const config = h264Config([sps, sps], [Uint8Array.of(0x68, 1), Uint8Array.of(0x68, 2)]);
		const record = buildAvcC(config);
		const again = parseAvcC(record);
		expect(again).toEqual(config);
		record.fill(0);
		expect(again).toEqual(config);
	});

	it("is refused where NAL lengths are not of four bytes, and where it is cut", async () => {
		const record = avcCOf(readFileSync(await makeClip({ container: "mp4", seconds: 0.2, frameRate: 10 })));
		const shortLengths = Uint8Array.from(record);
		shortLengths[4] = 0xfd;
		expect(() => parseAvcC(shortLengths)).toThrow(/^STREAM_UNSUPPORTED: NAL lengths of 2 bytes/);
		const setsEnd = 8 + record.readUInt16BE(6) + 1 + 2 + record.readUInt16BE(8 + record.readUInt16BE(6) + 1);
		for (let length = 0; length < setsEnd; length++) {
			expect(() => parseAvcC(record.subarray(0, length))).toThrow(/^STREAM_UNSUPPORTED: .*(cut short|0 PPS)/);
		}
	});

	it("of any bytes, or with any byte changed, throws nothing but STREAM_UNSUPPORTED", async () => {
		const record = avcCOf(readFileSync(await makeClip({ container: "mp4", seconds: 0.2, frameRate: 10 })));
		fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => onlyPenstockErrors(() => parseAvcC(bytes))));
		const change = fc.tuple(fc.nat(record.length - 1), fc.nat(255));
		fc.assert(
			fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
				const changed = Uint8Array.from(record);
				for (const [at, value] of changes) changed[at] = value;
				onlyPenstockErrors(() => buildAvcC(parseAvcC(changed)));
			}),
			{ numRuns: 2_000 },
		);
	});
});

describe("the sequence parameter set", () => {
	it.each([
		["1920x1080", "yuv420p", []],
		["1920x1080", "yuv420p", ["-x264-params", "interlaced=1"]],
		["1280x720", "yuv420p", []],
		["426x240", "yuv420p", []],
		["16x16", "yuv420p", []],
		["322x182", "yuv422p", []],
		["321x181", "yuv444p", []],
		["642x362", "yuv420p10le", []],
		["640x360", "yuv422p10le", []],
		["640x360", "yuv420p", ["-x264-params", "cqm=jvt:8x8dct=1"]],
	])("says %s, %s %j after cropping", async (size, pixels, x264) => {
		const nals = splitAnnexB(await encode(size, pixels, ...x264));
		const sets = (type: number): Uint8Array[] => nals.filter((nal) => nalType(nal) === type);
		const { width, height } = h264Config(sets(NAL_SPS).slice(0, 1), sets(NAL_PPS).slice(0, 1));
		expect(`${width}x${height}`).toBe(size);
	});

	it("is missed where there is none, or no picture parameter set", () => {
		expect(() => h264Config([], [Uint8Array.of(0x68)])).toThrow(/^STREAM_UNSUPPORTED: H.264 with 0 SPS and 1 PPS/);
		expect(() => h264Config([Uint8Array.of(0x67, 1, 2, 3, 4)], [])).toThrow(
			/^STREAM_UNSUPPORTED: H.264 with 1 SPS and 0 PPS/,
		);
	});

	it("of any bytes throws nothing but STREAM_UNSUPPORTED, and says no impossible size", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
				onlyPenstockErrors(() => {
					const { width, height } = h264Config([bytes], [Uint8Array.of(0x68)]);
					expect(Math.min(width, height)).toBeGreaterThanOrEqual(1);
					expect(Math.max(width, height)).toBeLessThanOrEqual(16_384);
				});
			}),
			{ numRuns: 2_000 },
		);
	});
});

describe("NAL units", () => {
	it("of a byte stream from x264 are found: parameter sets once a GOP, a slice a picture", async () => {
		const nals = splitAnnexB(await encode("320x180", "yuv420p", "-g", "5", "-x264-params", "sliced-threads=0"));
		const count = (type: number): number => nals.filter((nal) => nalType(nal) === type).length;
		expect([NAL_SPS, NAL_PPS, NAL_IDR, NAL_SLICE].map(count)).toEqual([2, 2, 2, 8]);
		expect(count(NAL_SEI)).toBeGreaterThan(0);
	});

	it("come back from length prefixes as they went in", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })), (nals) => {
				expect(splitLengthPrefixed(joinLengthPrefixed(nals))).toEqual(nals);
			}),
		);
	});

	it("come back from a byte stream, behind start codes of three bytes and of four", () => {
		// No zero bytes: an encoder escapes those that would look like a start code.
		const nal = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 40 });
		fc.assert(
			fc.property(fc.array(fc.tuple(nal, fc.nat(3))), (parts) => {
				const stream = parts.flatMap(([bytes, zeros]) => [...Array<number>(zeros).fill(0), 0, 0, 1, ...bytes]);
				expect(splitAnnexB(Uint8Array.from(stream)).map((found) => [...found])).toEqual(parts.map(([bytes]) => bytes));
			}),
		);
	});

	it("with zeros inside keep them, but for those at the end", () => {
		const stream = Uint8Array.of(9, 0, 0, 1, 0x65, 0, 0, 3, 0, 7, 0, 0, 0, 0, 1, 0x41, 5, 0);
		expect(splitAnnexB(stream).map((nal) => [...nal])).toEqual([
			[0x65, 0, 0, 3, 0, 7],
			[0x41, 5],
		]);
	});

	it("that claim more than there is are refused with both numbers", () => {
		expect(() => splitLengthPrefixed(Uint8Array.of(0, 0, 0, 9, 1, 2))).toThrow(
			/^STREAM_UNSUPPORTED: a NAL unit at byte 0 claims 9 bytes but the access unit has 2 left/,
		);
		expect(() => splitLengthPrefixed(Uint8Array.of(255, 255, 255, 255, 1))).toThrow(/claims 4294967295 bytes/);
	});

	it("are split from any bytes without a crash", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
				onlyPenstockErrors(() => splitLengthPrefixed(bytes));
				for (const nal of splitAnnexB(bytes)) expect(nal.length).toBeGreaterThan(0);
			}),
		);
	});
});
