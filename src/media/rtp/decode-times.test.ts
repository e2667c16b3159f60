import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runToEnd } from "../../../test/kit/processes.ts";
import { makeTempDir } from "../../../test/kit/temp-dir.ts";
import type { VideoConfig } from "../access-unit.ts";
import { MpegTsReader } from "../mpegts/reader.ts";
import { DecodeTimes } from "./decode-times.ts";
import { reorderDepthOf } from "./reorder-depth.ts";

test("without pictures out of order, a picture is decoded when it is shown", () => {
	const times = new DecodeTimes();
	for (const pts of [90_000, 93_600, 97_200]) expect(times.next(pts)).toEqual({ pts, dts: pts });
});

test("with two pictures out of order, decoding times are the times shown, in order, two pictures before", () => {
	const times = new DecodeTimes();
	times.expect(2);
	const shown = [0, 4, 2, 1, 3, 8, 6, 5, 7].map((n) => 100_000 + n * 3600);
	const seen = shown.map((pts) => times.next(pts));
	expect(seen.map(({ pts }) => pts)).toEqual(shown);
	expect(seen.slice(2).map(({ dts }) => (dts - 100_000) / 3600)).toEqual([0, 1, 2, 3, 4, 5, 6]);
	for (const { pts, dts } of seen) expect(dts).toBeLessThanOrEqual(pts);
});

test("times grow and never pass what is shown, whatever comes", () => {
	fc.assert(
		fc.property(fc.nat(20), fc.array(fc.integer({ min: 0, max: 300_000 })), (depth, shown) => {
			const times = new DecodeTimes();
			times.expect(depth);
			let last = Number.NEGATIVE_INFINITY;
			for (const pts of shown) {
				const { pts: given, dts } = times.next(pts);
				expect(dts).toBeGreaterThan(last);
				expect(dts).toBeLessThanOrEqual(given);
				last = dts;
			}
		}),
	);
});

test("a depth that nobody said is learnt from the first picture out of order, and holds from then on", () => {
	const times = new DecodeTimes();
	const gop = (start: number): number[] => [0, 3, 1, 2].map((n) => start + n * 3600);
	const moved = [...gop(100_000), ...gop(114_400), ...gop(128_800), ...gop(143_200)].map(
		(pts) => times.next(pts).pts - pts,
	);
	expect(moved.slice(0, 4).some((by) => by > 0)).toBe(true);
	expect(moved.slice(8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
});

test("times that stand still teach nothing", () => {
	const times = new DecodeTimes();
	for (let i = 0; i < 10; i++) times.next(90_000);
	expect(times.next(180_000)).toEqual({ pts: 180_000, dts: 180_000 });
});

/** What an encoder of FFmpeg writes, as our reader of transport streams gives it: with its own decoding times. */
async function encoded(coder: readonly string[]) {
	const file = join(makeTempDir("reorder"), "a.ts");
	const source = ["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=2"];
	const ended = await runToEnd("ffmpeg", [...source, "-pix_fmt", "yuv420p", ...coder, "-f", "mpegts", file]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	const times: { pts: number; dts: number }[] = [];
	let config: VideoConfig | undefined;
	const reader = new MpegTsReader({
		accessUnit: ({ pts, dts }) => times.push({ pts, dts }),
		decodeInformation: ({ video }) => {
			config = video;
		},
	});
	reader.push(readFileSync(file));
	reader.end();
	return { config: config!, times };
}

const X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"];
describe.for([
	["x264 without B-frames", ["-c:v", "libx264", "-bf", "0"], 0],
	["x264, zero latency", ["-c:v", "libx264", "-tune", "zerolatency"], 0],
	["x264, one B-frame", ["-c:v", "libx264", "-bf", "1"], 1],
	["x264, a pyramid of B-frames", ["-c:v", "libx264", "-bf", "3", "-b_strategy", "0"], 2],
	[
		"x264, High 4:4:4, with HRD",
		["-c:v", "libx264", "-b:v", "200k", "-maxrate", "200k", "-bufsize", "200k", "-nal-hrd", "cbr"],
		2,
	],
	["x265 without B-frames", [...X265, "log-level=none:bframes=0"], 0],
	["x265 with B-frames", [...X265, "log-level=none:bframes=3:b-adapt=0:b-pyramid=1"], 2],
] as const)("%s", ([, coder, depth]) => {
	test(`says ${depth} pictures out of order, and is decoded in the same steps as it was encoded`, async () => {
		const { config, times } = await encoded(coder);
		expect(reorderDepthOf(config)).toBe(depth);
		const decode = new DecodeTimes();
		decode.expect(depth);
		const seen = times.map(({ pts }) => decode.next(pts));
		expect(seen.map(({ pts }) => pts)).toEqual(times.map(({ pts }) => pts));
		// The first ones are reckoned.
		expect(seen.slice(depth)).toEqual(times.slice(depth));
	});
});
