/**
 * The command line of a channel's FFmpeg: one decode, a scale and an encode per rendition, one pipe each (written at
 * once, frame by frame), audio encoded once on a pipe of its own.
 *
 * What aligns the renditions, and must stay: `-copyts`, `-enc_time_base 1:90000` and `-fps_mode passthrough` keep the
 * source's time stamps in every encoder (without them an encoder rounds to its frame rate, up to one frame away), and
 * key frames are forced by one expression that every encoder evaluates on the same frames.
 */
import { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { audioEncoder, videoEncoder } from "./encoders.ts";
import type { LadderConfig, RenditionSpec } from "./ladder-config.ts";
import { pipeOutput, soundPipe } from "./pipe-form.ts";
import { audioInput, sourceArguments } from "./source-arguments.ts";
import { rateText, testBarChain } from "./test-pattern.ts";

/** The first pipe's file descriptor; renditions in their order, then audio, then progress. */
export const FIRST_PIPE = 3;

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
	const withVideo = renditions.length > 0;
	const copies = renditions.some((rendition) => rendition.kind !== "encode");
	if (copies && config.frameRate !== undefined) {
		throw new PenstockError(
			"CONFIG_VALUE",
			`channel ${config.channel}: frameRate ${rateText(config.frameRate)} and a copied rendition exclude each other, for a copy keeps the source's frames; leave one of them out.`,
		);
	}
	const keys = copies ? "source" : keyFrameExpression(config.unitDuration);
	const { codec = "h264", audio } = config;
	const audioPipe = FIRST_PIPE + renditions.length;
	const progress = `pipe:${audioPipe + (plan.withAudio ? 1 : 0)}`;
	const outputs = renditions.flatMap((rendition, i) => [
		...(rendition.kind === "encode"
			? ["-map", `[v${i}]`, ...videoEncoder(codec, rendition, keys)]
			: ["-map", "0:v:0", "-c:v", "copy"]),
		...pipeOutput(codec, FIRST_PIPE + i),
	]);
	if (plan.withAudio && audio !== undefined) {
		const input = audioInput(config.source, withVideo);
		const coder = audio.copy === true ? ["-c:a", "copy"] : audioEncoder(audio);
		outputs.push("-map", `${input}:a:0`, ...coder, ...pipeOutput(soundPipe(audio), audioPipe));
	}
	return [
		...["-hide_banner", "-nostdin", "-v", "warning", "-nostats", "-progress", progress, "-stats_period", "1"],
		"-copyts",
		...sourceArguments(config.source, { kind: "play", copies, withVideo }),
		...filters(renditions, config),
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

function filters(renditions: readonly RenditionSpec[], { source, frameRate }: LadderConfig): string[] {
	const encoded = renditions.flatMap((rendition, i) => (rendition.kind === "encode" ? [{ rendition, i }] : []));
	if (encoded.length === 0) return [];
	const rate = frameRate === undefined ? "" : `fps=fps=${rateText(frameRate)},`;
	const isTest = source.kind === "test-pattern";
	const bar = isTest ? [testBarChain(source, "0:v:0", "test")] : [];
	const fork = `[${isTest ? "test" : "0:v:0"}]${rate}split=${encoded.length}${encoded.map(({ i }) => `[s${i}]`).join("")}`;
	const scales = encoded.map(
		({ rendition: { width, height }, i }) => `[s${i}]scale=${width}:${height}:flags=bicubic,format=yuv420p[v${i}]`,
	);
	return ["-filter_complex", [...bar, fork, ...scales].join(";")];
}
