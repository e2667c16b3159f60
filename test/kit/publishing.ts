/** Publishers of the test signal, and a server that they publish to: what one sends, each viewer must see once. */
import { expect, onTestFinished } from "vitest";
import type { PlayEvent } from "../../src/terminal/figures.ts";
import { eventually } from "./eventually.ts";
import { type ConfigFile, type Penstock, startCli, startPenstock } from "./penstock.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import { testSignalGraph } from "./test-signal.ts";
import { TINY_LADDER, TINY_UNIT_MS } from "./tiny-ladder.ts";

/** GOPs as long as the unit, so that they can be copied. */
const GOP_FRAMES = 15;
export const COPIED_UNIT_MS = 500;

/** A channel that somebody publishes, in three renditions. */
export const PUBLISHED = { source: "publish", unitMs: TINY_UNIT_MS, renditions: TINY_LADDER };
export const ANYONE = { rights: [{ match: "*/*", verbs: ["publish", "play"], by: ["anyone"] }] };

export class PublishingServer {
	readonly penstock: Penstock;
	/** `rtmp://127.0.0.1:port` */
	readonly rtmp: string;
	/** `rtsp://127.0.0.1:port` */
	readonly rtsp: string;

	constructor(penstock: Penstock) {
		this.penstock = penstock;
		this.rtsp = String(penstock.log.find(({ msg }) => msg === "listening")?.["rtsp"]);
		this.rtmp = String(penstock.log.find(({ msg }) => msg === "listening")?.["rtmp"]);
	}

	async live(path = "live/cam"): Promise<void> {
		await eventually(async () => {
			const channel = await this.penstock.channel(path);
			expect(channel, channel.ladder.lastError).toMatchObject({ live: true });
		}, 30_000);
	}
}

/** @param config the channel `cam`, published by anyone, where it says nothing else */
export async function startPublishing(config: ConfigFile = {}): Promise<PublishingServer> {
	const { publish, ...more } = config;
	const penstock = await startPenstock({
		channels: { cam: PUBLISHED },
		access: ANYONE,
		publish: { rtmp: { listen: "127.0.0.1:0" }, ...(publish as object) },
		...more,
	});
	onTestFinished(() => penstock.stop());
	return new PublishingServer(penstock);
}

export interface Signal {
	readonly width?: number;
	readonly height?: number;
	readonly firstCounter?: number;
	readonly audio?: boolean;
	readonly bFrames?: number;
}

/** FFmpeg sends the test signal in real time. @param output what ends its command line */
export function publishWithFfmpeg(output: readonly string[], signal: Signal = {}): RunningProcess {
	const { width = 320, height = 180, firstCounter = 0, audio = false, bFrames = 0 } = signal;
	const graph = testSignalGraph({ width, height, frameRate: 30, seconds: 300, audio, firstCounter });
	const tune = bFrames > 0 ? ["-bf", String(bFrames)] : ["-tune", "zerolatency"];
	const pictures = ["-c:v", "libx264", "-preset", "ultrafast", ...tune, "-g", String(GOP_FRAMES), "-b:v", "800k"];
	const sound = audio ? ["-c:a", "aac", "-b:a", "64k"] : [];
	const quiet = ["-hide_banner", "-v", "error", "-nostdin"];
	const sending = startProcess("ffmpeg", [
		...[...quiet, "-re", "-f", "lavfi", "-i", graph],
		...["-sc_threshold", "0", ...pictures, ...sound, ...output],
	]);
	onTestFinished(async () => void (await sending.stop()));
	return sending;
}

/** Watches for some seconds with our own player, and expects every frame once. */
export async function expectFrames(url: string, least = 60): Promise<void> {
	const playing = startCli(["play", url, "--json", "--count-frames", "--for", "4"]);
	const { code } = await playing.exited;
	const lines = playing.stdout.trim().split("\n");
	const end = JSON.parse(lines.at(-1)!) as Extract<PlayEvent, { event: "end" }>;
	expect([code, end], `${url}: ${playing.lastWords()}`).toEqual([
		0,
		expect.objectContaining({ framesMissing: 0, framesRepeated: 0, framesUnreadable: 0, faults: 0 }),
	]);
	expect(end.framesDecoded).toBeGreaterThan(least);
}
