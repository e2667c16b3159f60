/**
 * The FLV writer before independent witnesses: real encodes of one programme in three sizes, written by our writer with
 * another rendition in every unit, and judged by FFmpeg, ffprobe, GStreamer, VLC and mpv. No server in between: what
 * fails here is the writer. Beside them our own reader, which must find what was written.
 *
 * Enhanced FLV (HEVC, AV1, Opus) has no witness here: the players of Debian 12 are older than it.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { flv } from "../../src/media/flv/flv.ts";
import { FlvReader } from "../../src/media/flv/reader.ts";
import type { UnitStart } from "../../src/media/stream-reader.ts";
import { makeClip } from "../kit/media-maker.ts";
import { runToEnd } from "../kit/processes.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import {
	accessUnitsOf,
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

/** To the nearest millisecond: as close as FLV says a time. */
const ms = (ticks: number): number => Math.round(ticks / 90);

/** FFmpeg takes the script tags that name units for a third stream, of which it knows no decoder. ffprobe says so. */
const FFPROBE_WORDS = ["Unsupported codec with id 0 for input stream 2"];
/** VLC, asked for its every thought: that it does nothing with the third stream. */
const VLC_WORDS = ["avformat demux warning: unsupported track type (2:0) in avformat demux"];
const withoutAddress = (line: string): string => line.replace(/^\[[0-9a-f]+\] /, "");

/** GStreamer reads a file's end as one more tag, of which it finds no byte; it says so of anybody's FLV. */
const GSTREAMER_AT_END = /flvdemux .*failed when pulling 4 bytes from offset \d+: eos/;

function save(name: string, ...parts: Uint8Array[]): string {
	const path = join(makeTempDir("flv"), name);
	writeFileSync(path, Buffer.concat(parts));
	return path;
}

/** What FFmpeg decodes of the sound, and what it says to it. */
async function soundOf(path: string): Promise<{ digest: string; samples: number; words: string }> {
	const digest = createHash("sha256");
	let bytes = 0;
	const ended = await runToEnd(
		"ffmpeg",
		["-nostdin", "-v", "warning", "-i", path, "-map", "0:a", "-c:a", "pcm_s16le", "-f", "s16le", "-"],
		{
			onStdout: (pcm) => {
				digest.update(pcm);
				bytes += pcm.length;
			},
		},
	);
	expect(ended.code).toBe(0);
	return { digest: digest.digest("hex"), samples: bytes / 2, words: ended.stderr };
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
		file = save("switching.flv", writeResponse(flv, units));
	});

	test("FFmpeg decodes every frame once, in order, without a warning", async () => {
		const seen = await readCounters(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("FFmpeg decodes the sound of 23 switches to the very samples of a stream that says its header once", async () => {
		const head = { ...units[0]!.head, decode: { audio: units[0]!.head.decode.audio! } };
		const plain = await soundOf(
			save("once.flv", writeResponse(flv, [{ head, accessUnits: accessUnitsOf(units, "audio") }])),
		);
		const switched = await soundOf(file);
		expect(switched).toEqual(plain);
		expect(switched.samples).toBe(accessUnitsOf(units, "audio").length * 1024);
		expect(switched.words).toBe("");
	});

	test("ffprobe reads the PTS and DTS that were written, to the millisecond, of every access unit", async () => {
		const { packets, warnings } = await ffprobePackets(file);
		expect(warnings).toEqual(FFPROBE_WORDS);
		for (const [streamIndex, track] of (["video", "audio"] as const).entries()) {
			const written = accessUnitsOf(units, track);
			const read = packets.filter((packet) => packet.track === track);
			expect(read.map(({ pts }) => pts)).toEqual(written.map(({ pts }) => ms(pts)));
			expect(read.map(({ dts }) => dts)).toEqual(written.map(({ dts }) => ms(dts)));
			expect(read.map(({ key }) => key)).toEqual(written.map(({ key }) => key));
			expect(new Set(read.map((packet) => packet.streamIndex))).toEqual(new Set([streamIndex]));
		}
		// What names the units is a third stream to FFmpeg, which nothing takes unless it is asked to.
		expect(packets.filter(({ track }) => track === "data").map(({ pts }) => pts)).toEqual(
			units.map(({ accessUnits }) => ms(accessUnits[0]!.dts)),
		);
	});

	test("GStreamer (flvdemux) decodes every frame once, in order, without a warning", async () => {
		const seen = await gstreamerDecode(file, { demuxer: "flvdemux" });
		expect(seen.warnings.filter((line) => !GSTREAMER_AT_END.test(line))).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("VLC decodes every frame once, in order, without a warning", async () => {
		const seen = await vlcDecode(file);
		expect(seen.warnings.map(withoutAddress)).toEqual(VLC_WORDS);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("mpv decodes every frame once, in order, without a warning", async () => {
		const seen = await mpvDecode(file);
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("a viewer moved over a hole meets no corruption, though nothing announces the jump", async () => {
		const [before, after] = [units.slice(0, 5), units.slice(11, 16)];
		const half = { ...units[5]!, accessUnits: units[5]!.accessUnits.slice(0, 9) };
		const pictures = [...before, half].reduce((sum, unit) => sum + accessUnitsOf([unit], "video").length, 0);
		const parts = after.map((unit) => writeUnit(flv, unit));
		const path = save("hole.flv", writeResponse(flv, before), writeUnit(flv, half), ...parts);
		for (const seen of [
			await readCounters(path),
			await gstreamerDecode(path, { demuxer: "flvdemux" }),
			await vlcDecode(path),
		]) {
			const counters = seen.counters.map(({ counter }) => counter);
			expect(counters.filter((counter) => counter >= 11 * GOP)).toEqual(Array.from({ length: 50 }, (_, i) => 110 + i));
			expect(counters.length).toBe(pictures + 50);
			expect(seen.counters.every(({ checksumOk }) => checksumOk)).toBe(true);
			const words = seen.warnings.filter((line) => !GSTREAMER_AT_END.test(line)).map(withoutAddress);
			expect(words.filter((line) => !VLC_WORDS.includes(line))).toEqual([]);
		}
	});

	test("our own reader finds every access unit, each switch with its name, and the decode information of each", () => {
		const accessUnits: AccessUnit[] = [];
		const starts: UnitStart[] = [];
		const decodes: DecodeInformation[] = [];
		const reader = new FlvReader({
			accessUnit: (accessUnit) => accessUnits.push(accessUnit),
			unitStart: (start) => starts.push(start),
			decodeInformation: (decode) => decodes.push(decode),
		});
		reader.push(writeResponse(flv, units));
		reader.end();
		expect([reader.faults, reader.heldBytes]).toEqual([0, 0]);
		expect(accessUnits.length).toBe(units.reduce((sum, unit) => sum + unit.accessUnits.length, 0));
		expect(accessUnits.map(({ data }) => data.length)).toEqual(
			units.flatMap((unit) => unit.accessUnits.map(({ data }) => data.length)),
		);
		expect(starts).toEqual(
			units.map(({ head: { number, rendition, time } }) => ({ number, rendition, time: ms(time) * 90 })),
		);
		expect(decodes.map(({ video }) => video?.width)).toEqual(units.map(({ head }) => head.decode.video?.width));
		expect(decodes.length).toBe(UNITS);
	});
});

test("our own reader reads FFmpeg's FLV: every packet that ffprobe sees, at its time, a unit at each key picture", async () => {
	const path = await makeClip({ container: "flv", audio: true, bFrames: 2, gopFrames: 15 });
	const accessUnits: AccessUnit[] = [];
	const starts: number[] = [];
	const reader = new FlvReader({
		accessUnit: (accessUnit) => accessUnits.push(accessUnit),
		unitStart: ({ time, ...name }) => {
			starts.push(time / 90);
			expect(name).toEqual({});
		},
	});
	reader.push(readFileSync(path));
	reader.end();
	expect(reader.faults).toBe(0);
	const { packets } = await ffprobePackets(path);
	for (const track of ["video", "audio"]) {
		const [mine, theirs] = [accessUnits, packets].map((list) => list.filter((one) => one.track === track));
		expect(mine!.map(({ pts }) => pts! / 90)).toEqual(theirs!.map(({ pts }) => pts));
		expect(mine!.map(({ dts }) => dts! / 90)).toEqual(theirs!.map(({ dts }) => dts));
		expect(mine!.map(({ key }) => key)).toEqual(theirs!.map(({ key }) => key));
		expect(mine!.length).toBeGreaterThan(100);
	}
	expect(starts).toEqual(accessUnits.filter(({ track, key }) => track === "video" && key).map(({ pts }) => pts / 90));
	expect(starts.length).toBe(8);
});
