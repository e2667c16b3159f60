/**
 * Makes clips of the test signal with FFmpeg, each once per machine: a clip is kept under a name that depends on
 * every argument and on FFmpeg's version, and put there in one step, so that tests in parallel share it safely.
 * The wall clock in a kept clip is that of its making; use `testSignalGraph` live where the clock matters.
 */
import { createHash } from "node:crypto";
import { accessSync, chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd } from "./processes.ts";
import { testSignalGraph } from "./test-signal.ts";

export interface Clip {
	readonly container: "ts" | "mp4" | "flv" | "mkv";
	/** 320 × 180 where these are left out. */
	readonly width?: number;
	readonly height?: number;
	/** Frames per second, or a fraction such as "30000/1001"; 30 where this is left out. */
	readonly frameRate?: number | string;
	/** 4 where this is left out. */
	readonly seconds?: number;
	/** Frames from one key frame to the next, no key frames besides; 30 where this is left out. */
	readonly gopFrames?: number;
	/** B-frames in a row; 0 where this is left out. */
	readonly bFrames?: number;
	/** Pictures that refer across the key frame, which is then not an IDR; needs B-frames. */
	readonly openGop?: boolean;
	/**
	 * AAC, 48 kHz, one channel, 64 kbit/s; or the sound of `sound-signal.ts` without loss, for what encodes it itself
	 * (in Matroska).
	 */
	readonly audio?: boolean | "numbered";
	/** False for a clip of sound alone. */
	readonly video?: boolean;
	readonly variableFrameRate?: boolean;
	readonly bitrateKbps?: number;
	/** H.264 profile: "baseline", "main", "high". */
	readonly profile?: string;
	/** The first frame's number. */
	readonly firstCounter?: number;
}

const MUXERS = { ts: "mpegts", mp4: "mp4", flv: "flv", mkv: "matroska" } as const;

let ffmpegVersion: Promise<string> | undefined;

/** Makes the clip, or finds it made, and gives its path. The file is shared: read it, never write to it. */
export async function makeClip(clip: Clip): Promise<string> {
	const args = clipArguments(clip);
	ffmpegVersion ??= runToEnd("ffmpeg", ["-version"]).then(({ stdout }) => stdout.split("\n")[0]!);
	const key = createHash("sha256")
		.update(JSON.stringify([await ffmpegVersion, args]))
		.digest("hex");
	const directory = join(tmpdir(), `penstock-clips-${process.getuid?.() ?? 0}`);
	const path = join(directory, `${key.slice(0, 24)}.${clip.container}`);
	if (exists(path)) return path;
	mkdirSync(directory, { recursive: true, mode: 0o755 });
	const unfinished = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
	const made = await runToEnd("ffmpeg", [...args, unfinished], { timeoutMs: 120_000 });
	if (made.code !== 0) {
		rmSync(unfinished, { force: true });
		throw new Error(`FFmpeg could not make a clip (exit code ${made.code}):\n${made.lastWords()}`);
	}
	chmodSync(unfinished, 0o644);
	renameSync(unfinished, path);
	return path;
}

function clipArguments(clip: Clip): string[] {
	const { container, width = 320, height = 180, frameRate = 30, seconds = 4, audio = false, video = true } = clip;
	if (clip.openGop && !clip.bFrames) throw new Error("an open GOP needs B-frames: set bFrames to 1 or more.");
	const { variableFrameRate = false, firstCounter = 0 } = clip;
	const graph = video
		? testSignalGraph({ width, height, frameRate, seconds, audio, variableFrameRate, firstCounter })
		: `sine=frequency=440:sample_rate=48000:d=${seconds}[out0]`;
	const args = ["-hide_banner", "-v", "error", "-nostdin", "-f", "lavfi", "-i", graph];
	if (video) args.push(...videoArguments(clip));
	if (audio === "numbered") args.push("-c:a", "pcm_s16le");
	else if (audio || !video) args.push("-c:a", "aac", "-b:a", "64k");
	if (container === "mp4") args.push("-movflags", "+faststart");
	return [...args, "-f", MUXERS[container], "-y"];
}

/** Fixed thread count: a clip's bytes do not depend on the machine's cores. */
function videoArguments(clip: Clip): string[] {
	const { gopFrames = 30, bFrames = 0, bitrateKbps = 600, profile } = clip;
	const args = ["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-c:v", "libx264", "-preset", "veryfast"];
	args.push("-threads", "2", "-b:v", `${bitrateKbps}k`, "-g", `${gopFrames}`, "-keyint_min", `${gopFrames}`);
	args.push("-sc_threshold", "0", "-bf", `${bFrames}`, "-x264-params", `open-gop=${clip.openGop ? 1 : 0}`);
	if (profile !== undefined) args.push("-profile:v", profile);
	return args;
}

function exists(path: string): boolean {
	try {
		accessSync(path);
		return true;
	} catch {
		return false;
	}
}
