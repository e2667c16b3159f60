/**
 * The MPEG-TS writer before independent witnesses: real encodes of one programme in three sizes are read from
 * FFmpeg's own transport streams, written by our writer with another rendition in every unit, and judged by FFmpeg,
 * ffprobe, GStreamer, VLC and mpv. No server in between: what fails here is the writer or the reader.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { runToEnd } from "../kit/processes.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import {
	accessUnitsOf,
	allocate,
	FRAMES,
	GOP,
	makeRenditions,
	switching,
	UNITS,
	type WrittenUnit,
	writeResponse,
	writeUnit,
} from "../kit/switching-units.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";

const write = (unit: WrittenUnit, closing = true): Uint8Array => writeUnit(mpegTs, unit, closing);

function save(name: string, ...parts: Uint8Array[]): string {
	const path = join(makeTempDir("mpegts"), name);
	writeFileSync(path, Buffer.concat(parts));
	return path;
}

/** How often FFmpeg's demuxer finds a continuity counter wrong; it says so only when asked for everything. */
async function continuityFailures(path: string): Promise<number> {
	const args = ["-nostdin", "-v", "debug", "-i", path, "-map", "0", "-c", "copy", "-f", "null", "-"];
	const ended = await runToEnd("ffmpeg", args, { keepBytes: 2 ** 26 });
	expect(ended.code).toBe(0);
	expect(ended.stderr).toMatch(/Opening|probe/i);
	return ended.stderr.split("Continuity check failed").length - 1;
}

describe.each([
	["without B-frames", 0],
	["with B-frames, PTS apart from DTS", 2],
])("three renditions %s, another one in every unit", (_, bFrames) => {
	let units: WrittenUnit[];
	let renditions: WrittenUnit[][];
	let file: string;

	beforeAll(async () => {
		renditions = await makeRenditions({ bFrames });
		units = switching(renditions);
		file = save("switching.ts", writeResponse(mpegTs, units));
	});

	test("FFmpeg's own transport streams were read whole: all renditions aligned, large pictures among them", () => {
		for (const rendition of renditions) {
			expect(rendition.length).toBe(UNITS);
			expect(rendition.map(({ head }) => head.time)).toEqual(renditions[0]!.map(({ head }) => head.time));
		}
		const pictures = accessUnitsOf(units, "video");
		expect(pictures.length).toBe(FRAMES);
		expect(pictures.some(({ data }) => data.length > 0xffff)).toBe(true);
		expect(pictures.some(({ pts, dts }) => pts !== dts)).toBe(bFrames > 0);
	});

	test("FFmpeg decodes every frame once, in order, and all of the audio, without a warning", async () => {
		const seen = await readCounters(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
		const decoded = await runToEnd("ffmpeg", [
			"-nostdin",
			"-v",
			"warning",
			"-i",
			file,
			"-map",
			"0:a",
			"-f",
			"null",
			"-",
		]);
		expect([decoded.code, decoded.stderr]).toEqual([0, ""]);
	});

	test("ffprobe reads the PTS and DTS that were written, of every access unit", async () => {
		const { packets, warnings } = await ffprobePackets(file);
		expect(warnings).toEqual([]);
		for (const track of ["video", "audio"] as const) {
			const written = accessUnitsOf(units, track);
			const times = packets.filter((packet) => packet.track === track);
			expect(times.map(({ pts }) => pts)).toEqual(written.map(({ pts }) => pts));
			expect(times.map(({ dts }) => dts)).toEqual(written.map(({ dts }) => dts));
			expect(times.map(({ key }) => key)).toEqual(written.map(({ key }) => key));
		}
	});

	test("GStreamer (tsparse and tsdemux) decodes every frame once, in order, without a warning", async () => {
		const seen = await gstreamerDecode(file, { demuxer: "tsparse ! tsdemux" });
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("VLC decodes every frame once, in order, without a warning", async () => {
		const seen = await vlcDecode(file);
		expect(seen.warnings).toEqual([]);
		// The last one too, which VLC else keeps to itself: the padding that closes the unit ends it.
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("mpv decodes every frame once, in order, without a warning", async () => {
		const seen = await mpvDecode(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("FFmpeg's demuxer finds every continuity counter right; where the units are not closed, it does not", async () => {
		expect(await continuityFailures(file)).toBe(0);
		const open = save("open.ts", ...units.map((unit) => write(unit, false)));
		expect(await continuityFailures(open)).toBeGreaterThan(UNITS);
	});

	test("a viewer moved over a hole meets no corruption: the jump is announced", async () => {
		const [before, after] = [units.slice(0, 5), units.slice(11, 16)];
		const half = { ...units[5]!, accessUnits: units[5]!.accessUnits.slice(0, 9) };
		const hole = mpegTs.hole(after[0]!.head, allocate)!;
		const parts = (bridge: Uint8Array): Uint8Array[] => [
			...before.map((unit) => write(unit)),
			write(half, false),
			bridge,
			...after.map((unit) => write(unit)),
		];
		const pictures = 5 * GOP + half.accessUnits.filter(({ track }) => track === "video").length;
		const path = save("hole.ts", ...parts(hole));
		const [ffmpeg, gstreamer, vlc] = [await readCounters(path), await gstreamerDecode(path), await vlcDecode(path)];
		for (const seen of [ffmpeg, gstreamer]) {
			const counters = seen.counters.map(({ counter }) => counter);
			expect(counters.filter((counter) => counter >= 11 * GOP)).toEqual(Array.from({ length: 50 }, (_, i) => 110 + i));
			expect(counters.length).toBe(pictures + 50);
			expect(seen.counters.every(({ checksumOk }) => checksumOk)).toBe(true);
		}
		expect(ffmpeg.warnings).toEqual([]);
		expect(await continuityFailures(path)).toBe(0);
		// GStreamer tells of the hole in time, and does not look at discontinuity_indicator in PSI.
		expect(gstreamer.warnings.filter((line) => !/GAP detected|section discontinuity/.test(line))).toEqual([]);
		// VLC tells of each discontinuity_indicator that it obeys; its PSI decoder does not obey it, and starts afresh.
		const told = /discontinuity indicator \(pid=|PSI decoder\): TS discontinuity .* for PID (0|4096)$/;
		expect(vlc.warnings.filter((line) => !told.test(line))).toEqual([]);
		expect(vlc.counters.every(({ checksumOk }) => checksumOk)).toBe(true);
		expect(await continuityFailures(save("no-hole.ts", ...parts(new Uint8Array(0))))).toBeGreaterThan(0);
	});
});
