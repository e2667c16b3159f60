/** A ladder on real FFmpeg and a real clock, with a sink that keeps what it gets and can be waited on. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
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
import type { AccessUnit, AudioConfig, VideoConfig } from "../../src/media/access-unit.ts";
import { OBU_TEMPORAL_DELIMITER } from "../../src/media/av1.ts";
import { splitLengthPrefixed } from "../../src/media/h264.ts";
import { parameterSetsOf } from "../../src/media/picture.ts";

export const realClock = new SafeClock({
	now: () => milliseconds(performance.now()),
	wall: () => epochMs(Date.now()),
	setTimer: (delay, callback) => setTimeout(callback, delay),
	clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});

const UNIT_TICKS = 250 * 90;

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

export const THREE = [encode("high", 320, 180, 400), encode("mid", 192, 108, 200), encode("low", 128, 72, 100)];

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
	audioConfig: AudioConfig | undefined;
	#waiting: (() => void) | undefined;

	constructor(config: LadderConfig) {
		const sink: LadderSink = {
			videoConfig: (rendition, config) => {
				this.#configs.set(rendition, config);
				this.#note(`config ${rendition} ${config.width}x${config.height}`);
			},
			audioConfig: (config) => {
				this.audioConfig = config;
				this.#note(`config audio ${config.sampleRateHz}`);
			},
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

	codecOf(rendition: string): string | undefined {
		return this.#configs.get(rendition)?.codecString;
	}

	of(rendition: string): readonly Arrived[] {
		return this.video.get(rendition) ?? [];
	}

	keys(rendition: string): readonly number[] {
		return this.of(rendition).flatMap(({ key, pts }) => (key ? [pts] : []));
	}

	/** What came of a rendition as a byte stream for a decoder: H.264 or HEVC of their annex B, or OBUs of AV1. */
	byteStream(rendition: string): Uint8Array {
		const config = this.#configs.get(rendition)!;
		const sets = parameterSetsOf(config);
		const pictures = this.of(rendition);
		if (config.codec === "av1") {
			const delimiter = Uint8Array.of((OBU_TEMPORAL_DELIMITER << 3) | 2, 0);
			return Buffer.concat(pictures.flatMap(({ key, data }) => [delimiter, ...(key ? sets : []), data]));
		}
		const nals = pictures.flatMap(({ key, data }) => [...(key ? sets : []), ...splitLengthPrefixed(data)]);
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

/** Whole units that every rendition has, `units` at least, compared picture by picture. */
export function expectAligned(rig: LadderRig, renditions: readonly string[], units: number): void {
	const last = Math.min(...renditions.map((rendition) => rig.keys(rendition).at(-1)!));
	const times = renditions.map((rendition) => rig.of(rendition).flatMap(({ pts }) => (pts < last ? [pts] : [])));
	const keys = renditions.map((rendition) => rig.keys(rendition).filter((pts) => pts < last));
	expect(keys[0]!.length).toBeGreaterThanOrEqual(units);
	for (let i = 1; i < renditions.length; i++) {
		expect(keys[i]).toEqual(keys[0]);
		expect(times[i]).toEqual(times[0]);
	}
	for (const rendition of renditions) {
		const pictures = rig.of(rendition);
		expect(pictures[0]).toMatchObject({ key: true });
		expect(pictures.every(({ pts, dts }) => pts === dts)).toBe(true);
		expect(pictures.every(({ dts }, i) => i === 0 || dts > pictures[i - 1]!.dts)).toBe(true);
	}
	expect(rig.interruptions).toEqual([]);
}

/** Unit n's key picture is the first at or behind the line n × 250 ms. */
export function expectOnGrid(rig: LadderRig): void {
	const times = rig.of("low").map(({ pts }) => pts);
	for (const [i, key] of rig.keys("low").entries()) {
		const line = (Math.floor(rig.keys("low")[0]! / UNIT_TICKS) + i) * UNIT_TICKS;
		expect(key).toBeGreaterThanOrEqual(line);
		// A picture on the line may be there by rounding only, from up to half a millisecond before it.
		expect(times.filter((pts) => pts > line && pts < key)).toEqual([]);
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
