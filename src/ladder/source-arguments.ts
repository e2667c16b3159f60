/**
 * FFmpeg's arguments for a source. The only text of a user's that gets onto a command line is the path or URL, always
 * directly behind `-i`, and only after it was checked here. Protocols and demuxers are named for every source, so that
 * what comes in (a playlist, a concatenation script, a redirect) cannot make FFmpeg open anything else.
 */
import { resolve } from "node:path";
import { PenstockError } from "../base/errors.ts";
import type { Landing, SourceSpec } from "./ladder-config.ts";
import { testPictureGraph, testToneGraph } from "./test-pattern.ts";

/** How long FFmpeg itself waits on a socket, in microseconds; the ladder's own watch is shorter. */
const SOCKET_TIMEOUT_US = "10000000";
/**
 * How much of a live source is looked at before it is played, which is how long its start takes. ffprobe and a copy
 * need a key picture in it (GOPs of 2 s); a decoder that begins between two key pictures finds its way by itself.
 */
const ANALYZE_TO_KNOW_US = "2500000";
const ANALYZE_TO_DECODE_US = "500000";
const LONGEST_SOURCE = 4096;

const CONTAINERS = "mov,matroska,mpegts,flv,avi,mpeg,mxf,ogg,asf,nut";

interface Scheme {
	/** What FFmpeg may open to read this, nested protocols included. */
	readonly protocols: string;
	/** Options that name the demuxer, or those that may be chosen from. */
	readonly demuxer: readonly string[];
	readonly options: readonly string[];
}

const SOCKET_OPTIONS = ["-rw_timeout", SOCKET_TIMEOUT_US];
const RTSP_OPTIONS = ["-rtsp_transport", "tcp", "-timeout", SOCKET_TIMEOUT_US];
const HTTP: Scheme = {
	protocols: "http,https,tls,tcp",
	demuxer: ["-format_whitelist", `${CONTAINERS},hls`],
	options: SOCKET_OPTIONS,
};

const SCHEMES: Readonly<Record<string, Scheme>> = {
	rtsp: { protocols: "rtp,tcp", demuxer: ["-f", "rtsp"], options: RTSP_OPTIONS },
	rtsps: { protocols: "rtp,tls,tcp", demuxer: ["-f", "rtsp"], options: RTSP_OPTIONS },
	srt: { protocols: "srt", demuxer: ["-f", "mpegts"], options: SOCKET_OPTIONS },
	udp: {
		protocols: "udp",
		demuxer: ["-f", "mpegts"],
		options: ["-timeout", SOCKET_TIMEOUT_US, "-overrun_nonfatal", "1"],
	},
	// Its demuxer takes no time-out; the ladder has one.
	// Its demuxer takes no time-out; the ladder has one.
	rtp: { protocols: "rtp,udp", demuxer: ["-f", "rtp"], options: [] },
	http: HTTP,
	https: HTTP,
	rtmp: { protocols: "rtmp,tcp", demuxer: ["-f", "flv"], options: SOCKET_OPTIONS },
	tcp: { protocols: "tcp", demuxer: ["-format_whitelist", CONTAINERS], options: SOCKET_OPTIONS },
};

/** Of the socket for a rule's packets: what a kernel gives that nobody has told otherwise. FFmpeg empties it by a thread. */
const LANDING_SOCKET_BYTES = 425_984;
/** Behind the socket, in transport packets of 188 bytes: 10 MiB. */
const LANDING_QUEUE_PACKETS = 57_344;

/** The protocols that FFmpeg must have for this source. */
export function sourceProtocols(source: SourceSpec): readonly string[] {
	switch (source.kind) {
		case "test-pattern":
			return [];
		case "file":
			return ["file"];
		case "url":
			return schemeOf(source.url).protocols.split(",");
		case "rule":
			return ["udp", "rtp", "data"];
		case "published":
			return ["pipe"];
		case "ready":
			return [];
	}
}

/** How the source is to be read: as FFmpeg plays it, or as ffprobe looks at it. */
export type Reading =
	| { readonly kind: "probe" }
	| { readonly kind: "play"; readonly copies: boolean; readonly withVideo: boolean };

/**
 * The input's options, `-i` and the source; nothing of it needs a shell.
 * @throws PenstockError SOURCE_UNSUPPORTED
 */
export function sourceArguments(source: SourceSpec, reading: Reading): string[] {
	const play = reading.kind === "play";
	switch (source.kind) {
		case "test-pattern": {
			if (!play) return ["-f", "lavfi", "-i", `${testPictureGraph(source)};${testToneGraph(1)}`];
			const paced = (graph: string): string[] => ["-re", "-f", "lavfi", "-i", graph];
			// An input of its own: FFmpeg reads several by threads, and the tone does not wait for each picture to be encoded.
			return [...(reading.withVideo ? paced(testPictureGraph(source)) : []), ...paced(testToneGraph(0))];
		}
		case "file": {
			const pace = play ? ["-re", ...(source.loop ? ["-stream_loop", "-1"] : [])] : [];
			const guard = ["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS];
			checkText(source.path, "path");
			return [...pace, ...guard, "-i", `file:${resolve(source.path)}`];
		}
		case "url": {
			const { protocols, demuxer, options } = schemeOf(source.url);
			return [...liveOptions(reading), "-protocol_whitelist", protocols, ...options, ...demuxer, "-i", source.url];
		}
		case "rule":
			return [...liveOptions(reading), ...landingArguments(source.landing ?? NO_LANDING)];
		case "published": {
			// It begins with a key picture, for a copy too.
			const guard = ["-protocol_whitelist", "pipe", "-f", source.form ?? "flv"];
			return [...liveOptions({ kind: "play", copies: false, withVideo: true }), ...guard, "-i", "pipe:0"];
		}
		case "ready":
			throw new Error("what comes ready-made has no one source that FFmpeg could open");
	}
}

/** For a check of the other arguments. */
const NO_LANDING: Landing = { kind: "ts", port: 0 };

function liveOptions(reading: Reading): string[] {
	const play = reading.kind === "play";
	// Slices only: frame threads hold one picture back for every core.
	const decode = play ? ["-flags", "low_delay", "-thread_type", "slice"] : [];
	return [...decode, "-analyzeduration", play && !reading.copies ? ANALYZE_TO_DECODE_US : ANALYZE_TO_KNOW_US];
}

/** The port is on the loopback alone, so that nobody else's packets get in. */
function landingArguments(landing: Landing): string[] {
	switch (landing.kind) {
		case "ts": {
			const queue = `buffer_size=${LANDING_SOCKET_BYTES}&fifo_size=${LANDING_QUEUE_PACKETS}&overrun_nonfatal=1`;
			const url = `udp://127.0.0.1:${landing.port}?localaddr=127.0.0.1&timeout=${SOCKET_TIMEOUT_US}&${queue}`;
			return ["-protocol_whitelist", "udp", "-f", "mpegts", "-i", url];
		}
		case "rtp": {
			const description = Buffer.from(landing.sdp).toString("base64");
			return [
				...["-protocol_whitelist", "data,rtp,udp", "-localaddr", "127.0.0.1"],
				...["-buffer_size", String(LANDING_SOCKET_BYTES), "-f", "sdp"],
				...["-i", `data:application/sdp;base64,${description}`],
			];
		}
	}
}

/** Which of the inputs has the sound. */
export const audioInput = (source: SourceSpec, withVideo: boolean): number =>
	source.kind === "test-pattern" && withVideo ? 1 : 0;

/** The source for people and logs, without what is secret in it. */
export function sourceLabel(source: SourceSpec): string {
	switch (source.kind) {
		case "test-pattern":
			return "test pattern";
		case "file":
			return `file ${JSON.stringify(source.path.slice(0, 200))}`;
		case "url":
			return withoutSecrets(source.url.slice(0, 200));
		case "rule":
			return `rule ${source.rule}`;
		case "published":
			return "whoever publishes";
		case "ready":
			return "an input for each rendition";
	}
}

/** Takes user names, passwords and the like out of any text that may quote a URL. */
export const withoutSecrets = (text: string): string =>
	text
		.replace(/(\w:\/\/)[^/\s]*@(?=[^/\s])/g, "$1***@")
		.replace(/\b(passphrase|password|pass|pwd|streamid|srt_streamid|token|key|secret|auth)=[^&\s'"]*/gi, "$1=***");

function schemeOf(url: string): Scheme {
	checkText(url, "URL");
	const name = /^([a-z]+):\/\//.exec(url)?.[1] ?? "";
	const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined;
	if (scheme === undefined) {
		throw unsupported(url, `has none of the schemes ${Object.keys(SCHEMES).join(" ")} (in small letters, with ://)`);
	}
	if (/\s/.test(url) || !URL.canParse(url)) throw unsupported(url, "is not a URL; write it without spaces");
	return scheme;
}

function checkText(text: string, what: string): void {
	if (text.length === 0) throw unsupported(text, `is empty; give a ${what}`);
	if (text.length > LONGEST_SOURCE) {
		throw unsupported(text, `has ${text.length} characters; ${LONGEST_SOURCE} are the most`);
	}
	if (text.startsWith("-")) throw unsupported(text, `begins with "-", as an option does; give a ${what}`);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (/[\u0000-\u001f\u007f]/.test(text)) throw unsupported(text, `has control characters in it; give a ${what}`);
}

const unsupported = (text: string, why: string): PenstockError =>
	new PenstockError("SOURCE_UNSUPPORTED", `the source ${JSON.stringify(withoutSecrets(text.slice(0, 80)))} ${why}.`);
