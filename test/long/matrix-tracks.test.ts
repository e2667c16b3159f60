/**
 * The matrix beyond H.264 and AAC together: sound alone, pictures alone, and other codecs, each with the players of
 * this machine that can read them at all. Everywhere but in sound alone the server switches at every unit.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { AAC_FRAME_SAMPLES } from "../../src/media/aac.ts";
import { beyondRemarks, MATRIX, PACKAGINGS } from "../interop/matrix-table.ts";
import { gstreamerDemuxer } from "../kit/gstreamer-demuxers.ts";
import type { Extension, Recording } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters, type Verdict } from "../kit/signal-reader.ts";
import { expectUnbrokenSound, judgeSound } from "../kit/sound-reader.ts";
import { ffmpegSound, gstreamerSound, type Sound } from "../kit/sound-witnesses.ts";
import { numberedChannel, recordTour, startTour, switchesIn } from "../kit/switched-programme.ts";
import { gstreamerDecode } from "../kit/witnesses.ts";

const SWITCHES = 20;
/** An encoder of Opus keeps less of the form of a wave than AAC at this rate. */
const OPUS_BOUND = 0.02;

const recordings = new Map<string, { recording: Recording; file: string }>();
const countOf = ({ accessUnits }: Recording, kind: "video" | "audio"): number =>
	accessUnits.filter(({ track }) => track === kind).length;

beforeAll(async () => {
	const penstock = await startTour({
		sound: await numberedChannel({ video: "none", renditions: undefined }),
		pictures: await numberedChannel({ audio: "none" }),
		hevc: await numberedChannel({ codec: "hevc", audio: { codec: "opus", bitrateBps: 256_000 } }),
		av1: await numberedChannel({ codec: "av1", audio: "none" }),
	});
	const paths = ["sound", "pictures", "hevc"].flatMap((name) => PACKAGINGS.map((end) => `live/${name}.${end}`));
	paths.push("live/av1.mp4", "live/av1.flv");
	const all = await recordTour(penstock, paths, SWITCHES);
	for (const [index, path] of paths.entries()) {
		recordings.set(path.slice("live/".length), { recording: all[index]!, file: all[index]!.save() });
	}
}, 120_000);

interface TrackCell {
	readonly programme: "sound" | "pictures" | "hevc" | "av1";
	readonly packaging: Extension;
	readonly player: "FFmpeg" | "GStreamer";
	/** Elements of GStreamer's; those for H.264 and AAC where this is left out. */
	readonly decoder?: string;
	/** The player's own words, where it cannot read this. */
	readonly cannot?: RegExp;
}

const H265 = "h265parse ! avdec_h265";
/** FFmpeg 5.1 takes a FourCC for the codec number of old FLV; it came with 6.1. */
const NO_ENHANCED_FLV = /codec \(\d+\) is not implemented|Could not find codec parameters for stream \d/;
const OPUS = "opusparse ! opusdec";

const everywhere = (programme: TrackCell["programme"]): TrackCell[] => [
	// FFmpeg reads no framed RTP: see the matrix.
	...(["ts", "flv", "mp4"] as const).map((packaging) => ({ programme, packaging, player: "FFmpeg" }) as const),
	...PACKAGINGS.map((packaging) => ({ programme, packaging, player: "GStreamer" }) as const),
];

const PICTURES: readonly TrackCell[] = [
	...everywhere("pictures"),
	{ programme: "hevc", packaging: "ts", player: "FFmpeg" },
	{ programme: "hevc", packaging: "mp4", player: "FFmpeg" },
	{ programme: "hevc", packaging: "flv", player: "FFmpeg", cannot: NO_ENHANCED_FLV },
	{ programme: "hevc", packaging: "ts", player: "GStreamer", decoder: H265 },
	{ programme: "hevc", packaging: "rtp", player: "GStreamer", decoder: H265 },
	{ programme: "hevc", packaging: "mp4", player: "GStreamer", decoder: H265 },
	{ programme: "av1", packaging: "mp4", player: "FFmpeg" },
	{ programme: "av1", packaging: "mp4", player: "GStreamer", decoder: "av1parse ! av1dec" },
	{ programme: "av1", packaging: "flv", player: "FFmpeg", cannot: NO_ENHANCED_FLV },
];

const SOUNDS: readonly TrackCell[] = [
	...everywhere("sound"),
	{ programme: "hevc", packaging: "ts", player: "FFmpeg" },
	{ programme: "hevc", packaging: "mp4", player: "FFmpeg" },
	{ programme: "hevc", packaging: "flv", player: "FFmpeg", cannot: NO_ENHANCED_FLV },
	{ programme: "hevc", packaging: "ts", player: "GStreamer", decoder: OPUS },
	{ programme: "hevc", packaging: "rtp", player: "GStreamer", decoder: OPUS },
	{ programme: "hevc", packaging: "mp4", player: "GStreamer", decoder: OPUS },
];

const title = ({ programme, packaging, player, cannot }: TrackCell): [string, string, string, string] => [
	player,
	cannot === undefined ? "reads" : "cannot read, and says so,",
	programme,
	packaging,
];

/** A programme of one track leaves no other pad. */
const isAlone = ({ programme }: TrackCell): boolean => programme !== "hevc";

const beyond = (cell: TrackCell, warnings: readonly string[]): string[] => {
	const known = MATRIX[cell.packaging][cell.player];
	const remarks = known.kind === "reads" ? (known.remarks ?? []) : [];
	return beyondRemarks(warnings, remarks);
};

describe("pictures", () => {
	test.each(PICTURES.map((cell) => [...title(cell), cell] as const))("%s %s %s.%s", async (_p, _r, _n, _e, cell) => {
		const { recording, file } = recordings.get(`${cell.programme}.${cell.packaging}`)!;
		expect(recording.faults).toEqual([]);
		expect(switchesIn(recording)).toBeGreaterThanOrEqual(SWITCHES);
		const { counters, warnings } = await look(cell, file);
		if (cell.cannot !== undefined) {
			expect(counters).toEqual([]);
			expect(warnings.join("\n")).toMatch(cell.cannot);
			return;
		}
		expectEveryFrameOnce(counters);
		expect(counters).toHaveLength(countOf(recording, "video"));
		expect(beyond(cell, warnings)).toEqual([]);
	});
});

describe("sound", () => {
	test.each(SOUNDS.map((cell) => [...title(cell), cell] as const))("%s %s %s.%s", async (_p, _r, _n, _e, cell) => {
		const { recording, file } = recordings.get(`${cell.programme}.${cell.packaging}`)!;
		expect(recording.faults).toEqual([]);
		const { pcm, warnings } = await listen(cell, file);
		if (cell.cannot !== undefined) {
			expect(pcm).toHaveLength(0);
			expect(warnings.join("\n")).toMatch(cell.cannot);
			return;
		}
		const frames = countOf(recording, "audio");
		if (recording.decode.audio?.codec === "aac") expectUnbrokenSound(pcm, { frames, slack: 2 * AAC_FRAME_SAMPLES });
		else expect(judgeSound(pcm, { bound: OPUS_BOUND }).broken).toEqual([]);
		expect(beyond(cell, warnings)).toEqual([]);
	});
});

/** What a player saw; its last words where it gave nothing. */
async function look(cell: TrackCell, file: string): Promise<Pick<Verdict, "counters" | "warnings">> {
	const { packaging, player, decoder } = cell;
	const demuxer = gstreamerDemuxer(packaging, { track: "video", alone: isAlone(cell) });
	const seen =
		player === "FFmpeg"
			? readCounters(file)
			: gstreamerDecode(file, { demuxer, ...(decoder === undefined ? {} : { decoder }) });
	return await seen.catch(({ message }: Error) => ({ counters: [], warnings: [message] }));
}

async function listen(cell: TrackCell, file: string): Promise<Sound> {
	const { packaging, player, decoder } = cell;
	const demuxer = gstreamerDemuxer(packaging, { track: "audio", alone: isAlone(cell) });
	const heard = player === "FFmpeg" ? ffmpegSound(file) : gstreamerSound(file, demuxer, decoder);
	return await heard.catch(({ message }: Error) => ({ pcm: new Float32Array(), warnings: [message] }));
}
