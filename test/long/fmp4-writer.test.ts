/**
 * The fragmented MP4 writer before independent witnesses: real encodes of one programme in three sizes, written by our
 * writer with another rendition in every unit, and judged by FFmpeg, ffprobe, GStreamer, VLC, mpv and mp4box. Beside
 * them our own reader, which must find what was written, and what FFmpeg writes.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFile, type ISOFile, MP4BoxBuffer } from "mp4box";
import { beforeAll, describe, expect, test } from "vitest";
import { ticks90k } from "../../src/base/units.ts";
import { fmp4 } from "../../src/media/fmp4/fmp4.ts";
import { Fmp4Reader } from "../../src/media/fmp4/reader.ts";
import { parameterSetsOf } from "../../src/media/picture.ts";
import type { StreamSink } from "../../src/media/stream-reader.ts";
import { runToEnd } from "../kit/processes.ts";
import { messages, readAll, type Seen } from "../kit/reader-contract.ts";
import { readCounters } from "../kit/signal-reader.ts";
import { accessUnitsOf, UNITS, type WrittenUnit, writeResponse } from "../kit/switching-units.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";
import { describeWriter, expectWords, ffmpegDecode, overHole, save } from "../kit/writer-contract.ts";

/**
 * What FFmpeg's demuxer says, as a warning, to every `moov` but the first, which it passes over: FFmpeg prints it once,
 * with a count, ffprobe likewise; mpv has it under "verbose", which it does not show unless it is asked.
 */
const FFMPEG_WORD = /Found duplicated MOOV Atom\. Skipped it$|^Last message repeated \d+ times$/;
const FFMPEG_WORDS = [
	/Found duplicated MOOV Atom\. Skipped it$/,
	new RegExp(`^Last message repeated ${UNITS - 2} times$`),
];
/**
 * What VLC says under "warning", which it does not show unless it is asked (`-v`): once for each `emsg` and each table
 * that is empty, as all are in a fragmented file.
 */
const VLC_WORDS = /mp4 (stream|demux) warning: (unknown box type emsg|no chunk defined|STTS table of 0 entries)/;
/** As information, which it prints in a terminal: it expects that a channel is met at its very first fragment, as 0. */
const VLC_AT_START = /mp4 demux: Fragment sequence discontinuity detected 1 != 0$/;
/** The same of fragments that a viewer did not get. */
const VLC_OF_HOLES = /mp4 demux: Fragment sequence discontinuity detected \d+ != \d+$/;

const open = (sink: StreamSink): Fmp4Reader => new Fmp4Reader(sink);

/** A file as mp4box reads it. */
function parsed(bytes: Uint8Array): ISOFile {
	const file = createFile();
	file.onError = (_module, message) => expect.unreachable(message);
	file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(Uint8Array.from(bytes).buffer, 0));
	file.flush();
	return file;
}

function read(bytes: Uint8Array): Seen {
	const seen = readAll(open, bytes);
	expect(messages(seen)).toEqual([]);
	return seen;
}

describeWriter(
	{
		packaging: fmp4,
		open,
		tick: 1,
		wrap: Number.POSITIVE_INFINITY,
		tracksAhead: true,
		carriesPreSkip: true,
		// Nothing announces the jump over a hole.
		witnesses: {
			FFmpeg: { decode: readCounters, says: FFMPEG_WORDS, maySayOfHoles: FFMPEG_WORD, playsOverHoles: true },
			"GStreamer (qtdemux)": {
				decode: (path) => gstreamerDecode(path, { demuxer: "qtdemux" }),
				playsOverHoles: true,
			},
			VLC: {
				decode: vlcDecode,
				says: [VLC_AT_START],
				maySay: VLC_WORDS,
				maySayOfHoles: VLC_OF_HOLES,
				playsOverHoles: true,
			},
			mpv: { decode: mpvDecode, maySay: FFMPEG_WORD, playsOverHoles: true },
		},
		ffmpeg: { decoder: { maySay: FFMPEG_WORD }, probe: { maySay: FFMPEG_WORD } },
	},
	(made) => {
		test("mp4box finds in each unit the tracks, samples and event that were written", () => {
			for (const unit of made().units) {
				const { head, accessUnits } = unit;
				const bytes = writeResponse(fmp4, [unit]);
				const found = parsed(bytes);
				expect(found.boxes.map(({ type }) => type)).toEqual([
					...["ftyp", "moov", "emsg"],
					...accessUnits.flatMap(() => ["moof", "mdat"]),
				]);
				const video = head.decode.video!;
				const info = found.getInfo();
				expect(info.isFragmented).toBe(true);
				expect(
					info.videoTracks.map(({ id, codec, timescale, track_width, track_height }) => [
						id,
						codec,
						timescale,
						track_width,
						track_height,
					]),
				).toEqual([[1, video.codecString, 90_000, video.width, video.height]]);
				expect(info.audioTracks.map(({ id, codec, timescale, audio }) => [id, codec, timescale, audio])).toEqual([
					[2, "mp4a.40.2", 90_000, { sample_rate: 48_000, channel_count: 1, sample_size: 16 }],
				]);
				expect(found.boxes[2]).toMatchObject({
					scheme_id_uri: "urn:penstock:unit:1",
					value: head.rendition,
					id: head.number,
					timescale: 90_000,
					presentation_time: head.time,
				});
				for (const [id, track] of [
					[1, "video"],
					[2, "audio"],
				] as const) {
					const samples = found.getTrackSamplesInfo(id);
					const written = accessUnitsOf([unit], track);
					const sets = parameterSetsOf(video).reduce((sum, set) => sum + 4 + set.length, 0);
					expect(samples.map(({ dts, cts, is_sync, size }) => [dts, cts, is_sync, size])).toEqual(
						written.map(({ dts, pts, key, data }) => [
							dts,
							pts,
							key,
							data.length + (track === "video" && key ? sets : 0),
						]),
					);
					for (const [i, sample] of samples.entries()) {
						const data = Buffer.from(bytes.buffer, bytes.byteOffset + sample.offset, sample.size);
						expect(data.subarray(-written[i]!.data.length).equals(written[i]!.data)).toBe(true);
						// As long as it takes to the next one.
						const next = samples[i + 1];
						if (next !== undefined) expect(sample.dts + sample.duration).toBe(next.dts);
					}
				}
			}
		});

		test("ffprobe reads the PTS that were written where a viewer was moved over a hole", async () => {
			const { before, after } = overHole(made().units);
			const { packets } = await ffprobePackets(save("hole.mp4", writeResponse(fmp4, [...before, ...after])));
			expect(packets.filter(({ track }) => track === "video").map(({ pts }) => pts)).toEqual(
				accessUnitsOf([...before, ...after], "video").map(({ pts }) => pts),
			);
		});

		test.each(["video", "audio"] as const)("%s alone is decoded whole, without a word", async (track) => {
			const { units } = made();
			const decode = { [track]: units[0]!.head.decode[track] };
			const accessUnits = accessUnitsOf(units.slice(0, 1), track);
			const path = save(`${track}.mp4`, writeResponse(fmp4, [{ head: { ...units[0]!.head, decode }, accessUnits }]));
			const { bytes, words } = await ffmpegDecode(path, track);
			const { width, height } = units[0]!.head.decode.video!;
			expect(bytes).toBe(accessUnits.length * (track === "video" ? (width * height * 3) / 2 : 2048));
			expect(words).toEqual([]);
		});
	},
);

describe("other codecs, as FFmpeg's own fragmented MP4 brings them", () => {
	const HEVC = ["-c:v", "libx265", "-x265-params", "log-level=error:keyint=5:bframes=2:open-gop=0"];
	const AV1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-g", "5", "-row-mt", "0"];
	const H264 = ["-c:v", "libx264", "-bf", "2", "-g", "5", "-x264-params", "open-gop=0"];
	const KEY = "frag_keyframe+empty_moov+default_base_moof";
	const EVERY = "frag_every_frame+empty_moov";
	const DELAYED = "frag_keyframe+delay_moov+default_base_moof+negative_cts_offsets";

	describe.each([
		["H.264 and AAC, a fragment for each GOP", H264, "aac", KEY],
		["H.264 and AAC, a fragment for each frame, by absolute offsets", H264, "aac", EVERY],
		["H.264 and Opus, offsets below zero", H264, "libopus", DELAYED],
		["HEVC and Opus, a fragment for each GOP", HEVC, "libopus", KEY],
		["HEVC and AAC, a fragment for each frame, by absolute offsets", HEVC, "aac", EVERY],
		["AV1 and Opus, a fragment for each GOP, sequence headers in the samples alone", AV1, "libopus", KEY],
		["AV1 and AAC, the moov at its first fragment", AV1, "aac", DELAYED],
	])("%s", (_, video, audio, flags) => {
		let source: string;
		let bytes: Buffer;

		beforeAll(async () => {
			source = join(makeTempDir("fmp4"), "source.mp4");
			const inputs = ["testsrc2=s=192x128:r=30:d=0.6", "sine=frequency=440:sample_rate=48000:d=0.6"];
			const args = [
				"-hide_banner",
				"-v",
				"error",
				"-nostdin",
				...inputs.flatMap((graph) => ["-f", "lavfi", "-i", graph]),
			];
			const ended = await runToEnd("ffmpeg", [...args, ...video, "-c:a", audio, "-movflags", flags, source]);
			expect([ended.code, ended.stderr]).toEqual([0, ""]);
			bytes = readFileSync(source);
		});

		test("our reader finds what ffprobe finds, at 90 kHz", async () => {
			const { accessUnits, starts } = read(bytes);
			// Without edit lists, as the reader reads: they move a track as a whole.
			const args = [
				"-v",
				"error",
				"-ignore_editlist",
				"1",
				"-show_entries",
				"packet=codec_type,pts,dts:stream=time_base",
			];
			const { stdout } = await runToEnd("ffprobe", [...args, "-of", "json", source], { keepBytes: 2 ** 24 });
			const probed = JSON.parse(stdout) as {
				packets: { codec_type: string; pts: number; dts: number }[];
				streams: { time_base: string }[];
			};
			for (const [index, track] of (["video", "audio"] as const).entries()) {
				const timescale = Number(probed.streams[index]!.time_base.split("/")[1]);
				const ticks = (count: number): number => Math.round((count * 90_000) / timescale);
				const packets = probed.packets.filter(({ codec_type }) => codec_type === track);
				const mine = accessUnits.filter((unit) => unit.track === track);
				// Where offsets are below zero, FFmpeg moves presentation times up, and our reader decoding times back.
				const shift = video === H264 && flags === DELAYED && track === "video" ? 3000 : 0;
				expect(mine.map(({ pts, dts }) => [pts + shift, dts + shift])).toEqual(
					packets.map(({ pts, dts }) => [ticks(pts), ticks(dts)]),
				);
			}
			expect(starts.length).toBe(4);
		});

		test("our writer makes a stream of it that FFmpeg decodes to the same pictures and the same sound", async () => {
			const { accessUnits: found, decodes } = read(bytes);
			// On the clock of a channel, which begins above zero.
			const accessUnits = found.map((unit) => ({
				...unit,
				pts: ticks90k(unit.pts + 90_000),
				dts: ticks90k(unit.dts + 90_000),
			}));
			const decode = decodes.at(-1)!;
			const keys = accessUnits.filter(({ track, key }) => track === "video" && key);
			const units = keys.map((key, number): WrittenUnit => {
				const to = keys[number + 1] === undefined ? accessUnits.length : accessUnits.indexOf(keys[number + 1]!);
				const from = number === 0 ? 0 : accessUnits.indexOf(key);
				const mine = accessUnits.slice(from, to);
				const times = { time: key.pts, pictureDuration: ticks90k(3000), accessUnitsBefore: from };
				return { head: { number, ...times, rendition: "only", decode }, accessUnits: mine };
			});
			const path = save("ours.mp4", writeResponse(fmp4, units));
			for (const track of ["video", "audio"] as const) {
				const [theirs, ours] = [await ffmpegDecode(source, track), await ffmpegDecode(path, track)];
				expectWords(ours.words, { maySay: FFMPEG_WORD });
				expect({ ...ours, words: [] }).toEqual({ ...theirs, words: [] });
				expect(ours.bytes).toBeGreaterThan(30_000);
			}
			const { videoTracks, audioTracks } = parsed(writeResponse(fmp4, units.slice(0, 1))).getInfo();
			expect([videoTracks[0]!.codec, audioTracks[0]!.codec.toLowerCase()]).toEqual([
				decode.video!.codecString,
				decode.audio!.codecString,
			]);
		});
	});
});
