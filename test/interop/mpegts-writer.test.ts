/**
 * The MPEG-TS writer before independent witnesses: real encodes of one programme in three sizes are read from
 * FFmpeg's own transport streams, written by our writer with another rendition in every unit, and judged by FFmpeg,
 * ffprobe, GStreamer, VLC and mpv; and its continuity counters by FFmpeg's demuxer.
 */
import { expect, test } from "vitest";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { runToEnd } from "../kit/processes.ts";
import { readCounters } from "../kit/signal-reader.ts";
import { accessUnitsOf, FRAMES, type SentUnit, UNITS, writeResponse } from "../kit/switching-units.ts";
import { gstreamerDecode, mpvDecode, vlcDecode } from "../kit/witnesses.ts";
import { describeWriter, overHole, save } from "../kit/writer-contract.ts";

/** GStreamer tells of the hole in time, and does not look at discontinuity_indicator in PSI. */
const GSTREAMER_OF_HOLES = /GAP detected|section discontinuity/;
/** VLC tells of each discontinuity_indicator that it obeys; its PSI decoder does not obey it, and starts afresh. */
const VLC_OF_HOLES = /discontinuity indicator \(pid=|PSI decoder\): TS discontinuity .* for PID (0|4096)$/;

/** How often FFmpeg's demuxer finds a continuity counter wrong; it says so only when asked for everything. */
async function continuityFailures(units: readonly SentUnit[]): Promise<number> {
	const path = save("counters.ts", writeResponse(mpegTs, units));
	const args = ["-nostdin", "-v", "debug", "-i", path, "-map", "0", "-c", "copy", "-f", "null", "-"];
	const ended = await runToEnd("ffmpeg", args, { keepBytes: 2 ** 26 });
	expect(ended.code).toBe(0);
	expect(ended.stderr).toMatch(/Opening|probe/i);
	return ended.stderr.split("Continuity check failed").length - 1;
}

describeWriter(
	{
		packaging: mpegTs,
		open: (sink) => new MpegTsReader(sink),
		tick: 1,
		wrap: 2 ** 33,
		tracksAhead: false,
		carriesPreSkip: false,
		witnesses: {
			FFmpeg: { decode: readCounters, playsOverHoles: true },
			"GStreamer (tsparse and tsdemux)": {
				decode: (path) => gstreamerDecode(path, { demuxer: "tsparse ! tsdemux" }),
				playsOverHoles: true,
				maySayOfHoles: GSTREAMER_OF_HOLES,
			},
			// The last frame too, which VLC else keeps to itself: the padding that closes the unit ends it.
			VLC: { decode: vlcDecode, playsOverHoles: false, maySayOfHoles: VLC_OF_HOLES },
			mpv: { decode: mpvDecode, playsOverHoles: true },
		},
		ffmpeg: { decoder: {}, probe: {} },
	},
	(made) => {
		test("FFmpeg's own transport streams were read whole: all renditions aligned, large pictures among them", () => {
			const { renditions, units, bFrames } = made();
			for (const rendition of renditions) {
				expect(rendition.length).toBe(UNITS);
				expect(rendition.map(({ head }) => head.time)).toEqual(renditions[0]!.map(({ head }) => head.time));
			}
			const pictures = accessUnitsOf(units, "video");
			expect(pictures.length).toBe(FRAMES);
			expect(pictures.some(({ data }) => data.length > 0xffff)).toBe(true);
			expect(pictures.some(({ pts, dts }) => pts !== dts)).toBe(bFrames > 0);
		});

		test("FFmpeg's demuxer finds every continuity counter right; where the units are not closed, it does not", async () => {
			const { units } = made();
			expect(await continuityFailures(units)).toBe(0);
			expect(await continuityFailures(units.map((unit) => ({ ...unit, brokeOff: true })))).toBeGreaterThan(UNITS);
		});

		test("it finds them right over a hole, as the jump is announced; where it is not, it does not", async () => {
			const { before, after } = overHole(made().units);
			expect(await continuityFailures([...before, ...after])).toBe(0);
			const unannounced = after.map((unit) => ({ ...unit, overHole: false }));
			expect(await continuityFailures([...before, ...unannounced])).toBeGreaterThan(0);
		});
	},
);
