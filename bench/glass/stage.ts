/**
 * All that stands while contenders are measured: the server with a ladder of the test signal; from one rendition of
 * it, copied and not encoded anew, HLS on a plain file server and a stream at node-media-server; the pages; a browser.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { startChromium } from "../../test/kit/chromium.ts";
import { eventually } from "../../test/kit/eventually.ts";
import { type Penstock, startPenstock } from "../../test/kit/penstock.ts";
import { type RunningProcess, startProcess } from "../../test/kit/processes.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { type Addresses, RENDITION } from "./contenders.ts";
import { startNodeMediaServer } from "./node-media-server.ts";
import { buildPages } from "./pages.ts";
import { FRAME_RATE } from "./signal.ts";

const FILE_SERVER = fileURLToPath(new URL("./file-server.ts", import.meta.url));

/** The sizes and bit rates of the default ladder, without its lowest. */
const LADDER = [
	{ name: "high", width: 1280, height: 720, bitrateBps: 2_500_000, preset: "ultrafast" },
	{ name: "mid", width: 848, height: 480, bitrateBps: 1_200_000, preset: "ultrafast" },
	{ name: "low", width: 480, height: 270, bitrateBps: 500_000, preset: "ultrafast" },
] as const;

export const CHANNEL = { source: { test: { width: 1280, height: 720, frameRate: FRAME_RATE } }, renditions: LADDER };

/** A player that joins HLS wants to find as many segments as it may like to stay behind. */
const SEGMENTS_AT_START = 4;

export interface Stage {
	readonly penstock: Penstock;
	readonly addresses: Addresses;
	/** Of the pages. */
	readonly origin: string;
	readonly browser: Browser;
	stop(): Promise<void>;
}

/** @param roots directories by the beginning of their paths; the first that fits wins */
export async function startFileServer(
	start: (command: string, args: readonly string[]) => RunningProcess,
	roots: Readonly<Record<string, string>>,
): Promise<{ readonly origin: string; readonly process: RunningProcess }> {
	const args = Object.entries(roots).map(([prefix, directory]) => `${prefix}=${directory}`);
	const running = start(process.execPath, [FILE_SERVER, ...args]);
	const [, port] = await running.waitForLine(/^port (\d+)$/);
	return { origin: `http://127.0.0.1:${port}`, process: running };
}

export interface StageOptions {
	/** Where this is false, HLS and node-media-server have no stream. */
	readonly withPeers: boolean;
	/** Of the server's process. */
	readonly env?: Readonly<Record<string, string>>;
}

export async function startStage({ withPeers, env = {} }: StageOptions): Promise<Stage> {
	const hlsDirectory = makeTempDir("hls");
	// One after the other: on a busy machine all at once would make each of them late.
	const penstock = await startPenstock({ channels: { glass: CHANNEL } }, env);
	const [files, nodeMediaServer, browser] = await Promise.all([
		buildPages().then((pages) => startFileServer(startProcess, { "/hls/": hlsDirectory, "/": pages })),
		startNodeMediaServer(),
		startChromium(),
	]);
	await eventually(async () => {
		const { status } = await fetch(`${penstock.api}/healthz`);
		if (status !== 200) throw new Error(`the server's /healthz says ${status}: ${penstock.process.lastWords()}`);
	}, 30_000);
	const processes = [files.process, nodeMediaServer.process];
	if (withPeers) {
		const source = `${penstock.http}/live/glass.flv?rendition=${RENDITION}`;
		const relay = startRelay(source, hlsDirectory, nodeMediaServer.publish);
		processes.push(relay);
		await untilSegments(join(hlsDirectory, "live.m3u8"), relay);
	}
	return {
		...{ penstock, browser, origin: files.origin },
		addresses: {
			penstock: (packaging) => `${penstock.http}/live/glass.${packaging}`,
			hls: `${files.origin}/hls/live.m3u8`,
			nodeMediaServer: nodeMediaServer.play,
		},
		stop: async () => {
			await browser.close();
			await Promise.all([penstock.stop(), ...processes.map((running) => running.stop())]);
		},
	};
}

/** One copy of the encode for both peers. */
function startRelay(source: string, hlsDirectory: string, publish: string): RunningProcess {
	const input = ["-fflags", "nobuffer", "-analyzeduration", "500000", "-f", "flv", "-i", source];
	const hls = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "6"];
	hls.push("-hls_flags", "delete_segments+independent_segments", join(hlsDirectory, "live.m3u8"));
	const rtmp = ["-flush_packets", "1", "-f", "flv", "-flvflags", "no_duration_filesize", publish];
	const both = ["-map", "0", "-c", "copy"];
	return startProcess("ffmpeg", ["-v", "warning", "-nostdin", ...input, ...both, ...hls, ...both, ...rtmp]);
}

async function untilSegments(playlist: string, relay: RunningProcess): Promise<void> {
	await eventually(async () => {
		const segments = existsSync(playlist) ? (readFileSync(playlist, "utf8").match(/^#EXTINF/gm)?.length ?? 0) : 0;
		if (segments < SEGMENTS_AT_START) throw new Error(`HLS has ${segments} segments; FFmpeg: ${relay.lastWords()}`);
	}, 30_000);
}
