/**
 * Ready-made ladders end to end: one encoder sends several sizes of one picture, each to a stream or a port of its own,
 * and viewers of one channel are switched between them without an encoder of ours.
 */
import { expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { freePort } from "../kit/ports.ts";
import { expectFrames, type PublishingServer, startPublishing } from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";
import { encodersOf, expectSwitchedFrames, type SentRendition, sendLadder, sentAs } from "../kit/simulcast.ts";
import { startRelay } from "../kit/tcp-relay.ts";

const NAMES = ["high", "mid", "low"] as const;
const PACKAGINGS = ["ts", "flv", "mp4", "rtp"];
const UNIT_MS = 500;
const TOUR = { policy: "tour", tour: { stayMs: UNIT_MS } };
const ready = (names: readonly string[]) => ({
	unitMs: UNIT_MS,
	renditions: names.map((name) => ({ name, from: "publish" })),
});
const published = (url: string, sound = true): SentRendition[] =>
	NAMES.map((name) => sentAs(name, ["-f", "flv", `${url}/live/cam_${name}`], { audio: sound && name === "high" }));

/** Until all of them have units. */
async function untilJoined({ penstock }: PublishingServer, names: readonly string[] = NAMES): Promise<void> {
	await eventually(async () => {
		const { ladder, renditions } = await penstock.channel("live/cam");
		const there = renditions.filter(({ units, refused }) => units > 1 && refused === undefined).map(({ name }) => name);
		expect(there, ladder.lastError).toEqual(names);
	}, 40_000);
}

const renditionOf = async ({ penstock }: PublishingServer, name: string) =>
	(await penstock.channel("live/cam")).renditions.find((one) => one.name === name)!;

const WAYS = [
	["RTMP", ({ rtmp }: PublishingServer) => published(rtmp)],
	[
		"TS over HTTP",
		({ penstock }: PublishingServer) =>
			NAMES.map((name) =>
				sentAs(name, ["-f", "mpegts", "-method", "PUT", `${penstock.http}/live/cam_${name}.ts`], {
					audio: name === "high",
				}),
			),
	],
] as const;

test.for(WAYS)(
	"three renditions by %s: every frame once over forced switches, and no FFmpeg of ours",
	async ([, way]) => {
		const server = await startPublishing({ channels: { cam: ready(NAMES) }, switching: TOUR });
		sendLadder(way(server));
		await untilJoined(server);
		const ends = await Promise.all(
			PACKAGINGS.map((extension) => expectSwitchedFrames(`${server.penstock.http}/live/cam.${extension}`, 6)),
		);
		for (const { audioFramesDecoded, audioFramesLost } of ends) {
			expect(audioFramesDecoded).toBeGreaterThan(50);
			expect(audioFramesLost).toBe(0);
		}
		expect(encodersOf(server.penstock.process.pid!)).toEqual([]);
		const { renditions, ladder } = await server.penstock.channel("live/cam");
		for (const { misaligned, missing, late, overlong } of renditions) {
			expect([misaligned, missing, late, overlong]).toEqual([0, 0, 0, 0]);
		}
		expect(ladder).toMatchObject({ state: "running", restarts: 0 });
	},
);

test("a rendition that goes away leaves the others alone, and joins again when it comes back", async () => {
	const server = await startPublishing({ channels: { cam: ready(["high", "low"]) } });
	const relay = await startRelay(server.rtmp.replace("rtmp:", "http:"));
	const recovering = ["-f", "fifo", "-fifo_format", "flv", "-attempt_recovery", "1", "-recover_any_error", "1"];
	const again = ["-recovery_wait_time", "1", "-restart_with_keyframe", "1", "-flags", "+global_header"];
	sendLadder([
		sentAs("high", ["-f", "flv", `${server.rtmp}/live/cam_high`]),
		sentAs("low", [...recovering, ...again, `${relay.origin.replace("http:", "rtmp:")}/live/cam_low`]),
	]);
	await untilJoined(server, ["high", "low"]);
	const low = await record(`${server.penstock.http}/live/cam.ts?rendition=low`);
	const high = await record(`${server.penstock.http}/live/cam.ts?rendition=high`);
	await low.until(({ units }) => units.length > 2);
	relay.cut();
	await eventually(
		async () => expect((await renditionOf(server, "low")).refused).toContain("its publisher has left"),
		10_000,
	);
	expect((await server.penstock.channel("live/cam")).live).toBe(true);
	relay.pass();
	await untilJoined(server, ["high", "low"]);
	await high.until(({ units }) => units.length > 6);
	expect(high.faults).toEqual([]);
	expect(high.units.map(({ number }) => number!)).toEqual(high.units.map((_, index) => high.units[0]!.number! + index));
	await expectSwitchedTo(server, "low");
	low.viewer.close();
	high.viewer.close();
});

async function expectSwitchedTo({ penstock }: PublishingServer, rendition: string): Promise<void> {
	const seen = await record(`${penstock.http}/live/cam.ts?rendition=${rendition}`);
	await seen.until(({ units }) => units.length > 2);
	expect(seen.units[0]!.rendition).toBe(rendition);
	seen.viewer.close();
}

test("a rendition whose key pictures lie elsewhere is told so, with what to set, and the channel works without", async () => {
	const server = await startPublishing({ channels: { cam: ready(["high", "low"]) } });
	sendLadder([
		sentAs("high", ["-f", "flv", `${server.rtmp}/live/cam_high`]),
		sentAs("low", ["-f", "flv", `${server.rtmp}/live/cam_low`], { gop: 17 }),
	]);
	await eventually(async () => {
		const { refused } = await renditionOf(server, "low");
		expect(refused).toMatch(/^LADDER_INPUT_UNFIT: .*no key picture where "high" begins its units.*keyint=15/);
	}, 40_000);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("B-frames are told, and nothing is made of them", async () => {
	const server = await startPublishing({ channels: { cam: ready(["high", "low"]) } });
	sendLadder([
		sentAs("high", ["-f", "flv", `${server.rtmp}/live/cam_high`], { bFrames: 2 }),
		sentAs("low", ["-f", "flv", `${server.rtmp}/live/cam_low`]),
	]);
	await eventually(async () => {
		expect((await renditionOf(server, "high")).refused).toMatch(/^LADDER_INPUT_UNFIT: .*B-frames.*switch B-frames off/);
	}, 40_000);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("an encoder that stops and returns with another picture: responses go on", async () => {
	const server = await startPublishing({ channels: { cam: ready(NAMES) } });
	const first = sendLadder(published(server.rtmp, false));
	await untilJoined(server);
	const recording = await record(`${server.penstock.http}/live/cam.flv`);
	await recording.until(({ units }) => units.length > 3);
	first.kill("SIGKILL");
	await eventually(
		async () => expect(await server.penstock.channel("live/cam")).toMatchObject({ live: false }),
		10_000,
	);
	const before = recording.units.length;
	sendLadder(published(server.rtmp, false), { firstCounter: 5000 });
	await recording.until(({ units }) => units.length > before + 8);
	expect(recording.faults).toEqual([]);
	await expectFrames(`${server.penstock.http}/live/cam.flv`);
	recording.viewer.close();
});

test("main and sub stream by URLs: FFmpeg copies them, and encodes nothing", async () => {
	const ports = { high: await freePort(), low: await freePort() };
	const renditions = (["high", "low"] as const).map((name) => ({ name, from: `udp://127.0.0.1:${ports[name]}` }));
	const server = await startPublishing({ channels: { cam: { unitMs: UNIT_MS, renditions } }, switching: TOUR });
	sendLadder(
		(["high", "low"] as const).map((name) =>
			sentAs(name, ["-f", "mpegts", `udp://127.0.0.1:${ports[name]}?pkt_size=1316`], { audio: true }),
		),
	);
	await untilJoined(server, ["high", "low"]);
	await Promise.all(
		["ts", "mp4"].map((extension) => expectSwitchedFrames(`${server.penstock.http}/live/cam.${extension}`, 6)),
	);
	expect(encodersOf(server.penstock.process.pid!)).toHaveLength(2);
});
