/**
 * A channel that takes its input from a rule (D and S meet): FFmpeg publishes to the rule's address, the channel is one of
 * those that get the packets, and a viewer gets every frame in order.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { PlayEvent } from "../../src/terminal/figures.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startCli, startPenstock } from "../kit/penstock.ts";
import { startProcess } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { testSignalGraph } from "../kit/test-signal.ts";
import { TINY_LADDER, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";
import { freeUdpPort, LOOPBACK } from "./rules-rig.ts";

const SIGNAL = { width: 320, height: 180, frameRate: 30, seconds: 120, audio: false };
const PICTURES = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "15", "-b:v", "800k"];
const CHANNEL = { unitMs: TINY_UNIT_MS, renditions: TINY_LADDER, audio: "none" };

/** FFmpeg sends the test signal in real time. */
function publish(...output: readonly string[]): void {
	const input = ["-re", "-f", "lavfi", "-i", testSignalGraph(SIGNAL)];
	const sending = startProcess("ffmpeg", ["-hide_banner", "-v", "error", "-nostdin", ...input, ...PICTURES, ...output]);
	onTestFinished(async () => void (await sending.stop()));
}

async function serve(source: unknown, distribution: object): Promise<Penstock> {
	const penstock = await startPenstock({
		channels: { cam: { ...CHANNEL, source } },
		distribution: { engine: "node", ...distribution },
	});
	onTestFinished(() => penstock.stop());
	return penstock;
}

/** Watches for some seconds, and expects every frame once. */
async function expectFrames({ http, api }: Penstock): Promise<void> {
	await eventually(async () => {
		const channel = await (await fetch(`${api}/api/v1/channels/live/cam`)).json();
		expect(channel).toMatchObject({ live: true });
	}, 60_000);
	const playing = startCli(["play", `${http}/live/cam.ts`, "--json", "--count-frames", "--for", "4"]);
	const { code } = await playing.exited;
	const lines = playing.stdout.trim().split("\n");
	const end = JSON.parse(lines.at(-1)!) as Extract<PlayEvent, { event: "end" }>;
	expect([code, end], playing.lastWords()).toEqual([
		0,
		expect.objectContaining({ framesMissing: 0, framesRepeated: 0, framesUnreadable: 0, faults: 0 }),
	]);
	expect(end.framesDecoded).toBeGreaterThan(60);
}

test("MPEG-TS over UDP: the rule stays as it is, the channel stands beside its receivers", async () => {
	const port = await freeUdpPort();
	const rule = { name: "cam-1", match: `${LOOPBACK}:${port}`, media: "ts", receivers: [] };
	const penstock = await serve("rule://cam-1", { rules: [rule] });
	publish("-f", "mpegts", `udp://${LOOPBACK}:${port}?pkt_size=1316`);
	await expectFrames(penstock);
	const { body } = await penstock.call("GET", "/api/v1/rules/cam-1");
	expect(body).toMatchObject({ origin: "config", receivers: [{ address: LOOPBACK, owner: "channel live/cam" }] });
	expect((await penstock.call("GET", "/healthz")).status).toBe(200);
});

test("MPEG-TS in RTP, by a rule that comes later than the channel", async () => {
	const port = await freeUdpPort();
	const penstock = await serve("rule://cam-1", {});
	const { ladder } = await eventually(async () => {
		const channel = await penstock.channel("live/cam");
		expect(channel.ladder.lastError).toBeDefined();
		return channel;
	});
	expect(ladder).toMatchObject({
		state: "starting",
		lastError: "SOURCE_UNREACHABLE: channel live/cam: there is no rule cam-1 yet; it is waited for.",
	});
	publish("-f", "rtp_mpegts", `rtp://${LOOPBACK}:${port}?pkt_size=1316`);
	const rule = { match: `${LOOPBACK}:${port}`, media: "rtp", receivers: [] };
	expect((await penstock.call("PUT", "/api/v1/rules/cam-1", rule)).status).toBe(201);
	await expectFrames(penstock);
});

test("H.264 in RTP, as a session description has it", async () => {
	const port = await freeUdpPort();
	const sdp = join(makeTempDir("sdp"), "cam.sdp");
	const description = [
		"v=0",
		"o=- 0 0 IN IP4 192.0.2.1",
		"s=cam",
		"c=IN IP4 192.0.2.1",
		"t=0 0",
		"m=video 5004 RTP/AVP 96",
	];
	writeFileSync(
		sdp,
		`${[...description, "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"].join("\r\n")}\r\n`,
	);
	const rule = { name: "cam-1", match: `${LOOPBACK}:${port}`, media: "rtp", receivers: [] };
	const penstock = await serve({ rule: "cam-1", sdp }, { rules: [rule] });
	publish("-bsf:v", "dump_extra=freq=keyframe", "-f", "rtp", `rtp://${LOOPBACK}:${port}?pkt_size=1200`);
	await expectFrames(penstock);
});
