/**
 * The command line of a channel's FFmpeg: one decode, a scale and an encode per rendition, one FLV pipe each (written
 * at once, tag by tag), audio encoded once on a pipe of its own.
 *
 * What aligns the renditions, and must stay: `-copyts`, `-enc_time_base 1:90000` and `-fps_mode passthrough` keep the
 * source's time stamps in every encoder (without them an encoder rounds to its frame rate, up to one frame away), and
 * key frames are forced by one expression that every encoder evaluates on the same frames.
 */
import { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { AudioSpec, EncodedRendition, FrameRate, LadderConfig, RenditionSpec } from "./ladder-config.ts";
import { sourceArguments } from "./source-arguments.ts";
import { rateText } from "./test-pattern.ts";

/** The first pipe's file descriptor; renditions in their order, then audio, then progress. */
export const FIRST_PIPE = 3;
const DEFAULT_SAMPLE_RATE_HZ = 48_000;
/** The decoder's buffer, in seconds at the rendition's bit rate. */
const BUFFER_S = 0.6;

/** What is laddered in this run: refused renditions are gone from it, and it has been seen what the source has. */
export interface LadderPlan {
	readonly renditions: readonly RenditionSpec[];
	readonly withAudio: boolean;
}

/**
 * All arguments, without the program's name.
 * @throws PenstockError SOURCE_UNSUPPORTED, CONFIG_VALUE
 */
export function ffmpegArguments(config: LadderConfig, plan: LadderPlan): string[] {
	const { renditions } = plan;
	const copies = renditions.some((rendition) => rendition.kind === "copy");
	if (copies && config.frameRate !== undefined) {
		throw new PenstockError(
			"CONFIG_VALUE",
			`channel ${config.channel}: frameRate ${rateText(config.frameRate)} and a copied rendition exclude each other, for a copy keeps the source's frames; leave one of them out.`,
		);
	}
	const keys = copies ? "source" : keyFrameExpression(config.unitDuration);
	const pipeOf = (index: number): string => `pipe:${FIRST_PIPE + index}`;
	const audioPipes = plan.withAudio ? 1 : 0;
	const progress = pipeOf(renditions.length + audioPipes);
	const outputs = renditions.flatMap((rendition, i) =>
		rendition.kind === "copy"
			? ["-map", "0:v:0", "-c:v", "copy", ...flvTail(pipeOf(i))]
			: [...encoder(rendition, `[v${i}]`, keys), ...flvTail(pipeOf(i))],
	);
	if (plan.withAudio && config.audio !== undefined) {
		outputs.push(...audioEncoder(config.audio), ...flvTail(pipeOf(renditions.length)));
	}
	return [
		...["-hide_banner", "-nostdin", "-v", "warning", "-nostats", "-progress", progress, "-stats_period", "1"],
		"-copyts",
		...sourceArguments(config.source, { kind: "play", copies }),
		...filters(renditions, config.frameRate),
		...outputs,
	];
}

/**
 * A key frame at the first frame, and then at the first frame of every unit: the first whose time lies in another unit
 * than the last key frame's. FFmpeg counts `t` from the encoder's first frame, whatever time the source begins at; the
 * ladder's timeline puts that frame on the line between two units, so that units lie on the channel's grid. It does not
 * count key frames, and so loses no unit where a source leaves frames out.
 * Not rounded, but for 1 µs against binary fractions: so a key frame's time in milliseconds, which FFmpeg rounds with
 * the source's own fraction in it, never falls short of the line.
 */
function keyFrameExpression(unit: Milliseconds): string {
	const unitOf = (time: string): string => `floor((${time}*1000+0.001)/${unit})`;
	return `expr:if(isnan(prev_forced_t),1,gt(${unitOf("t")},${unitOf("prev_forced_t")}))`;
}

function filters(renditions: readonly RenditionSpec[], frameRate: FrameRate | undefined): string[] {
	const encoded = renditions.flatMap((rendition, i) => (rendition.kind === "encode" ? [{ rendition, i }] : []));
	if (encoded.length === 0) return [];
	const rate = frameRate === undefined ? "" : `fps=fps=${rateText(frameRate)},`;
	const fork = `[0:v:0]${rate}split=${encoded.length}${encoded.map(({ i }) => `[s${i}]`).join("")}`;
	const scales = encoded.map(
		({ rendition: { width, height }, i }) => `[s${i}]scale=${width}:${height}:flags=bicubic,format=yuv420p[v${i}]`,
	);
	return ["-filter_complex", [fork, ...scales].join(";")];
}

function encoder(rendition: EncodedRendition, from: string, keys: string): string[] {
	const { bitsPerSecond, width, height } = rendition;
	return [
		...["-map", from, "-c:v", "libx264", "-preset", rendition.preset, "-tune", "zerolatency"],
		...["-profile:v", "main", "-bf", "0", "-g", "9999", "-sc_threshold", "0"],
		...["-enc_time_base", "1:90000", "-fps_mode", "passthrough", "-force_key_frames", keys],
		...["-b:v", String(bitsPerSecond), "-maxrate", String(bitsPerSecond)],
		...["-bufsize", String(Math.round(bitsPerSecond * BUFFER_S))],
		...["-threads", width * height >= 1280 * 720 ? "4" : "2"],
	];
}

/** Small gaps in the source's audio are filled, so that audio keeps its place beside the picture. */
const audioEncoder = (audio: AudioSpec): string[] => [
	...["-map", "0:a:0", "-af", "aresample=async=1", "-c:a", "aac", "-ac", "2"],
	...["-ar", String(audio.sampleRateHz ?? DEFAULT_SAMPLE_RATE_HZ), "-b:a", String(audio.bitsPerSecond)],
];

const flvTail = (pipe: string): string[] => [
	...["-avoid_negative_ts", "disabled", "-flush_packets", "1", "-flvflags", "no_duration_filesize"],
	...["-f", "flv", pipe],
];
