/** What the fuzzer begins with: a few access units of real encoders in FFmpeg's own containers, a few KiB each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

/** FFmpeg's words for the coders of one stream. One thread each, so that the bytes are the same every time. */
const H264 = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "48", "-threads", "1"];
/** The encoder's own advertisement in an SEI message is longer than all the rest. */
const WITHOUT_SEI = ["-bsf:v", "filter_units=remove_types=6"];
const HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "48"];
const HEVC_TAIL = [
	"-x265-params",
	"log-level=none:pools=none:frame-threads=1:info=0:bframes=0:keyint=3:min-keyint=3:scenecut=0:open-gop=0",
];
const AV1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "60", "-b:v", "0", "-threads", "1", "-usage", "realtime"];
const AAC = ["-c:a", "aac", "-b:a", "16k", "-ac", "1"];
const OPUS = ["-c:a", "libopus", "-b:a", "8k", "-ac", "1"];

const CODERS = {
	h264: [...H264, ...WITHOUT_SEI],
	hevc: [...HEVC, ...HEVC_TAIL],
	av1: AV1,
	aac: AAC,
	opus: OPUS,
} as const;

export interface Encode {
	/** FFmpeg's muxer, and what it is told. */
	readonly muxer: readonly string[];
	readonly video?: "h264" | "hevc" | "av1";
	readonly audio?: "aac" | "opus";
	/** 64x64 where this is left out. */
	readonly size?: string;
}

/** Nine pictures in three closed GOPs, and sound beside them. */
export async function encode({ muxer, video, audio, size = "64x64" }: Encode): Promise<Uint8Array> {
	const file = join(makeTempDir("fuzz"), "tiny");
	const sources = [
		...(video ? ["-f", "lavfi", "-i", `testsrc2=s=${size}:r=30:d=0.3`] : []),
		...(audio ? ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:d=0.3"] : []),
	];
	const coders = [
		...(video ? [...CODERS[video], "-g", "3", "-pix_fmt", "yuv420p"] : []),
		...(audio ? CODERS[audio] : []),
	];
	const tail = ["-fflags", "+bitexact", "-flags", "+bitexact", ...muxer, "-y", file];
	const ended = await runToEnd("ffmpeg", ["-v", "error", "-nostdin", ...sources, ...coders, ...tail], {
		timeoutMs: 60_000,
	});
	if (ended.code !== 0) throw new Error(`FFmpeg could not make a stream to begin with: ${ended.lastWords()}`);
	return readFileSync(file);
}
