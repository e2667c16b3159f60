/**
 * Multicast, each side in a network of its own: what comes by RTMP to a channel, and by RTSP in both ways, FFmpeg and
 * GStreamer get from a group, every frame once.
 */
import { expect, onTestFinished, test } from "vitest";
import { createLan, PORT_DEVICE } from "../kit/distribution/lan.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { CLI, writeConfig } from "../kit/penstock.ts";
import { ANYONE, COPIED_UNIT_MS } from "../kit/publishing.ts";
import { ffmpegPlays, gstreamerTakes, type Launch } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";

const PORTS = { rtmp: 1935, rtsp: 8554 } as const;
const PICTURES = 60;
const CHANNEL = {
	...{ source: "publish", unitMs: COPIED_UNIT_MS, audio: "none" },
	renditions: [{ name: "source", copy: true }],
};

test.each([
	["RTMP, to a channel", "channel", (host: string) => ["-f", "flv", `rtmp://${host}:${PORTS.rtmp}/live/channel`]],
	["RTSP on its connection", "relayed", (host: string) => rtspOutput(host, "tcp")],
	["RTSP by UDP", "relayed", (host: string) => rtspOutput(host, "udp")],
] as const)("what FFmpeg publishes by %s, FFmpeg and GStreamer play by multicast", async (_, name, output) => {
	const lan = createLan();
	const host = lan.server.ipv4;
	const rtsp = { listen: `${host}:${PORTS.rtsp}`, multicast: { groups: "239.255.82.0/24" } };
	const publish = { rtmp: { listen: `${host}:${PORTS.rtmp}` }, rtsp };
	const config = { channels: { channel: CHANNEL }, access: ANYONE, publish, distribution: { engine: "sockets" } };
	const server = lan.start(lan.server, process.execPath, [CLI, "serve", "-c", writeConfig(config)]);
	onTestFinished(async () => {
		await server.stop(15_000);
		lan.remove();
	});
	const [, api] = await server.waitForLine(/"api":"(http:[^"]+)".*"msg":"listening"/, 60_000);
	const clip = await makeClip({ container: "flv", seconds: 60, gopFrames: 15 });
	const input = ["-hide_banner", "-v", "error", "-nostdin", "-re", "-i", clip, "-c", "copy"];
	const publisher = lan.start(lan.publisher, "ffmpeg", [...input, ...output(host)]);
	await server.waitForLine(/"publisher joined"/, 30_000);
	if (name === "channel") {
		await eventually(async () => {
			const channel = lan.run(lan.server, "curl", "-s", `${api}/api/v1/channels/live/channel`);
			expect(JSON.parse(channel)).toMatchObject({ live: true });
		}, 30_000);
	}
	const launch: Launch = (...words) => lan.start(lan.receivers, ...words);
	const url = `rtsp://${host}:${PORTS.rtsp}/live/${name}`;
	const verdicts = await Promise.all([
		ffmpegPlays(url, "udp_multicast", ["-t", `${PICTURES / 30}`], launch),
		gstreamerTakes(url, "udp-mcast", PICTURES, { launch, device: PORT_DEVICE }),
	]);
	for (const { counters } of verdicts) {
		expectEveryFrameOnce(counters);
		expect(counters.length).toBeGreaterThan(PICTURES / 2);
	}
	await publisher.stop();
});

function rtspOutput(host: string, transport: "udp" | "tcp"): string[] {
	return ["-f", "rtsp", "-rtsp_transport", transport, `rtsp://${host}:${PORTS.rtsp}/live/relayed`];
}
