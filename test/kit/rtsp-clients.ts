/** Real RTSP clients: FFmpeg publishes and plays, GStreamer plays. What they saw lies in a file, as it was coded. */
import { join } from "node:path";
import { makeClip } from "./media-maker.ts";
import { type RunningProcess, runToEnd, startProcess } from "./processes.ts";
import type { RtspRelay } from "./rtsp-relay.ts";
import { readCounters, type Verdict } from "./signal-reader.ts";
import { makeTempDir } from "./temp-dir.ts";

const CLIP_SECONDS = 6;
export const CLIP_FRAMES = CLIP_SECONDS * 30;

/** Publishes a clip with sound at its own pace. */
export async function ffmpegPublishes(url: string, transport: "udp" | "tcp"): Promise<RunningProcess> {
	const clip = await makeClip({ container: "mp4", audio: true, seconds: CLIP_SECONDS });
	const output = ["-c", "copy", "-f", "rtsp", "-rtsp_transport", transport, url];
	return startProcess("ffmpeg", ["-hide_banner", "-v", "error", "-nostdin", "-re", "-i", clip, ...output]);
}

/** Plays until the server ends the connection. */
export async function ffmpegPlays(url: string, transport: "udp" | "tcp"): Promise<Verdict> {
	const output = join(makeTempDir("rtsp"), "seen.ts");
	const input = ["-rtsp_transport", transport, "-i", url, "-map", "0:v", "-c", "copy"];
	const ended = await runToEnd("ffmpeg", ["-hide_banner", "-v", "warning", "-nostdin", ...input, output]);
	if (ended.code !== 0) throw new Error(`FFmpeg did not play: ${ended.lastWords()}`);
	return await readCounters(output);
}

/** Plays until `until` resolves: without a BYE, rtspsrc waits for packets by UDP for ever. */
export async function gstreamerPlays(
	url: string,
	protocols: "udp" | "tcp" | "udp-mcast",
	until: Promise<unknown>,
	credentials: readonly string[] = [],
): Promise<Verdict> {
	const output = join(makeTempDir("rtsp"), "seen.h264");
	const source = [
		"rtspsrc",
		`location=${url}`,
		`protocols=${protocols}`,
		"multicast-iface=lo",
		"name=source",
		...credentials,
	];
	const video =
		"source. ! application/x-rtp,media=video ! rtph264depay ! h264parse ! video/x-h264,stream-format=byte-stream";
	const sound = "source. ! application/x-rtp,media=audio ! fakesink";
	const elements = [...source, ...sound.split(" "), ...video.split(" "), "!", "filesink", `location=${output}`];
	const player = startProcess("gst-launch-1.0", ["-q", "-e", ...elements], {
		env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
	});
	await until;
	player.kill("SIGINT");
	const timer = setTimeout(() => player.kill("SIGKILL"), 10_000);
	await player.exited.finally(() => clearTimeout(timer));
	return await readCounters(output);
}

/** @throws Error where nobody records within a few seconds */
export async function untilRecording(relay: RtspRelay, path: string, publisher: RunningProcess): Promise<void> {
	for (let attempt = 0; attempt < 200; attempt++) {
		if (relay.stream(path)?.isRecording) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`nobody publishes ${path}: ${publisher.lastWords()}`);
}
