/**
 * Publishers of other makes, and the ways by which each of them brings one clip at its own pace: a row of the publishers'
 * matrix is one of these.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../src/base/errors.ts";
import { TagScanner } from "../../src/media/flv/tag-scanner.ts";
import { type RunningProcess, startProcess } from "./processes.ts";

/** Where a publisher goes. */
export interface Destination {
	/** `rtmp://127.0.0.1:port/live/name`, and so on. */
	readonly rtmp: string;
	readonly rtsp: string;
	readonly http: string;
	/** Where a channel with a source of its own listens. */
	readonly port: number;
	/** FLV: H.264 in GOPs of 15 pictures, no sound. */
	readonly clip: string;
}

/** Goes on until the clip's end, or until it is stopped. */
export interface Publishing {
	stop(): Promise<unknown>;
	lastWords(): string;
}

export interface Publisher {
	readonly make: "FFmpeg" | "GStreamer" | "node-media-server";
	/** As docs/interop.md has it. */
	readonly by: string;
	/** The channel's source: `publish` where this is left out. */
	readonly source?: (port: number) => string;
	readonly start: (to: Destination) => Promise<Publishing> | Publishing;
}

/** @param output what ends the command line */
function ffmpeg(clip: string, output: readonly string[]): RunningProcess {
	const input = ["-hide_banner", "-v", "error", "-nostdin", "-re", "-i", clip, "-map", "0:v", "-c", "copy"];
	return startProcess("ffmpeg", [...input, ...output]);
}

/** @param sink of the paced elementary stream, as text for `gst-launch-1.0` */
function gstreamer(clip: string, sink: string): RunningProcess {
	const source = `filesrc location=${clip} ! flvdemux name=demux demux.video ! queue ! h264parse config-interval=-1`;
	return startProcess("gst-launch-1.0", ["-q", ...`${source} ! ${sink}`.split(" ")]);
}

const PACE = "identity sync=true";

/** One request whose body has no end. */
const gstreamerPush = (muxer: string, type: string) => (to: Destination) =>
	gstreamer(to.clip, `${PACE} ! ${muxer} ! curlhttpsink location=${to.http} content-type=${type}`);

const ffmpegPush =
	(form: string, type: string, more: readonly string[] = []) =>
	(to: Destination) =>
		ffmpeg(to.clip, [...more, "-f", form, "-method", "PUT", "-content_type", type, to.http]);

const FRAGMENTS = ["-movflags", "frag_every_frame+empty_moov+default_base_moof"];

export const RTMP_PUBLISHERS: readonly Publisher[] = [
	{ make: "FFmpeg", by: "RTMP", start: (to) => ffmpeg(to.clip, ["-f", "flv", to.rtmp]) },
	{
		...{ make: "GStreamer", by: "RTMP" },
		start: (to) => gstreamer(to.clip, `flvmux streamable=true ! ${PACE} ! rtmp2sink location=${to.rtmp}`),
	},
	{ make: "node-media-server", by: "RTMP", start: nodeMediaServer },
];

export const RTSP_PUBLISHERS: readonly Publisher[] = (["udp", "tcp"] as const).flatMap((lower) => [
	{
		...{ make: "FFmpeg" as const, by: `RTSP/${lower.toUpperCase()}` },
		start: (to: Destination) => ffmpeg(to.clip, ["-f", "rtsp", "-rtsp_transport", lower, to.rtsp]),
	},
	{
		...{ make: "GStreamer" as const, by: `RTSP/${lower.toUpperCase()}` },
		start: (to: Destination) => gstreamer(to.clip, `${PACE} ! rtspclientsink location=${to.rtsp} protocols=${lower}`),
	},
]);

export const HTTP_PUBLISHERS: readonly Publisher[] = [
	{ make: "FFmpeg", by: "HTTP, TS", start: ffmpegPush("mpegts", "video/mp2t") },
	{ make: "FFmpeg", by: "HTTP, FLV", start: ffmpegPush("flv", "video/x-flv") },
	{ make: "FFmpeg", by: "HTTP, MP4", start: ffmpegPush("mp4", "video/mp4", FRAGMENTS) },
	{ make: "GStreamer", by: "HTTP, TS", start: gstreamerPush("mpegtsmux", "video/mp2t") },
	{ make: "GStreamer", by: "HTTP, FLV", start: gstreamerPush("flvmux streamable=true", "video/x-flv") },
	{
		...{ make: "GStreamer", by: "HTTP, MP4" },
		start: gstreamerPush("mp4mux streamable=true fragment-duration=100", "video/mp4"),
	},
];

const transportStream = (port: number): string => `udp://127.0.0.1:${port}`;
const realTime = (port: number): string => `rtp://127.0.0.1:${port}`;
const secureReliable = (port: number): string => `srt://127.0.0.1:${port}?mode=listener`;

/** Those that a channel hears by a source of its own. */
export const SOURCE_PUBLISHERS: readonly Publisher[] = [
	{
		...{ make: "FFmpeg", by: "UDP, TS", source: transportStream },
		start: (to) => ffmpeg(to.clip, ["-f", "mpegts", `udp://127.0.0.1:${to.port}?pkt_size=1316`]),
	},
	{
		...{ make: "GStreamer", by: "UDP, TS", source: transportStream },
		start: (to) =>
			gstreamer(to.clip, `${PACE} ! mpegtsmux alignment=7 ! udpsink sync=false host=127.0.0.1 port=${to.port}`),
	},
	{
		...{ make: "FFmpeg", by: "RTP, TS", source: realTime },
		start: (to) => ffmpeg(to.clip, ["-f", "rtp_mpegts", `rtp://127.0.0.1:${to.port}`]),
	},
	{
		...{ make: "GStreamer", by: "RTP, TS", source: realTime },
		start: (to) =>
			gstreamer(
				to.clip,
				`${PACE} ! mpegtsmux alignment=7 ! rtpmp2tpay ! udpsink sync=false host=127.0.0.1 port=${to.port}`,
			),
	},
	{
		...{ make: "FFmpeg", by: "SRT", source: secureReliable },
		start: (to) => again(() => ffmpeg(to.clip, ["-f", "mpegts", `srt://127.0.0.1:${to.port}?pkt_size=1316`])),
	},
	{
		...{ make: "GStreamer", by: "SRT", source: secureReliable },
		start: (to) =>
			again(() => gstreamer(to.clip, `${PACE} ! mpegtsmux alignment=7 ! srtsink uri=srt://127.0.0.1:${to.port}`)),
	},
];

/** A caller whose listener is not there yet, or has looked at the stream and gone, calls again as a person would. */
function again(start: () => RunningProcess): Publishing {
	let stopped = false;
	let running = start();
	const watch = (): void => {
		void running.exited.then(() => {
			if (stopped) return;
			running = start();
			watch();
		});
	};
	watch();
	return {
		stop: () => {
			stopped = true;
			return running.stop();
		},
		lastWords: () => running.lastWords(),
	};
}

interface ForeignClient {
	onErrorCallback: (error: Error) => void;
	connect(url: string): Promise<void>;
	sendConnect(): Promise<unknown>;
	sendCreateStream(): Promise<number>;
	sendPublish(name: string): Promise<unknown>;
	sendPacket(packet: object): void;
	disconnect(): void;
}

/** Its client, in this process: the clip's tags, each when it is due. */
async function nodeMediaServer(to: Destination): Promise<Publishing> {
	const require = createRequire(import.meta.url);
	const Client = require("node-media-server/src/protocol/rtmp_client.js") as new () => ForeignClient;
	const client = new Client();
	let trouble = "";
	client.onErrorCallback = ({ message }) => (trouble = message);
	await client.connect(to.rtmp);
	await client.sendConnect();
	await client.sendCreateStream();
	await client.sendPublish(to.rtmp.split("/").at(-1)!);
	const tags: { codec_type: number; dts: number; size: number; data: Buffer }[] = [];
	const scanner = new TagScanner({
		tag: ({ type, ms, body }) => {
			const data = Buffer.from(body);
			tags.push({ codec_type: type, dts: ms, size: data.length, data });
		},
		header: () => undefined,
		lost: (_, why) => {
			throw new Error(`the clip is damaged: ${why}`);
		},
	});
	scanner.push(readFileSync(to.clip));
	const start = performance.now();
	let next = 0;
	const timer = setInterval(() => {
		try {
			for (; next < tags.length && tags[next]!.dts <= performance.now() - start; next++) client.sendPacket(tags[next]!);
		} catch (error) {
			// The server has gone.
			clearInterval(timer);
			trouble = messageOf(error);
		}
	}, 10);
	return {
		stop: async () => {
			clearInterval(timer);
			client.disconnect();
		},
		lastWords: () => trouble,
	};
}

/** A port of the loopback that nobody has for UDP. */
export async function freeUdpPort(): Promise<number> {
	const socket = createSocket("udp4").bind(0, "127.0.0.1");
	await once(socket, "listening");
	const { port } = socket.address() as AddressInfo;
	socket.close();
	await once(socket, "close");
	return port;
}
