/**
 * Programs of other people's at both ends: FFmpeg publishes MPEG-TS and RTP with RTCP, ffprobe and GStreamer receive, and
 * each counts every frame. The engines work side by side, each in a network of its own.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTENDERS, Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { createLan, type Lan } from "../kit/distribution/lan.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import type { RunningProcess } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const [WIDTH, HEIGHT, FRAMES] = [320, 180, 90];
const I420_BYTES = (WIDTH * HEIGHT * 3) / 2;
/** MPEG-TS over UDP has no end; ffprobe takes silence for one. (RTP ends with a BYE, by the rule for RTCP.) */
const SILENCE_MS = 4000;

/** Where each receiver listens; RTCP comes to the port after RTP's. */
const PORTS = { tsToFfprobe: 7000, tsToGstreamer: 7001, rtpToFfprobe: 7002, rtpToGstreamer: 7004 } as const;
const MATCH = { ts: 5004, rtp: 5006, rtcp: 5007 } as const;

const TS = "tsparse ! tsdemux";
const RTP_CAPS = "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264";

test.concurrent.each(CONTENDERS)("%s: FFmpeg publishes, ffprobe and GStreamer get every frame", async (contender) => {
	const lan = createLan();
	const distribution = await Distribution.start(engineOf(contender, lan.server));
	try {
		const to = (...ports: number[]) => ports.map((port) => ({ address: lan.receivers.ipv4, port }));
		const rules = {
			ts: to(PORTS.tsToFfprobe, PORTS.tsToGstreamer),
			rtp: to(PORTS.rtpToFfprobe, PORTS.rtpToGstreamer),
			rtcp: to(PORTS.rtpToFfprobe + 1, PORTS.rtpToGstreamer + 1),
		};
		for (const media of ["ts", "rtp", "rtcp"] as const) {
			const match = { address: lan.server.ipv4, port: MATCH[media] };
			await distribution.put({ name: media, match, media, receivers: rules[media] });
		}
		const clip = await makeClip({ container: "ts", width: WIDTH, height: HEIGHT, seconds: FRAMES / 30 });
		const directory = makeTempDir("players");
		const sdp = join(directory, "rtp.sdp");
		writeFileSync(sdp, describeRtp(lan));
		const silence = `timeout=${SILENCE_MS * 1000}`;
		const probes = [
			startProbe(lan, [`udp://${lan.receivers.ipv4}:${PORTS.tsToFfprobe}?${silence}`]),
			startProbe(lan, ["-protocol_whitelist", "file,udp,rtp", sdp]),
		];
		const [fromTs, fromRtp] = [join(directory, "ts.i420"), join(directory, "rtp.i420")];
		const launched = [
			startGstreamer(lan, PORTS.tsToGstreamer, undefined, TS, fromTs),
			startGstreamer(lan, PORTS.rtpToGstreamer, RTP_CAPS, "rtph264depay", fromRtp),
		];
		await eventually(async () => {
			const sockets = lan.run(lan.receivers, "ss", "-Huln");
			for (const port of Object.values(PORTS)) expect(sockets).toContain(`:${port} `);
		});

		await publishClip(lan, clip);
		for (const [index, path] of [fromTs, fromRtp].entries()) {
			await nearlyAll(path);
			const gstreamer = launched[index]!;
			gstreamer.kill("SIGINT");
			await gstreamer.exited;
			expect(framesIn(path)).toBe(FRAMES);
		}
		expect(readFileSync(fromTs).equals(readFileSync(fromRtp))).toBe(true);
		for (const probe of probes) {
			expect(await probe.exited).toEqual({ code: 0, signal: null });
			// Of MPEG-TS ffprobe tells it twice: of the stream, and of the stream as a part of its programme.
			expect(new Set(probe.stdout.match(/\d+/g))).toEqual(new Set([`${FRAMES}`]));
		}
		const { drops } = await distribution.engine.stats({});
		expect(drops).not.toHaveProperty("queue-full");
	} finally {
		await distribution.stop();
		lan.remove();
	}
});

/** The last pictures stay in parsers until the end; so: until nothing more comes. */
async function nearlyAll(path: string): Promise<void> {
	await eventually(async () => expect(framesIn(path)).toBeGreaterThan(FRAMES - 5));
	for (let before = -1; before !== framesIn(path); ) {
		before = framesIn(path);
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}

const framesIn = (path: string): number => statSync(path).size / I420_BYTES;

const describeRtp = (lan: Lan): string =>
	[
		"v=0",
		`o=- 0 0 IN IP4 ${lan.publisher.ipv4}`,
		"s=test",
		`c=IN IP4 ${lan.receivers.ipv4}`,
		"t=0 0",
		`m=video ${PORTS.rtpToFfprobe} RTP/AVP 96`,
		"a=rtpmap:96 H264/90000",
		"a=fmtp:96 packetization-mode=1",
		"",
	].join("\r\n");

function startProbe(lan: Lan, source: readonly string[]): RunningProcess {
	const count = ["-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"];
	return lan.start(lan.receivers, "ffprobe", ["-v", "error", ...count, ...source]);
}

function startGstreamer(lan: Lan, port: number, caps: string | undefined, demux: string, to: string): RunningProcess {
	const source = `udpsrc address=${lan.receivers.ipv4} port=${port} buffer-size=2000000`;
	const coded = `${source}${caps === undefined ? "" : ` caps=${caps}`} ! ${demux} ! h264parse`;
	const pictures = "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=I420";
	const words = `${coded} ! ${pictures} ! filesink location=${to} buffer-mode=unbuffered`;
	return lan.start(lan.receivers, "gst-launch-1.0", ["-q", "-e", ...words.split(" ")]);
}

async function publishClip(lan: Lan, clip: string): Promise<void> {
	const to = (port: number): string => `${lan.server.ipv4}:${port}`;
	const copied = ["-map", "0:v", "-c", "copy"];
	const ts = [...copied, "-f", "mpegts", `udp://${to(MATCH.ts)}?pkt_size=1316`];
	const rtp = [...copied, "-f", "rtp", "-rtpflags", "send_bye", `rtp://${to(MATCH.rtp)}?pkt_size=1400`];
	const publisher = lan.start(lan.publisher, "ffmpeg", ["-v", "error", "-re", "-i", clip, ...ts, ...rtp]);
	const { code } = await publisher.exited;
	if (code !== 0) throw new Error(`FFmpeg ended with ${code}:\n${publisher.lastWords()}`);
}
