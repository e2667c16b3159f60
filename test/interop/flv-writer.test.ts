/**
 * The FLV writer before independent witnesses: real encodes of one programme in three sizes, written by our writer with
 * another rendition in every unit, and judged by FFmpeg, ffprobe, GStreamer, VLC and mpv. Beside them our own reader,
 * which must find what was written, and what FFmpeg writes.
 *
 * Enhanced FLV (HEVC, AV1, Opus) has no witness here: the players of Debian 12 are older than it.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { flv } from "../../src/media/flv/flv.ts";
import { FLV_TIME_BITS, FlvReader } from "../../src/media/flv/reader.ts";
import type { StreamSink } from "../../src/media/stream-reader.ts";
import { makeClip } from "../kit/media-maker.ts";
import { readAll } from "../kit/reader-contract.ts";
import { readCounters } from "../kit/signal-reader.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";
import { describeWriter } from "../kit/writer-contract.ts";

/** FFmpeg takes the script tags that name units for a third stream, of which it knows no decoder. ffprobe says so. */
const FFPROBE_WORD = /^Unsupported codec with id 0 for input stream 2$/;
/** VLC, asked for its every thought: that it does nothing with the third stream. */
const VLC_WORD = /^(\[[0-9a-f]+\] )?avformat demux warning: unsupported track type \(2:0\) in avformat demux$/;
/** GStreamer reads a file's end as one more tag, of which it finds no byte; it says so of anybody's FLV. */
const GSTREAMER_AT_END = /flvdemux .*failed when pulling 4 bytes from offset \d+: eos/;

const open = (sink: StreamSink): FlvReader => new FlvReader(sink);

describeWriter(
	{
		packaging: flv,
		open,
		tick: 90,
		wrap: 90 * 2 ** FLV_TIME_BITS,
		tracksAhead: true,
		carriesPreSkip: true,
		// Nothing announces the jump over a hole.
		witnesses: {
			FFmpeg: { decode: readCounters, playsOverHoles: true },
			"GStreamer (flvdemux)": {
				decode: (path) => gstreamerDecode(path, { demuxer: "flvdemux" }),
				maySay: GSTREAMER_AT_END,
				playsOverHoles: true,
			},
			VLC: { decode: vlcDecode, says: [VLC_WORD], playsOverHoles: true },
			mpv: { decode: mpvDecode, playsOverHoles: true },
		},
		ffmpeg: { decoder: {}, probe: { says: [FFPROBE_WORD] } },
	},
	(made) => {
		test("what names the units is a third stream to FFmpeg, which nothing takes unless it is asked to", async () => {
			const { packets } = await ffprobePackets(made().file);
			for (const [index, track] of ["video", "audio", "data"].entries()) {
				const mine = packets.filter((packet) => packet.track === track);
				expect(new Set(mine.map(({ streamIndex }) => streamIndex))).toEqual(new Set([index]));
			}
			expect(packets.filter(({ track }) => track === "data").map(({ pts }) => pts)).toEqual(
				made().units.map(({ accessUnits }) => Math.round(accessUnits[0]!.dts / 90)),
			);
		});
	},
);

test("our own reader reads FFmpeg's FLV: every packet that ffprobe sees, at its time, a unit at each key picture", async () => {
	const path = await makeClip({ container: "flv", audio: true, bFrames: 2, gopFrames: 15 });
	const { accessUnits, starts, faults } = readAll(open, readFileSync(path));
	expect(faults).toEqual([]);
	const { packets } = await ffprobePackets(path);
	for (const track of ["video", "audio"]) {
		const [mine, theirs] = [accessUnits, packets].map((list) => list.filter((one) => one.track === track));
		expect(mine!.map(({ pts }) => pts! / 90)).toEqual(theirs!.map(({ pts }) => pts));
		expect(mine!.map(({ dts }) => dts! / 90)).toEqual(theirs!.map(({ dts }) => dts));
		expect(mine!.map(({ key }) => key)).toEqual(theirs!.map(({ key }) => key));
		expect(mine!.length).toBeGreaterThan(100);
	}
	// Whoever else's FLV names no units.
	const keys = accessUnits.filter(({ track, key }) => track === "video" && key);
	expect(starts).toEqual(keys.map(({ pts }) => ({ time: pts })));
	expect(starts.length).toBe(8);
});
