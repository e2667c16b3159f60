/**
 * The forms of MPEG-TS beside H.264 with AAC, before independent witnesses: HEVC with Opus in three renditions, another
 * one in every unit, and channels of sound or of pictures alone. Encoded and multiplexed by FFmpeg, read by our reader,
 * written by our writer, and judged by FFmpeg, ffprobe, GStreamer, VLC and mpv.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { runToEnd } from "../kit/processes.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { judgeSound } from "../kit/sound-reader.ts";
import { SOUND_BITRATE_BPS, SOUND_RATE_HZ } from "../kit/sound-signal.ts";
import { ffmpegSound, gstreamerSound, mpvSound, type Sound, vlcSound } from "../kit/sound-witnesses.ts";
import {
	accessUnitsOf,
	GOP,
	type ReadClip,
	readClip,
	switching,
	UNITS,
	unitsOf,
	type WrittenUnit,
	writeResponse,
} from "../kit/switching-units.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { testSignalGraph } from "../kit/test-signal.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";

const SECONDS = (UNITS * GOP) / 30;
const SIZES = [
	[480, 270],
	[384, 216],
	[320, 180],
] as const;
/** GStreamer wants to be told the colours. */
const COLOURS = "colorprim=bt709:transfer=bt709:colormatrix=bt709";
const X265 = `log-level=none:keyint=${GOP}:min-keyint=${GOP}:scenecut=0:open-gop=0:bframes=2:pools=2:${COLOURS}`;
const HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-b:v", "600k", "-x265-params", X265];
const SOUND = ["-b:a", String(SOUND_BITRATE_BPS)];

/** FFmpeg's own transport stream of the test signal with its numbered sound. */
async function encode(size: readonly [number, number], encoders: readonly string[]): Promise<ReadClip> {
	const path = join(makeTempDir("clip"), "clip.ts");
	const [width, height] = size;
	const graph = testSignalGraph({ width, height, frameRate: 30, seconds: SECONDS, audio: "numbered" });
	const args = ["-v", "error", "-nostdin", "-f", "lavfi", "-i", graph, ...encoders, "-f", "mpegts", path];
	const ended = await runToEnd("ffmpeg", args, { timeoutMs: 120_000 });
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	return readClip(path);
}

function save(name: string, units: readonly WrittenUnit[]): string {
	const path = join(makeTempDir("mpegts", 0o755), name);
	writeFileSync(path, writeResponse(mpegTs, units));
	return path;
}

/** Every sample is where it belongs, and as many as were written, but for a decoder's first and last frames. */
function expectSound({ pcm, warnings }: Sound, bound: number): void {
	expect(warnings).toEqual([]);
	const { samples, broken } = judgeSound(pcm, { bound });
	expect(broken).toEqual([]);
	expect(Math.abs(samples - SECONDS * SOUND_RATE_HZ)).toBeLessThan(4096);
}

/** Bounds from what the encoders add: Opus does not keep the wave's form as AAC does at this bit rate. */
const AAC_BOUND = 0.004;
const OPUS_BOUND = 0.02;

describe("HEVC and Opus in three renditions, another one in every unit", () => {
	let units: WrittenUnit[];
	let file: string;

	beforeAll(async () => {
		const clips: ReadClip[] = [];
		for (const size of SIZES) clips.push(await encode(size, [...HEVC, "-c:a", "libopus", ...SOUND]));
		units = switching(unitsOf(clips, false));
		file = save("switching.ts", units);
	});

	test("FFmpeg's own transport stream was read: reordered pictures, two channels", () => {
		expect(accessUnitsOf(units, "video").length).toBe(UNITS * GOP);
		expect(accessUnitsOf(units, "video").some(({ pts, dts }) => pts !== dts)).toBe(true);
		expect(units[0]!.head.decode).toMatchObject({
			video: { codec: "hevc" },
			audio: { codec: "opus", channelCount: 2 },
		});
		expect(new Set(units.map(({ head: { decode } }) => decode.video?.width))).toEqual(new Set([480, 384, 320]));
	});

	test("FFmpeg decodes every frame once and every sample, without a warning", async () => {
		const seen = await readCounters(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: UNITS * GOP - 1 });
		expectSound(await ffmpegSound(file), OPUS_BOUND);
	});

	test("ffprobe finds the codecs, and the PTS and DTS of every access unit", async () => {
		const { packets, warnings } = await ffprobePackets(file);
		expect(warnings).toEqual([]);
		for (const track of ["video", "audio"] as const) {
			const times = packets.filter((packet) => packet.track === track);
			expect(times.map(({ pts, dts }) => [pts, dts])).toEqual(
				accessUnitsOf(units, track).map(({ pts, dts }) => [pts, dts]),
			);
		}
		const entries = ["-show_entries", "stream=codec_name,codec_tag_string,channels", "-of", "csv=p=0"];
		const { stdout } = await runToEnd("ffprobe", ["-v", "error", ...entries, file]);
		expect(stdout.trim().split("\n").slice(-2)).toEqual(["hevc,HEVC", "opus,Opus,2"]);
	});

	test("GStreamer decodes every frame once and every sample, without a warning", async () => {
		const leave = (caps: string): string => `demux. ! ${caps} ! queue ! fakesink async=false sync=false`;
		// What the kit decodes is H.264.
		const encoder = "x264enc tune=zerolatency speed-preset=ultrafast";
		const video = `tsdemux name=demux ${leave("audio/x-opus")} demux. ! queue ! h265parse ! avdec_h265 ! ${encoder}`;
		const seen = await gstreamerDecode(file, { demuxer: `tsparse ! ${video}` });
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: UNITS * GOP - 1 });
		const audio = `tsdemux name=demux ${leave("video/x-h265")} demux. ! queue`;
		expectSound(await gstreamerSound(file, `tsparse ! ${audio}`, "opusparse ! opusdec"), OPUS_BOUND);
	});

	test("mpv decodes every frame once and every sample, without a warning", async () => {
		const seen = await mpvDecode(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: UNITS * GOP - 1 });
		expectSound(await mpvSound(file), OPUS_BOUND);
	});

	test("VLC decodes every frame once and every sample, without a warning", async () => {
		const seen = await vlcDecode(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: UNITS * GOP - 1 });
		expectSound(await vlcSound(file), OPUS_BOUND);
	});
});

/** A channel of one track: units of ten pictures, or of the sound of 341 ms. */
function alone(clip: ReadClip, track: "video" | "audio"): WrittenUnit[] {
	const decode: DecodeInformation = { [track]: clip.decode[track]! };
	const groups: AccessUnit[][] = [];
	for (const accessUnit of clip.accessUnits.filter((one) => one.track === track)) {
		const opens = track === "video" ? accessUnit.key : (groups.at(-1)?.length ?? 16) === 16;
		if (opens) groups.push([]);
		groups.at(-1)!.push(accessUnit);
	}
	return groups.map((accessUnits, number) => {
		const times = { time: accessUnits[0]!.pts, pictureDuration: ticks90k(3000), accessUnitsBefore: 0 };
		return { head: { number, ...times, rendition: "r0", decode }, accessUnits };
	});
}

describe("a channel of one track", () => {
	let clip: ReadClip;

	beforeAll(async () => {
		const h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", String(GOP), "-sc_threshold", "0"];
		clip = await encode(SIZES[2], [...h264, "-c:a", "aac", ...SOUND]);
	});

	test("of sound alone is heard whole by FFmpeg, GStreamer, VLC and mpv, without a warning", async () => {
		const file = save("sound.ts", alone(clip, "audio"));
		expectSound(await ffmpegSound(file), AAC_BOUND);
		expectSound(await gstreamerSound(file, "tsparse ! tsdemux"), AAC_BOUND);
		expectSound(await vlcSound(file), AAC_BOUND);
		expectSound(await mpvSound(file), AAC_BOUND);
	});

	test("of pictures alone is seen whole by FFmpeg, GStreamer, VLC and mpv, without a warning", async () => {
		const file = save("pictures.ts", alone(clip, "video"));
		for (const decode of [readCounters, gstreamerDecode, vlcDecode, mpvDecode]) {
			const seen = await decode(file);
			expect(seen.warnings).toEqual([]);
			expectEveryFrameOnce(seen.counters, { from: 0, to: UNITS * GOP - 1 });
		}
	});
});
