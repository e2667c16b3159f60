/** Encoders that send a ladder ready-made: one FFmpeg makes the test signal once and sends it in several sizes. */
import { expect, onTestFinished } from "vitest";
import type { PlayEvent } from "../../src/terminal/figures.ts";
import { startCli } from "./penstock.ts";
import { childrenOf } from "./process-table.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import { testSignalGraph } from "./test-signal.ts";

export interface SentRendition {
	readonly width: number;
	readonly height: number;
	/** Pictures between two key pictures; 15 unless given. */
	readonly gop?: number;
	readonly audio?: boolean;
	readonly bFrames?: number;
	/** What ends its part of the command line: a muxer and where to. */
	readonly output: readonly string[];
}

export interface SentSignal {
	readonly firstCounter?: number;
	/** Before the input: how it is paced. */
	readonly pace?: readonly string[];
}

export const SIZES = { high: [320, 180], mid: [256, 144], low: [192, 128] } as const;

/** A rendition of one of the usual sizes. */
export function sentAs(
	name: keyof typeof SIZES,
	output: readonly string[],
	more: Partial<SentRendition> = {},
): SentRendition {
	const [width, height] = SIZES[name];
	return { width, height, output, ...more };
}

/** Sends all of them by one FFmpeg, in real time. */
export function sendLadder(renditions: readonly SentRendition[], signal: SentSignal = {}): RunningProcess {
	const { firstCounter = 0, pace = ["-re"] } = signal;
	const audio = renditions.some((rendition) => rendition.audio);
	const graph = testSignalGraph({ width: 320, height: 180, frameRate: 30, seconds: 300, audio, firstCounter });
	const sending = startProcess("ffmpeg", [
		...["-hide_banner", "-v", "error", "-nostdin", ...pace, "-f", "lavfi", "-i", graph],
		...renditions.flatMap(outputArguments),
	]);
	onTestFinished(async () => void (await sending.stop()));
	return sending;
}

function outputArguments({ width, height, gop = 15, audio = false, bFrames = 0, output }: SentRendition): string[] {
	return [
		...["-map", "0:v", "-vf", `scale=${width}:${height}:flags=bicubic,format=yuv420p`],
		...[
			"-c:v",
			"libx264",
			"-preset",
			"ultrafast",
			"-b:v",
			`${width * 2}k`,
			"-g",
			String(gop),
			"-keyint_min",
			String(gop),
		],
		...["-sc_threshold", "0", ...(bFrames > 0 ? ["-bf", String(bFrames)] : ["-tune", "zerolatency"])],
		...(audio ? ["-map", "0:a", "-c:a", "aac", "-b:a", "64k"] : []),
		...output,
	];
}

type EndEvent = Extract<PlayEvent, { event: "end" }>;

/** Watches until it was switched so often, and expects every frame once. */
export async function expectSwitchedFrames(url: string, switches: number): Promise<EndEvent> {
	const playing = startCli([
		"play",
		url,
		"--json",
		"--count-frames",
		"--until-switches",
		String(switches),
		"--for",
		"40",
	]);
	const { code } = await playing.exited;
	const end = JSON.parse(playing.stdout.trim().split("\n").at(-1)!) as EndEvent;
	expect([code, end], `${url}: ${playing.lastWords()}`).toEqual([
		0,
		expect.objectContaining({
			...{ reason: "switches", framesMissing: 0, framesRepeated: 0, framesUnreadable: 0, faults: 0 },
		}),
	]);
	return end;
}

/** The FFmpeg processes that a server has started. */
export const encodersOf = (pid: number): string[] =>
	childrenOf(pid).flatMap(({ command }) => (command.startsWith("ffmpeg") ? [command] : []));
