/** Real RTSP clients: FFmpeg publishes and plays, GStreamer plays. What they saw lies in a file, as it was coded. */
import { join } from "node:path";
import { makeClip } from "./media-maker.ts";
import { type ProcessOptions, type RunningProcess, startProcess } from "./processes.ts";
import type { RtspRelay } from "./rtsp-relay.ts";
import { readCounters, type Verdict } from "./signal-reader.ts";
import { makeTempDir } from "./temp-dir.ts";

const CLIP_SECONDS = 6;
/** The machine may be busy. */
const LONGEST_PLAY_MS = 60_000;
/**
 * On its way from playing to nothing rtspsrc sends PAUSE, and cancels what it sends when it is gone before (seen with
 * 1.22: twice in 438 plays on a busy machine). It calls that "Received end-of-file", though nobody has ended anything.
 */
const OWN_CANCEL = /writev_bytes: Operation was cancelled/;
export const CLIP_FRAMES = CLIP_SECONDS * 30;

/** Starts a client, in a network of its own perhaps. */
export type Launch = (command: string, args: readonly string[], options?: ProcessOptions) => RunningProcess;

/** Publishes a clip with sound at its own pace. @param seconds how long: players on a busy machine come late */
export async function ffmpegPublishes(
	url: string,
	transport: "udp" | "tcp",
	launch: Launch = startProcess,
	seconds = CLIP_SECONDS,
): Promise<RunningProcess> {
	const clip = await makeClip({ container: "mp4", audio: true, seconds });
	const output = ["-c", "copy", "-f", "rtsp", "-rtsp_transport", transport, url];
	return launch("ffmpeg", ["-hide_banner", "-v", "error", "-nostdin", "-re", "-i", clip, ...output]);
}

/** Publishes the pictures of an MP4 file at its own pace. */
export function gstreamerPublishes(file: string, url: string, protocols: "udp" | "tcp"): RunningProcess {
	const pictures = `filesrc location=${file} ! qtdemux ! h264parse ! identity sync=true`;
	const sink = `rtspclientsink location=${url} protocols=${protocols}`;
	return startProcess("gst-launch-1.0", ["-q", ...`${pictures} ! ${sink}`.split(" ")]);
}

/** Plays until the server ends the connection. @param more options of its input */
export async function ffmpegPlays(
	url: string,
	transport: "udp" | "tcp" | "udp_multicast",
	more: readonly string[] = [],
	launch: Launch = startProcess,
): Promise<Verdict> {
	const output = join(makeTempDir("rtsp"), "seen.ts");
	const input = ["-rtsp_transport", transport, ...more, "-i", url, "-map", "0:v", "-c", "copy"];
	const player = launch("ffmpeg", ["-hide_banner", "-v", "warning", "-nostdin", ...input, output]);
	const { code } = await endOf(player, LONGEST_PLAY_MS);
	if (code !== 0) throw new Error(`FFmpeg did not play: ${player.lastWords()}`);
	return await readCounters(output);
}

/** Waits for a client's end, and kills it when that takes too long. */
async function endOf(client: RunningProcess, timeoutMs: number): ReturnType<RunningProcess["stop"]> {
	const timer = setTimeout(() => client.kill("SIGKILL"), timeoutMs);
	return await client.exited.finally(() => clearTimeout(timer));
}

/** Plays until `until` resolves: without a BYE, rtspsrc waits for packets by UDP for ever. */
export async function gstreamerPlays(
	url: string,
	protocols: "udp" | "tcp" | "udp-mcast",
	until: Promise<unknown>,
	more: readonly string[] = [],
	launch: Launch = startProcess,
): Promise<Verdict> {
	const output = join(makeTempDir("rtsp"), "seen.h264");
	const source = ["rtspsrc", `location=${url}`, `protocols=${protocols}`, "multicast-iface=lo", "name=source", ...more];
	const video =
		"source. ! application/x-rtp,media=video ! rtph264depay ! h264parse ! video/x-h264,stream-format=byte-stream";
	const sound = "source. ! application/x-rtp,media=audio ! fakesink";
	const elements = [...source, ...sound.split(" "), ...video.split(" "), "!", "filesink", `location=${output}`];
	const player = launch("gst-launch-1.0", ["-q", "-e", ...elements], {
		env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
	});
	await until;
	player.kill("SIGINT");
	await endOf(player, 10_000);
	return await readCounters(output);
}

/**
 * Plays so many pictures, and goes. The stream has no sound.
 * @param device on which a group's packets come
 */
export async function gstreamerTakes(
	url: string,
	protocols: "udp" | "tcp" | "udp-mcast",
	pictures: number,
	{ launch = startProcess, device = "lo" }: { readonly launch?: Launch; readonly device?: string } = {},
): Promise<Verdict> {
	const output = join(makeTempDir("rtsp"), "seen.h264");
	const source = `rtspsrc location=${url} protocols=${protocols} multicast-iface=${device}`;
	const form = "video/x-h264,stream-format=byte-stream,alignment=au";
	const pipeline = `${source} ! rtph264depay ! h264parse ! ${form} ! identity eos-after=${pictures}`;
	const player = launch("gst-launch-1.0", ["-q", ...pipeline.split(" "), "!", "filesink", `location=${output}`], {
		env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
	});
	const { code } = await endOf(player, LONGEST_PLAY_MS);
	if (code !== 0 && !OWN_CANCEL.test(player.stderr)) throw new Error(`GStreamer did not play: ${player.lastWords()}`);
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
