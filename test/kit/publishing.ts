/** Publishers of the test signal, and a server that they publish to: what one sends, each viewer must see once. */
import { expect, onTestFinished } from "vitest";
import type { PublisherSnapshot } from "../../src/server/api-publishing-model.ts";
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
	/** `rtmps://127.0.0.1:port`, where that is spoken. */
	readonly rtmps: string;
	/** `rtsp://127.0.0.1:port` */
	readonly rtsp: string;
	/** `rtsps://127.0.0.1:port`, where that is spoken. */
	readonly rtsps: string;

	constructor(penstock: Penstock) {
		this.penstock = penstock;
		const listening = penstock.log.find(({ msg }) => msg === "listening");
		this.rtmp = String(listening?.["rtmp"]);
		this.rtmps = String(listening?.["rtmps"]);
		this.rtsp = String(listening?.["rtsp"]);
		this.rtsps = String(listening?.["rtsps"]);
	}

	/** As the API lists them. */
	async publishers(): Promise<readonly PublisherSnapshot[]> {
		const { body } = await this.penstock.call("GET", "/api/v1/publishers");
		return (body as { readonly publishers: readonly PublisherSnapshot[] }).publishers;
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
	/** H.264 where it is left out. */
	readonly codec?: "hevc" | "av1";
	/** AAC where it is left out. */
	readonly soundCodec?: "opus";
}

const HEVC = `keyint=${GOP_FRAMES}:min-keyint=${GOP_FRAMES}:bframes=0:scenecut=0:open-gop=0:log-level=error`;
const ENCODERS = {
	hevc: ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", HEVC],
	av1: ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"],
};

/** FFmpeg's arguments to make the test signal in real time. @param output what ends its command line */
export function signalArguments(output: readonly string[], signal: Signal = {}): string[] {
	const { width = 320, height = 180, firstCounter = 0, audio = false, bFrames = 0, codec, soundCodec } = signal;
	const graph = testSignalGraph({ width, height, frameRate: 30, seconds: 300, audio, firstCounter });
	const tune = bFrames > 0 ? ["-bf", String(bFrames)] : ["-tune", "zerolatency"];
	const encoder = codec === undefined ? ["-c:v", "libx264", "-preset", "ultrafast", ...tune] : ENCODERS[codec];
	const pictures = [...encoder, "-g", String(GOP_FRAMES), "-b:v", "800k"];
	const sound = audio ? ["-c:a", soundCodec === "opus" ? "libopus" : "aac", "-b:a", "64k"] : [];
	const quiet = ["-hide_banner", "-v", "error", "-nostdin"];
	const input = ["-re", "-f", "lavfi", "-i", graph];
	return [...quiet, ...input, "-sc_threshold", "0", ...pictures, ...sound, ...output];
}

/** FFmpeg sends the test signal in real time. @param output what ends its command line */
export function publishWithFfmpeg(output: readonly string[], signal: Signal = {}): RunningProcess {
	const sending = startProcess("ffmpeg", signalArguments(output, signal));
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
