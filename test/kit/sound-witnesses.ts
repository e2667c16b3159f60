/**
 * The players of `witnesses.ts` once more, for the sound: each decodes the first audio track to PCM, and tells what it
 * did not like. What they gave is judged by `sound-reader.ts`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningProcess, runToEnd } from "./processes.ts";
import { SOUND_RATE_HZ } from "./sound-signal.ts";
import { makeTempDir } from "./temp-dir.ts";
import { complaints, gstreamerSource, unprivileged, VLC_ARGUMENTS } from "./witnesses.ts";

/** What a player gave out. */
export interface Sound {
	/** Two channels, interleaved, full scale 1, at 48 kHz. */
	readonly pcm: Float32Array;
	readonly warnings: readonly string[];
}

const PATIENCE_MS = 60_000;

/** FFmpeg; warnings of its demuxer and decoder. */
export async function ffmpegSound(input: string, inputOptions: readonly string[] = []): Promise<Sound> {
	const args = ["-hide_banner", "-v", "warning", "-nostdin", ...inputOptions, "-i", input, "-map", "0:a:0"];
	args.push("-f", "f32le", "-ac", "2", "-ar", String(SOUND_RATE_HZ), "pipe:1");
	const parts: Uint8Array[] = [];
	const ended = await runToEnd("ffmpeg", args, { onStdout: (bytes) => parts.push(bytes), timeoutMs: PATIENCE_MS });
	return soundOf(ended, floatsOf(Buffer.concat(parts)), complaints(ended.stderr, /./));
}

/**
 * GStreamer; warnings of all its elements.
 * @param demuxer elements from the bytes to coded frames
 * @param decoder elements from these to samples
 */
export async function gstreamerSound(input: string, demuxer: string, decoder = "aacparse ! avdec_aac"): Promise<Sound> {
	const format = `audio/x-raw,format=F32LE,channels=2,rate=${SOUND_RATE_HZ},layout=interleaved`;
	const elements = `! ${demuxer} ! ${decoder} ! audioconvert ! ${format} ! fdsink fd=1 sync=false`;
	const parts: Uint8Array[] = [];
	const ended = await runToEnd("gst-launch-1.0", ["-q", ...gstreamerSource(input), ...elements.split(" ")], {
		env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
		onStdout: (bytes) => parts.push(bytes),
		timeoutMs: PATIENCE_MS,
	});
	return soundOf(ended, floatsOf(Buffer.concat(parts)), complaints(ended.stderr, /./));
}

/** VLC, by way of a WAV file. */
export async function vlcSound(input: string): Promise<Sound> {
	const home = makeTempDir("vlc", 0o777);
	const output = join(home, "heard.wav");
	const args = [...VLC_ARGUMENTS, "--no-sout-video", "--play-and-exit", input];
	const format = `acodec=s16l,channels=2,samplerate=${SOUND_RATE_HZ}`;
	args.push("--sout", `#transcode{${format}}:std{access=file,mux=wav,dst=${output}}`, "vlc://quit");
	const ended = await runToEnd("vlc", args, {
		env: { HOME: home, XDG_RUNTIME_DIR: undefined, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined },
		keepBytes: 2 ** 26,
		timeoutMs: PATIENCE_MS,
		...unprivileged(),
	});
	return soundOf(
		ended,
		samplesOf(output),
		complaints(ended.stderr, / (warning|error): |lost sync|discontinuity|corrupt/),
	);
}

/** mpv, by way of a WAV file. */
export async function mpvSound(input: string): Promise<Sound> {
	const output = join(makeTempDir("mpv"), "heard.wav");
	const args = ["--no-config", "--msg-level=all=warn,ffmpeg=v", "--term-status-msg=", "--input-terminal=no"];
	args.push("--vid=no", "--sid=no", "--of=wav", "--oac=pcm_s16le", `--o=${output}`, input);
	const ended = await runToEnd("mpv", args, { keepBytes: 2 ** 24, timeoutMs: PATIENCE_MS });
	// It fills the encoder's last block, some thousand samples, with silence.
	const pcm = samplesOf(output);
	const end = pcm.findLastIndex((sample) => sample !== 0) + 1;
	return soundOf(ended, pcm.subarray(0, end + (end % 2)), complaints(`${ended.stdout}\n${ended.stderr}`, /./));
}

/** @throws Error when there is no sound at all */
function soundOf(
	ended: RunningProcess & { readonly code: number | null },
	pcm: Float32Array,
	complaining: readonly string[],
): Sound {
	if (pcm.length === 0) throw new Error(`${ended.command} gave no sound; its last words:\n${ended.lastWords()}`);
	const warnings = complaining.map((line) => line.trim()).filter((line) => line !== "");
	if (ended.code !== 0) warnings.push(`${ended.command} ended with exit code ${ended.code}`);
	return { pcm, warnings };
}

/** The samples of a WAV file with 16 bits each; none where there is no file. */
function samplesOf(path: string): Float32Array {
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch {
		return new Float32Array();
	}
	// RIFF, then chunks. A file that was written as a stream may not know how long its last chunk is.
	let at = 12;
	while (bytes.toString("latin1", at, at + 4) !== "data") {
		if (at + 8 > bytes.length) return new Float32Array();
		at += 8 + bytes.readUInt32LE(at + 4);
	}
	const length = Math.min(bytes.readUInt32LE(at + 4), bytes.length - at - 8);
	return Float32Array.from({ length: Math.floor(length / 2) }, (_, i) => bytes.readInt16LE(at + 8 + 2 * i) / 32_768);
}

const floatsOf = (bytes: Buffer): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);
