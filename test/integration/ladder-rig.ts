/** A ladder on real FFmpeg and a real clock, with a sink that keeps what it gets and can be waited on. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SafeClock } from "../../src/base/clock.ts";
import type { PenstockError } from "../../src/base/errors.ts";
import { parseName } from "../../src/base/name.ts";
import { bitsPerSecond, epochMs, milliseconds } from "../../src/base/units.ts";
import { Ladder } from "../../src/ladder/ladder.ts";
import {
	DEFAULT_TIMEOUTS,
	type LadderConfig,
	type RenditionSpec,
	type SourceSpec,
} from "../../src/ladder/ladder-config.ts";
import type { LadderSink } from "../../src/ladder/ladder-sink.ts";
import type { AccessUnit, VideoConfig } from "../../src/media/access-unit.ts";
import { splitLengthPrefixed } from "../../src/media/h264.ts";

export const realClock = new SafeClock({
	now: () => milliseconds(performance.now()),
	wall: () => epochMs(Date.now()),
	setTimer: (delay, callback) => setTimeout(callback, delay),
	clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});

const name = (text: string) => parseName(text, "rendition");

export const encode = (rendition: string, width: number, height: number, kbps: number): RenditionSpec => ({
	name: name(rendition),
	kind: "encode",
	width,
	height,
	bitsPerSecond: bitsPerSecond(kbps * 1000),
	preset: "veryfast",
});

export const copy = (rendition: string): RenditionSpec => ({ name: name(rendition), kind: "copy" });

const THREE = [encode("high", 320, 180, 400), encode("mid", 192, 108, 200), encode("low", 128, 72, 100)];

export function ladderConfig(source: SourceSpec, changes: Partial<LadderConfig> = {}): LadderConfig {
	return {
		channel: "test",
		source,
		renditions: THREE,
		audio: { bitsPerSecond: bitsPerSecond(64_000) },
		unitDuration: milliseconds(250),
		tools: { ffmpeg: "ffmpeg", ffprobe: "ffprobe" },
		timeouts: DEFAULT_TIMEOUTS,
		...changes,
	};
}

export interface Arrived extends AccessUnit {
	/** By the real clock, in milliseconds. */
	readonly at: number;
}

export class LadderRig {
	readonly ladder: Ladder;
	/** Names of the sink's calls in order; access units once per run of them. */
	readonly calls: string[] = [];
	readonly video = new Map<string, Arrived[]>();
	readonly audio: Arrived[] = [];
	readonly refused: { readonly rendition: string; readonly error: PenstockError }[] = [];
	readonly interruptions: { readonly error: PenstockError; readonly at: number }[] = [];
	readonly logged: string[] = [];
	readonly #configs = new Map<string, VideoConfig>();
	#waiting: (() => void) | undefined;

	constructor(config: LadderConfig) {
		const sink: LadderSink = {
			videoConfig: (rendition, config) => {
				this.#configs.set(rendition, config);
				this.#note(`config ${rendition} ${config.width}x${config.height}`);
			},
			audioConfig: ({ sampleRateHz }) => this.#note(`config audio ${sampleRateHz}`),
			videoUnit: (rendition, accessUnit) => {
				const list = this.video.get(rendition) ?? [];
				this.video.set(rendition, list);
				list.push({ ...accessUnit, at: performance.now() });
				this.#note("units");
			},
			audioUnit: (accessUnit) => {
				this.audio.push({ ...accessUnit, at: performance.now() });
				this.#note("units");
			},
			renditionRefused: (rendition, error) => {
				this.refused.push({ rendition, error });
				this.#note(`refused ${rendition}`);
			},
			interrupted: (error) => {
				this.interruptions.push({ error, at: performance.now() });
				this.#note(`interrupted ${error.code}`);
			},
		};
		this.ladder = new Ladder(config, {
			sink,
			clock: realClock,
			random: Math.random,
			log: (line) => void this.logged.push(line),
		});
	}

	#note(call: string): void {
		if (call !== "units" || this.calls.at(-1) !== "units") this.calls.push(call);
		this.#waiting?.();
	}

	of(rendition: string): readonly Arrived[] {
		return this.video.get(rendition) ?? [];
	}

	keys(rendition: string): readonly number[] {
		return this.of(rendition).flatMap(({ key, pts }) => (key ? [pts] : []));
	}

	/** What came of a rendition as a byte stream (H.264 Annex B), for a decoder. */
	byteStream(rendition: string): Uint8Array {
		const { sps, pps } = this.#configs.get(rendition)!;
		const nals = this.of(rendition).flatMap(({ key, data }) => [
			...(key ? [...sps, ...pps] : []),
			...splitLengthPrefixed(data),
		]);
		return Buffer.concat(nals.flatMap((nal) => [Uint8Array.of(0, 0, 0, 1), nal]));
	}

	/** Resolves as soon as what is asked is so; asked again at each call of the sink. */
	async until(what: string, holds: () => boolean, timeoutMs = 30_000): Promise<void> {
		const deadline = Promise.withResolvers<"late">();
		const timer = setTimeout(() => deadline.resolve("late"), timeoutMs);
		try {
			while (!holds()) {
				const next = Promise.withResolvers<"next">();
				this.#waiting = () => next.resolve("next");
				if ((await Promise.race([next.promise, deadline.promise])) === "late") {
					const { state, lastError } = this.ladder.status;
					throw new Error(
						`not within ${timeoutMs} ms: ${what}; ladder ${state}, ${lastError}; ${this.logged.slice(-5)}`,
					);
				}
			}
		} finally {
			clearTimeout(timer);
			this.#waiting = undefined;
		}
	}

	async units(count: number, rendition = "low"): Promise<void> {
		await this.until(`${count} units of ${rendition}`, () => this.keys(rendition).length > count);
	}
}

/** Runs a ladder for the length of `use`, and leaves no process behind. */
export async function withLadder(config: LadderConfig, use: (rig: LadderRig) => Promise<void>): Promise<void> {
	const rig = new LadderRig(config);
	rig.ladder.start();
	try {
		await use(rig);
	} finally {
		await rig.ladder.stop();
	}
}

/** Makes a file: a moving picture of 320×180 with a tone, coded as the options say. */
export async function makeFile(
	path: string,
	seconds: number,
	rate: string,
	options: readonly string[],
): Promise<string> {
	await promisify(execFile)("ffmpeg", [
		...["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", `testsrc2=size=320x180:rate=${rate}`],
		...[
			"-f",
			"lavfi",
			"-i",
			"sine=sample_rate=48000",
			"-t",
			String(seconds),
			"-c:v",
			"libx264",
			"-preset",
			"ultrafast",
		],
		...["-pix_fmt", "yuv420p", "-c:a", "aac", ...options, path],
	]);
	return path;
}
