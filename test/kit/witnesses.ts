/**
 * Independent witnesses: players that know nothing of this house read a file or a URL, and say what they saw and
 * what they did not like. FFmpeg's decoder is in `signal-reader.ts` (`readCounters`), as the reader itself needs it;
 * here are ffprobe, GStreamer, VLC and mpv.
 *
 * A witness fails loudly when its tool is missing, and `witnesses.test.ts` shows each of them a damaged stream, so
 * that its silence means something.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { type ProcessOptions, runToEnd } from "./processes.ts";
import {
	BAR_FILTERS,
	BAR_HEIGHT,
	BAR_WIDTH,
	GrayFrames,
	readCounters,
	type Verdict,
	verdictOf,
} from "./signal-reader.ts";
import { makeTempDir } from "./temp-dir.ts";
import { BAR_SHARE } from "./test-signal.ts";

/** Lines that tell of the machine and not of the stream. The only place where a complaint may be left out. */
const ENVIRONMENT_NOISE: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
	{
		pattern: /basesrc .*pad not activated yet/,
		reason: "GStreamer's sources say it of any file when a pipeline starts",
	},
	{ pattern: /No value transform to serialize field 'session'/, reason: "souphttpsrc logs its own settings" },
	{ pattern: /dbus interface error|PulseAudio server connection/, reason: "VLC looks for a desktop that is not there" },
	{ pattern: /no suitable interface module|interface "[a-z]+,none" initialization failed/, reason: "the same" },
	{ pattern: /Failed to create video converter|Too high level of recursion/, reason: "VLC tries GPU converters first" },
	{ pattern: /x264 encoder warning/, reason: "of the encoder by which VLC writes what it saw, not of the stream" },
	{ pattern: /main mux warning: no more input streams for this mux/, reason: "VLC's own output file is being closed" },
	{ pattern: /ts demux debug: TS module discarded/, reason: "VLC asks every demuxer whether a file is its own" },
	{
		pattern: /unknown QuickTime node type Opus/,
		reason: "qtdemux has no name for the box, and reads it all the same",
	},
	{
		pattern: /Need to specify a color matrix|invalid colorimetry, using default/,
		reason: "GStreamer says it of pictures whose encoder did not tell their colours",
	},
	{ pattern: /flv_demux_pull_range:.*: eos$/, reason: "flvdemux meets the end of every file that way" },
	{
		pattern: /faad generic warning: decoded zero sample/,
		reason: "faad gives nothing for the first frame of anything",
	},
	{
		pattern: /^\[ffmpeg\] (Opening http|Could not set AVOption tls_verify|Mime-type: )/,
		reason: "mpv tells what it opens",
	},
];

/** As long as a witness may take, in milliseconds, where a test says nothing. */
const PATIENCE_MS = 120_000;

export interface WitnessOptions {
	readonly timeoutMs?: number;
}

export interface ProbedPacket {
	readonly track: string;
	/** In the stream's own time base (90 kHz for MPEG-TS); undefined where the container has none. */
	readonly pts: number | undefined;
	readonly dts: number | undefined;
	readonly ptsSeconds: number | undefined;
	readonly key: boolean;
	readonly byteLength: number;
	readonly streamIndex: number;
}

/** The packets as ffprobe's demuxer sees them, in the order of the file. */
export async function ffprobePackets(
	input: string,
	options: WitnessOptions = {},
): Promise<{ packets: ProbedPacket[]; warnings: string[] }> {
	const args = ["-hide_banner", "-v", "warning", "-show_packets", "-of", "compact=p=0", "-i", input];
	const { timeoutMs = PATIENCE_MS } = options;
	const ended = await runToEnd("ffprobe", args, { keepBytes: 2 ** 28, timeoutMs });
	if (ended.code !== 0)
		throw new Error(`ffprobe ended with exit code ${ended.code}; its last words:\n${ended.lastWords()}`);
	const lines = ended.stdout.split("\n").filter((line) => line.startsWith("codec_type="));
	return { packets: lines.map(readPacket), warnings: ended.stderr.split("\n").filter((line) => line.trim() !== "") };
}

/**
 * GStreamer, every picture; warnings of all its elements.
 * @param options.demuxer elements from bytes to coded pictures; "tsdemux" where this is left out
 * @param options.decoder elements from these to pictures; those for H.264 where this is left out
 */
export async function gstreamerDecode(
	input: string,
	options: WitnessOptions & { readonly demuxer?: string; readonly decoder?: string } = {},
): Promise<Verdict> {
	const { demuxer = "tsdemux", decoder = "h264parse ! avdec_h264", timeoutMs = PATIENCE_MS } = options;
	const height = BAR_HEIGHT * BAR_SHARE;
	const frames = new GrayFrames(BAR_WIDTH, height, BAR_SHARE);
	const elements = [...gstreamerSource(input), "!", ...demuxer.split(" "), "!", ...decoder.split(" "), "!"];
	elements.push("videoconvert", "dither=none", "!", "videoscale", "add-borders=false", "!");
	elements.push(`video/x-raw,format=GRAY8,width=${BAR_WIDTH},height=${height}`, "!", "fdsink", "fd=1", "sync=false");
	const ended = await runToEnd("gst-launch-1.0", ["-q", ...elements], {
		env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
		onStdout: (bytes) => frames.push(bytes),
		keepBytes: 2 ** 24,
		timeoutMs,
	});
	return verdictOf(ended, frames.readings, complaints(ended.stderr, /./));
}

/**
 * How many pictures VLC keeps to itself at the end of a transport stream: its H.264 packetizer gives a picture out
 * when the next one begins. It is the last one in decoding order.
 */
export const VLC_KEEPS_LAST = 1;

/** Without its preparser, which reads the input as well, and complains of what it is cut off in. */
export const VLC_ARGUMENTS: readonly string[] = ["-I", "dummy", "-vv", "--no-auto-preparse"];

/**
 * VLC: plays to the end, decodes every picture (not just packets), and writes them to a file of its own, as many as
 * there are. Root may not run VLC, so that for root it runs as `nobody`; the input must be readable for that user.
 */
export async function vlcDecode(input: string, options: WitnessOptions = {}): Promise<Verdict> {
	const home = makeTempDir("vlc", 0o777);
	const output = join(home, "seen.mkv");
	const encoder = "vcodec=h264,venc=x264{preset=ultrafast,bframes=0},vb=4000,width=320,height=180";
	const args = [...VLC_ARGUMENTS, "--avcodec-hw=none", "--no-sout-audio", "--play-and-exit", input];
	args.push("--sout", `#transcode{${encoder}}:std{access=file,mux=mkv,dst=${output}}`, "vlc://quit");
	const ended = await runToEnd("vlc", args, {
		env: { HOME: home, XDG_RUNTIME_DIR: undefined, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined },
		keepBytes: 2 ** 26,
		timeoutMs: options.timeoutMs ?? PATIENCE_MS,
		...unprivileged(),
	});
	const complaining = complaints(ended.stderr, / (warning|error): |lost sync|discontinuity|corrupt/);
	const seen = await readCounters(createReadStream(output)).catch((error: Error) => {
		const words = [...complaining.slice(0, 10), ended.lastWords()].join("\n");
		throw new Error(`VLC wrote no picture; its complaints and its last words:\n${words}`, { cause: error });
	});
	return verdictOf(ended, seen.counters, complaining);
}

/** mpv: decodes every picture, as fast as it can; what its demuxer and decoder say. */
export async function mpvDecode(input: string, options: WitnessOptions = {}): Promise<Verdict> {
	const output = join(makeTempDir("mpv"), "seen.gray");
	// mpv files what FFmpeg's demuxer and decoder complain of under "verbose".
	const args = ["--no-config", "--msg-level=all=warn,ffmpeg=v", "--term-status-msg=", "--input-terminal=no"];
	args.push("--aid=no", "--sid=no");
	args.push(`--vf=lavfi=[${BAR_FILTERS}]`, "--of=rawvideo", "--ovc=rawvideo", `--o=${output}`, input);
	const ended = await runToEnd("mpv", args, {
		keepBytes: 2 ** 24,
		timeoutMs: options.timeoutMs ?? PATIENCE_MS,
	});
	const frames = new GrayFrames(BAR_WIDTH, BAR_HEIGHT, 1);
	const pictures = createReadStream(output);
	try {
		for await (const bytes of pictures) frames.push(bytes);
	} catch (error) {
		throw new Error(`mpv wrote no picture; its last words:\n${ended.lastWords()}`, { cause: error });
	}
	return verdictOf(ended, frames.readings, complaints(`${ended.stdout}\n${ended.stderr}`, /./));
}

/** The lines that complain, without those about the machine. */
export function complaints(log: string, pattern: RegExp): string[] {
	return log
		.split("\n")
		.filter((line) => pattern.test(line) && !ENVIRONMENT_NOISE.some((noise) => noise.pattern.test(line)));
}

function readPacket(line: string): ProbedPacket {
	const fields = Object.fromEntries(line.split("|").map((field) => field.split("=", 2) as [string, string]));
	const number = (name: string): number | undefined => {
		const value = Number(fields[name] ?? "N/A");
		return Number.isNaN(value) ? undefined : value;
	};
	return {
		track: fields["codec_type"] ?? "",
		streamIndex: number("stream_index") ?? -1,
		pts: number("pts"),
		dts: number("dts"),
		ptsSeconds: number("pts_time"),
		byteLength: number("size") ?? 0,
		key: (fields["flags"] ?? "").startsWith("K"),
	};
}

/** VLC refuses to run as root. 65534 is `nobody` and `nogroup` on Debian. */
export function unprivileged(): Pick<ProcessOptions, "user"> {
	return process.getuid?.() === 0 ? { user: { uid: 65_534, gid: 65_534 } } : {};
}

export const gstreamerSource = (input: string): string[] => [
	isUrl(input) ? "souphttpsrc" : "filesrc",
	`location=${input}`,
];

const isUrl = (input: string): boolean => /^https?:/.test(input);
