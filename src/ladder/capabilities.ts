/**
 * Is there an FFmpeg, is it new enough, and has it what the channels need? Asked once at the server's start, so that a
 * missing encoder is a sentence then and not a restart loop later.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { milliseconds } from "../base/units.ts";
import { AUDIO_ENCODERS, VIDEO_ENCODERS } from "./encoders.ts";
import type { FfmpegTools, LadderConfig, UrlSource } from "./ladder-config.ts";
import { sourceProtocols } from "./source-arguments.ts";
import { INSTALL_HINT, lastWords, missing, toolOutput } from "./tool-output.ts";

/** `-fps_mode` and `-enc_time_base` behave as measured from here on. */
const OLDEST = { major: 5, minor: 1 };
const TIMEOUT = milliseconds(10_000);

export interface FfmpegCapabilities {
	/** As FFmpeg says it: `5.1.9-0+deb12u1`, `N-109741-gbbe95f7353`. */
	readonly version: string;
	readonly encoders: ReadonlySet<string>;
	readonly filters: ReadonlySet<string>;
	/** For input. */
	readonly protocols: ReadonlySet<string>;
}

/** @throws PenstockError FFMPEG_MISSING, FFMPEG_TOO_OLD */
export async function inspectFfmpeg(tools: FfmpegTools, clock: Clock): Promise<FfmpegCapabilities> {
	const ask = async (program: string, question: string): Promise<string> => {
		const output = await toolOutput(program, ["-hide_banner", question], { clock, timeout: TIMEOUT });
		if (output.code === 0) return output.stdout;
		const why = output.timedOut ? `no answer within ${TIMEOUT} ms` : lastWords(output.stderr.split("\n"));
		throw missing(program, `${question} failed: ${why}`);
	};
	const version = versionOf(tools.ffmpeg, await ask(tools.ffmpeg, "-version"));
	await ask(tools.ffprobe, "-version");
	const [encoders, filters, protocols] = await Promise.all(
		["-encoders", "-filters", "-protocols"].map((question) => ask(tools.ffmpeg, question)),
	);
	return {
		version,
		encoders: secondColumn(encoders!),
		filters: secondColumn(filters!),
		protocols: new Set(/Input:\s*([\s\S]*?)(Output:|$)/.exec(protocols!)?.[1]?.split(/\s+/)),
	};
}

/** @throws PenstockError FFMPEG_CAPABILITY when FFmpeg lacks what this channel needs */
export function checkCapabilities(capabilities: FfmpegCapabilities, config: LadderConfig): void {
	const encodes = config.renditions.some((rendition) => rendition.kind === "encode");
	const isReady = config.source.kind === "ready";
	const needs = {
		encoder: [
			...(encodes ? [VIDEO_ENCODERS[config.codec ?? "h264"]] : []),
			...(config.audio === undefined || isReady ? [] : [AUDIO_ENCODERS[config.audio.codec ?? "aac"]]),
		],
		filter: [
			...(encodes ? ["split", "scale", "format"] : []),
			...(config.frameRate === undefined ? [] : ["fps"]),
			...(config.audio === undefined || isReady ? [] : ["aresample"]),
			...(config.source.kind === "test-pattern" ? patternFilters(config.renditions.length > 0) : []),
		],
		protocol: [config.source, ...inputsOf(config)].flatMap((source) => sourceProtocols(source)),
	};
	const has = { encoder: capabilities.encoders, filter: capabilities.filters, protocol: capabilities.protocols };
	for (const kind of ["encoder", "filter", "protocol"] as const) {
		const lacking = needs[kind].filter((name) => !has[kind].has(name));
		if (lacking.length === 0) continue;
		throw new PenstockError(
			"FFMPEG_CAPABILITY",
			`channel ${config.channel} needs the ${kind} ${lacking.join(", ")}, which FFmpeg ${capabilities.version} was built without; ${INSTALL_HINT}.`,
		);
	}
}

/** Those that FFmpeg reads. */
const inputsOf = ({ renditions }: LadderConfig): UrlSource[] =>
	renditions.flatMap((rendition) =>
		rendition.kind === "ready" && rendition.input.kind === "url" ? [rendition.input] : [],
	);

const patternFilters = (withVideo: boolean): readonly string[] =>
	withVideo ? ["testsrc2", "color", "geq", "overlay", "sine"] : ["sine"];

/** Builds from git carry no release number and count as new. */
function versionOf(program: string, text: string): string {
	const version = /^ffmpeg version (\S+)/m.exec(text)?.[1];
	if (version === undefined)
		throw missing(program, `it does not answer as FFmpeg does: ${lastWords(text.split("\n"))}`);
	const release = /^n?(\d+)\.(\d+)/.exec(version);
	if (release === null) return version;
	const [major, minor] = [Number(release[1]), Number(release[2])];
	if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
		throw new PenstockError(
			"FFMPEG_TOO_OLD",
			`${program} is version ${version}, but ${OLDEST.major}.${OLDEST.minor} is the oldest that works; ${INSTALL_HINT}.`,
		);
	}
	return version;
}

/** ` V....D libx264   libx264 H.264 …`: the word behind the flags. */
const secondColumn = (text: string): Set<string> =>
	new Set(text.split("\n").flatMap((line) => /^ \S+\s+(\S+)/.exec(line)?.[1] ?? []));
