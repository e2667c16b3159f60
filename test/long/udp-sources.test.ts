/**
 * What comes by UDP without a connection, and by SRT, as a channel's source: FFmpeg and GStreamer send, viewers see every
 * frame once. The loopback loses nothing; where a network does, that is the sender's and the network's.
 */
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { freePort } from "../kit/ports.ts";
import { startProcess } from "../kit/processes.ts";
import { expectFrames, PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";

const GROUP = "239.255.17.4";
const LADDER = { ...PUBLISHED, audio: "none" };

type Send = (port: number) => Promise<void>;

const ffmpeg =
	(output: (port: number) => readonly string[]): Send =>
	async (port) =>
		void publishWithFfmpeg(output(port));

/** SRT's callers call again, as encoders do: the first call is answered by the probe. */
async function callAgain(port: number, mode: string): Promise<void> {
	const url = `srt://127.0.0.1:${port}?mode=${mode}`;
	const send = `while :; do ffmpeg -v error -nostdin -re -stream_loop -1 -i "$1" -c copy -f mpegts "${url}"; done`;
	const sending = startProcess("sh", [
		"-c",
		send,
		"sh",
		await makeClip({ container: "ts", seconds: 60, gopFrames: 15 }),
	]);
	onTestFinished(async () => void (await sending.stop()));
}

async function gstreamer(port: number, payloader: string): Promise<void> {
	const clip = await makeClip({ container: "flv", seconds: 60, gopFrames: 15 });
	const pipeline = `filesrc location=${clip} ! flvdemux ! h264parse config-interval=-1 ! mpegtsmux alignment=7 ! ${payloader} ! udpsink sync=true host=127.0.0.1 port=${port}`;
	const sending = startProcess("gst-launch-1.0", ["-q", ...pipeline.split(" ")]);
	onTestFinished(async () => void (await sending.stop()));
}

interface Way {
	readonly name: string;
	readonly source: (port: number) => string;
	readonly send: Send;
}

const WAYS: readonly Way[] = [
	{
		name: "FFmpeg: MPEG-TS over UDP",
		source: (port: number) => `udp://127.0.0.1:${port}`,
		send: ffmpeg((port) => ["-f", "mpegts", `udp://127.0.0.1:${port}?pkt_size=1316`]),
	},
	{
		name: "FFmpeg: MPEG-TS over UDP to a group, of one sender",
		source: (port: number) => `udp://${GROUP}:${port}?localaddr=127.0.0.1&sources=127.0.0.1`,
		send: ffmpeg((port) => ["-f", "mpegts", `udp://${GROUP}:${port}?localaddr=127.0.0.1&ttl=0&pkt_size=1316`]),
	},
	{
		name: "FFmpeg: MPEG-TS in RTP",
		source: (port: number) => `rtp://127.0.0.1:${port}`,
		send: ffmpeg((port) => ["-f", "rtp_mpegts", `rtp://127.0.0.1:${port}`]),
	},
	{
		name: "GStreamer: MPEG-TS over UDP",
		source: (port: number) => `udp://127.0.0.1:${port}`,
		send: (port: number) => gstreamer(port, "queue"),
	},
	{
		name: "GStreamer: MPEG-TS in RTP",
		source: (port: number) => `rtp://127.0.0.1:${port}`,
		send: (port: number) => gstreamer(port, "rtpmp2tpay"),
	},
	{
		name: "SRT, called by the encoder",
		source: (port: number) => `srt://127.0.0.1:${port}?mode=listener`,
		send: (port: number) => callAgain(port, "caller"),
	},
	{
		name: "SRT, called by us",
		source: (port: number) => `srt://127.0.0.1:${port}?mode=caller`,
		send: (port: number) => callAgain(port, "listener"),
	},
];

test.for(WAYS)("$name: every frame once", async ({ source, send }) => {
	const port = await freePort();
	const server = await startPublishing({ channels: { cam: { ...LADDER, source: source(port) } } });
	await send(port);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	await expectFrames(`${server.penstock.http}/live/cam.mp4`);
});

test("of a group only those are heard who are named, and what is missing is told", async () => {
	const port = await freePort();
	const source = `udp://${GROUP}:${port}?localaddr=127.0.0.1&sources=127.0.0.2`;
	const server = await startPublishing({ channels: { cam: { ...LADDER, source } } });
	publishWithFfmpeg(["-f", "mpegts", `udp://${GROUP}:${port}?localaddr=127.0.0.1&ttl=0&pkt_size=1316`]);
	await eventually(async () => {
		const { ladder } = await server.penstock.channel("live/cam");
		expect(ladder.lastError).toMatch(/^SOURCE_UNREACHABLE: .*udp:\/\/239\.255\.17\.4.*check that it is sending/);
	}, 30_000);
});
