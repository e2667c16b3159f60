/**
 * A camera's RTP by UDP, read here without FFmpeg: a network that loses one packet in a hundred and mixes up their order,
 * senders that change their picture, and senders whom nobody has named.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { freePortPair, LossyUdp } from "../kit/lossy-udp.ts";
import { makeClip } from "../kit/media-maker.ts";
import { startProcess } from "../kit/processes.ts";
import { expectFrames, type PublishingServer, startPublishing } from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";
import { encodersOf, expectSwitchedFrames, sendLadder, sentAs } from "../kit/simulcast.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { stepsBack } from "../kit/tiny-ladder.ts";

const UNIT_MS = 500;

/** A camera's description, as one would write it by hand: parameter sets come with the pictures. */
function describe(port: number, more: readonly string[] = [], address = "127.0.0.1"): string {
	const file = join(makeTempDir("rtp-camera"), "camera.sdp");
	const lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", `c=IN IP4 ${address}`, "t=0 0", ...more];
	const medium = [`m=video ${port} RTP/AVP 96`, "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"];
	writeFileSync(file, `${[...lines, ...medium].join("\r\n")}\r\n`);
	return file;
}

const rtpTo = (port: number, host = "127.0.0.1", more = ""): readonly string[] => [
	...["-f", "rtp", `rtp://${host}:${port}?pkt_size=1200${more}`],
];

async function startCamera(file: string, from: object = {}): Promise<PublishingServer> {
	const renditions = [{ name: "main", from: { sdp: file, ...from } }];
	return await startPublishing({ channels: { cam: { unitMs: UNIT_MS, renditions, audio: "none" } } });
}

const inputOf = async ({ penstock }: PublishingServer) => (await penstock.channel("live/cam")).renditions[0]!.input!;

test("a network that loses 1 % and mixes up the rest: the channel goes on, and the counters are true", async () => {
	const port = await freePortPair();
	const server = await startCamera(describe(port));
	const network = await LossyUdp.start(port, { lossShare: 0.01, jitterMs: 15 });
	const camera = sendLadder([sentAs("high", rtpTo(network.port))]);
	await server.live();
	const recording = await record(`${server.penstock.http}/live/cam.ts`);
	await recording.until(({ units }) => units.length > 40);
	expect(recording.faults).toEqual([]);
	expect(stepsBack(recording)).toEqual([]);
	const numbers = recording.units.map(({ number }) => number!);
	expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
	recording.viewer.close();
	camera.kill("SIGKILL");
	await camera.exited;
	expect(network.kept.length).toBeGreaterThan(5);
	await eventually(async () => {
		const { packets, lost, late, duplicates, reordered } = (await inputOf(server)).rtp![0]!;
		expect([packets + late, lost - late, duplicates]).toEqual([network.passed.length, network.missing, 0]);
		expect(reordered).toBeGreaterThan(20);
	});
	const labels = { channel: "live/cam", rendition: "main" };
	expect(await server.penstock.metric("penstock_rtp_packets_lost_total", labels)).toBeGreaterThanOrEqual(
		network.missing,
	);
	expect(encodersOf(server.penstock.process.pid)).toEqual([]);
});

test("a camera that changes its picture amid the stream: new decode information, and every frame once", async () => {
	const port = await freePortPair();
	const server = await startCamera(describe(port));
	const clips = await Promise.all([
		makeClip({ container: "ts", seconds: 12, gopFrames: 15 }),
		makeClip({ container: "ts", seconds: 30, gopFrames: 15, width: 640, height: 360, firstCounter: 360 }),
	]);
	const list = join(makeTempDir("rtp-camera"), "list.txt");
	writeFileSync(list, clips.map((clip) => `file '${clip}'\n`).join(""));
	const quiet = ["-hide_banner", "-v", "error", "-nostdin"];
	const input = ["-re", "-f", "concat", "-safe", "0", "-i", list, "-c", "copy"];
	const camera = startProcess("ffmpeg", [...quiet, ...input, ...rtpTo(port)]);
	onTestFinished(async () => void (await camera.stop()));
	await server.live();
	const recording = await record(`${server.penstock.http}/live/cam.mp4`);
	const watched = expectFrames(`${server.penstock.http}/live/cam.ts`);
	await recording.until(({ units }) => units.at(-1)?.size === "640x360" && units.length > 30);
	await watched;
	expect([...new Set(recording.units.map(({ size }) => size))]).toEqual(["320x180", "640x360"]);
	expect(recording.faults).toEqual([]);
	await expectFrames(`${server.penstock.http}/live/cam.flv`);
	recording.viewer.close();
});

test("main and sub stream by RTP: two clocks, one ladder, every frame once over switches", async () => {
	const ports = { high: await freePortPair(), low: await freePortPair() };
	const renditions = (["high", "low"] as const).map((name) => ({ name, from: { sdp: describe(ports[name]) } }));
	const server = await startPublishing({
		channels: { cam: { unitMs: UNIT_MS, renditions, audio: "none" } },
		switching: { policy: "tour", tour: { stayMs: UNIT_MS } },
	});
	sendLadder((["high", "low"] as const).map((name) => sentAs(name, rtpTo(ports[name]))));
	await eventually(async () => {
		const { renditions: seen } = await server.penstock.channel("live/cam");
		expect(seen.map(({ input }) => input?.state)).toEqual(["joined", "joined"]);
	}, 30_000);
	await expectSwitchedFrames(`${server.penstock.http}/live/cam.ts`, 6);
	await expectSwitchedFrames(`${server.penstock.http}/live/cam.mp4`, 6);
});

test("a group, of the one sender that is named; what is wrong with a description is told", async () => {
	const [port, other] = [await freePortPair(), await freePortPair()];
	const group = "239.255.17.5";
	const filter = `a=source-filter: incl IN IP4 ${group} 127.0.0.1`;
	const server = await startCamera(describe(port, [filter], group), { localAddress: "127.0.0.1" });
	sendLadder([sentAs("high", rtpTo(port, group, "&localaddr=127.0.0.1&ttl=0"))]);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	const strangers = [`a=source-filter: incl IN IP4 127.0.0.1 127.0.0.9`];
	const wary = await startCamera(describe(other, strangers));
	const network = await LossyUdp.start(other, { lossShare: 0, jitterMs: 0 });
	sendLadder([sentAs("high", rtpTo(network.port))]);
	await eventually(async () => expect(network.passed.length).toBeGreaterThan(100));
	expect((await inputOf(wary)).rtp![0]!.packets).toBe(0);
	const broken = await startCamera(describe(other, [], "192.0.2.1"));
	await eventually(async () => {
		const { ladder } = await broken.penstock.channel("live/cam");
		expect(ladder.lastError).toMatch(
			/cannot listen at 192\.0\.2\.1, UDP port \d+, .*EADDRNOTAVAIL.*must be an address/,
		);
	});
});
