/**
 * What a source holds, as ffprobe tells it. Asked once; a ladder keeps the answer over restarts as long as they come
 * to output, so that coming back costs no second connection.
 */
import { stat } from "node:fs/promises";
import { PenstockError } from "../base/errors.ts";
import type { DecodeInformation, TrackKind } from "../media/access-unit.ts";
import type { FfmpegTools, FrameRate, SourceSpec } from "./ladder-config.ts";
import { sourceArguments, sourceLabel, withoutSecrets } from "./source-arguments.ts";
import { lastWords, type ToolLimits, toolOutput } from "./tool-output.ts";

export interface SourceFacts {
	readonly video?: {
		/** FFmpeg's name: `h264`, `hevc`, `rawvideo`… */
		readonly codec: string;
		readonly width: number;
		readonly height: number;
		/** Absent where the source does not say. */
		readonly frameRate?: FrameRate;
		readonly hasBFrames: boolean;
	};
	readonly audio?: { readonly codec: string; readonly sampleRateHz: number; readonly channelCount: number };
}

/**
 * @param lead the track without which there is no programme
 * @throws PenstockError SOURCE_UNREACHABLE, SOURCE_NO_VIDEO, SOURCE_NO_AUDIO, SOURCE_UNSUPPORTED, FFMPEG_MISSING
 */
export async function probeSource(
	source: SourceSpec,
	lead: TrackKind,
	tools: FfmpegTools,
	limits: ToolLimits,
): Promise<SourceFacts> {
	if (source.kind === "test-pattern") return patternFacts(source);
	const argv = sourceArguments(source, { kind: "probe" });
	if (source.kind === "file") await checkFile(source);
	const output = await toolOutput(
		tools.ffprobe,
		["-hide_banner", "-v", "error", "-print_format", "json", "-show_streams", ...argv],
		limits,
	);
	if (output.timedOut) {
		throw unreachable(source, `has not told what it holds within ${limits.timeout} ms; check that it is sending`);
	}
	const streams = output.code === 0 ? parseStreams(output.stdout) : undefined;
	if (streams === undefined) {
		const words = withoutSecrets(lastWords(output.stderr.split("\n")));
		throw unreachable(source, `cannot be opened: ${words}; check the address and that it is sending`);
	}
	return factsOf(source, lead, streams);
}

/** FFmpeg calls an empty file "invalid data" and a directory "is a directory"; people want to know which file. */
async function checkFile(source: Extract<SourceSpec, { kind: "file" }>): Promise<void> {
	const facts = await stat(source.path).catch((error: NodeJS.ErrnoException) => {
		throw unreachable(source, `cannot be read (${error.code}); check the path and its permissions`);
	});
	if (!facts.isFile()) throw unreachable(source, "is not a file; give the path of a media file");
	if (facts.size === 0) throw unreachable(source, "has 0 bytes; give a media file");
}

/**
 * The same of a source that needs no ffprobe.
 * @throws PenstockError SOURCE_NO_VIDEO, SOURCE_NO_AUDIO
 */
export function factsOfDecode(source: SourceSpec, lead: TrackKind, { video, audio }: DecodeInformation): SourceFacts {
	return factsOf(source, lead, [
		...(video === undefined
			? []
			: [{ codec_type: "video", codec_name: video.codec, width: video.width, height: video.height }]),
		...(audio === undefined
			? []
			: [
					{
						...{ codec_type: "audio", codec_name: audio.codec },
						...{ sample_rate: String(audio.sampleRateHz), channels: audio.channelCount },
					},
				]),
	]);
}

interface ProbedStream {
	readonly codec_type?: string;
	readonly codec_name?: string;
	readonly width?: number;
	readonly height?: number;
	readonly avg_frame_rate?: string;
	readonly has_b_frames?: number;
	readonly sample_rate?: string;
	readonly channels?: number;
	readonly disposition?: { readonly attached_pic?: number };
}

function parseStreams(text: string): readonly ProbedStream[] | undefined {
	try {
		const { streams } = JSON.parse(text) as { streams?: unknown };
		return Array.isArray(streams) ? (streams as ProbedStream[]) : undefined;
	} catch {
		return undefined;
	}
}

function factsOf(source: SourceSpec, lead: TrackKind, streams: readonly ProbedStream[]): SourceFacts {
	// A cover picture in a music file is a video stream only by name.
	const video = streams.find((stream) => stream.codec_type === "video" && stream.disposition?.attached_pic !== 1);
	const audio = streams.find((stream) => stream.codec_type === "audio");
	const found = streams.map((stream) => `${stream.codec_type} ${stream.codec_name}`).join(", ") || "no streams";
	const lacks = (what: string): string => `the source ${sourceLabel(source)} has no ${what} (found: ${found})`;
	if (lead === "video" && video === undefined) {
		const remedy = audio === undefined ? "" : ", or set video: none to serve its audio alone";
		throw new PenstockError("SOURCE_NO_VIDEO", `${lacks("video")}; give one that has${remedy}.`);
	}
	if (lead === "audio" && audio === undefined) {
		throw new PenstockError(
			"SOURCE_NO_AUDIO",
			`${lacks("audio")}, and the channel has video: none; give one that has.`,
		);
	}
	return {
		...(video === undefined ? {} : { video: videoFacts(video) }),
		...(audio === undefined ? {} : { audio: audioFacts(audio) }),
	};
}

function videoFacts(video: ProbedStream): NonNullable<SourceFacts["video"]> {
	const frameRate = parseRate(video.avg_frame_rate);
	return {
		codec: video.codec_name ?? "unknown",
		width: video.width ?? 0,
		height: video.height ?? 0,
		hasBFrames: (video.has_b_frames ?? 0) > 0,
		...(frameRate === undefined ? {} : { frameRate }),
	};
}

const audioFacts = (audio: ProbedStream): NonNullable<SourceFacts["audio"]> => ({
	codec: audio.codec_name ?? "unknown",
	sampleRateHz: Number(audio.sample_rate ?? 0),
	channelCount: audio.channels ?? 0,
});

function parseRate(text: string | undefined): FrameRate | undefined {
	const [numerator, denominator] = (text ?? "").split("/").map(Number);
	return numerator && denominator ? { numerator, denominator } : undefined;
}

const patternFacts = (source: Extract<SourceSpec, { kind: "test-pattern" }>): SourceFacts => ({
	video: {
		codec: "rawvideo",
		width: source.width,
		height: source.height,
		frameRate: source.frameRate,
		hasBFrames: false,
	},
	audio: { codec: "pcm_s16le", sampleRateHz: 48_000, channelCount: 1 },
});

const unreachable = (source: SourceSpec, why: string): PenstockError =>
	new PenstockError("SOURCE_UNREACHABLE", `the source ${sourceLabel(source)} ${why}.`);
