/** Channels that patterns make: there while somebody publishes, whatever the protocol, and gone behind the publisher. */
import { expect, test } from "vitest";
import type { ChannelSnapshot } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import {
	COPIED_UNIT_MS,
	expectFrames,
	PUBLISHED,
	type PublishingServer,
	publishWithFfmpeg,
	startPublishing,
} from "../kit/publishing.ts";
import { ffmpegPlays } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";

/** Where no encoder need run. */
const COPY = { source: "publish", unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }], audio: "none" };
const BY_TCP = ["-rtsp_transport", "tcp"];

async function channelsOf({ penstock }: PublishingServer): Promise<string[]> {
	const { body } = await penstock.call("GET", "/api/v1/channels");
	const { channels } = body as { readonly channels: readonly ChannelSnapshot[] };
	return channels.map(({ app, stream, pattern = "" }) => `${app}/${stream} ${pattern}`.trim()).sort();
}

async function metricsOf({ penstock }: PublishingServer): Promise<string> {
	return await (await fetch(`${penstock.api}/metrics`)).text();
}

/** The response's status, once its body is let go. */
async function statusOf(url: string): Promise<number> {
	const viewer = await openViewer(url);
	viewer.close();
	return viewer.status;
}

test("streams that no channel names are published by RTMP, RTSP and HTTP, watched, left, and gone", async () => {
	const server = await startPublishing({
		channels: { "*": { ...PUBLISHED, audio: "none" } },
		publish: { returnWithinMs: 1000 },
	});
	const { penstock, rtmp, rtsp } = server;
	expect(await channelsOf(server)).toEqual([]);
	expect(await statusOf(`${penstock.http}/live/one.ts`)).toBe(404);
	const publishers = [
		publishWithFfmpeg(["-f", "flv", `${rtmp}/live/one`]),
		publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${rtsp}/live/two`]),
		publishWithFfmpeg(["-f", "mpegts", "-method", "PUT", `${penstock.http}/live/three.ts`]),
	];
	const names = ["one", "three", "two"];
	for (const name of names) await server.live(`live/${name}`);
	expect(await channelsOf(server)).toEqual(names.map((name) => `live/${name} live/*`));
	const played = ffmpegPlays(`${rtsp}/live/one`, "tcp");
	await eventually(async () => expect(await penstock.metric("penstock_rtsp_players")).toBe(1), 20_000);
	await Promise.all(names.map((name) => expectFrames(`${penstock.http}/live/${name}.ts`)));
	const viewers = await Promise.all(names.map((name) => openViewer(`${penstock.http}/live/${name}.flv`)));
	const before = await metricsOf(server);
	for (const name of names) expect(before).toContain(`penstock_published_bytes_total{channel="live/${name}"}`);

	await Promise.all(publishers.map((publisher) => publisher.stop()));
	expect(await Promise.all(viewers.map(({ ended }) => ended))).toEqual(viewers.map(() => ({ kind: "complete" })));
	const { counters } = await played;
	expect(counters.length).toBeGreaterThan(30);
	expectEveryFrameOnce(counters);
	await eventually(async () => expect(await channelsOf(server)).toEqual([]));
	expect(await metricsOf(server)).not.toContain('channel="live/');
	expect(await statusOf(`${penstock.http}/live/one.ts`)).toBe(404);
	for (const what of ["channel made", "channel gone: nobody publishes it any more"]) {
		const told = penstock.log.flatMap(({ msg, channel }) => (msg === what ? [String(channel)] : []));
		expect(told.sort(), what).toEqual(names.map((name) => `live/${name}`));
	}

	publishWithFfmpeg(["-f", "flv", `${rtmp}/live/one`], { firstCounter: 500 });
	await server.live("live/one");
	await expectFrames(`${penstock.http}/live/one.mp4`);
});

test("a publisher that returns in time finds its viewers still there; what no pattern has is relayed alone", async () => {
	const server = await startPublishing({ channels: { "studio/*": COPY }, publish: { returnWithinMs: 60_000 } });
	const publish = (firstCounter: number) =>
		publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${server.rtsp}/studio/one`], { firstCounter });
	publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${server.rtsp}/live/alone`]);
	await eventually(async () => expect(await server.penstock.metric("penstock_rtsp_streams")).toBe(1), 20_000);
	expect(await channelsOf(server)).toEqual([]);
	const first = publish(0);
	await server.live("studio/one");
	const units: number[] = [];
	const viewer = await openViewer(`${server.penstock.http}/studio/one.ts`, {
		onChunk: ({ bytes }) => units.push(bytes.length),
	});
	await first.stop();
	await eventually(async () => expect(await server.publishers()).toHaveLength(1));
	expect(await channelsOf(server)).toEqual(["studio/one studio/*"]);
	const soFar = units.length;
	publish(600);
	await eventually(async () => expect(units.length).toBeGreaterThan(soFar + 30), 30_000);
	server.penstock.process.kill("SIGHUP");
	await server.penstock.process.waitForLine(/rights, secrets and certificates were read again/, 20_000);
	expect(await channelsOf(server)).toEqual(["studio/one studio/*"]);
	expect(server.penstock.log.filter(({ msg }) => msg === "channel made")).toHaveLength(1);
	expect((await server.penstock.process.stop(20_000)).code).toBe(0);
	expect(await viewer.ended).toEqual({ kind: "complete" });
});

test("no more channels are made than publish.maxStreams, whatever the protocol, and a place is free again", async () => {
	const server = await startPublishing({
		channels: { "*": COPY },
		publish: { maxStreams: 1, returnWithinMs: 0 },
	});
	const { penstock, rtmp, rtsp } = server;
	const first = publishWithFfmpeg(["-f", "flv", `${rtmp}/live/one`]);
	await server.live("live/one");
	const refused = [
		publishWithFfmpeg(["-f", "flv", `${rtmp}/live/two`]),
		publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${rtsp}/live/two`]),
	];
	for (const { code } of await Promise.all(refused.map(({ exited }) => exited))) expect(code).not.toBe(0);
	expect(refused[0]!.stderr).toContain('STREAMS_LIMIT: no channel is made for "live/two": there are 1');
	expect(refused[1]!.stderr).toContain("503");
	const push = await fetch(`${penstock.http}/live/two.ts`, {
		method: "PUT",
		body: "no stream",
		headers: { "Content-Type": "video/mp2t" },
	});
	expect(push.status).toBe(503);
	expect(await push.text()).toContain("publish.maxStreams");
	expect(await channelsOf(server)).toEqual(["live/one live/*"]);
	for (const protocol of ["rtmp", "rtsp", "http"]) {
		const labels = { protocol, code: "STREAMS_LIMIT" };
		expect(await penstock.metric("penstock_publishers_refused_total", labels), protocol).toBe(1);
	}
	await first.stop();
	await eventually(async () => expect(await channelsOf(server)).toEqual([]));
	publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${rtsp}/live/two`]);
	await server.live("live/two");
});

test("a stranger makes no channel, nor does a name that is none", async () => {
	const server = await startPublishing({
		channels: { "*": COPY },
		access: { rights: [{ match: "live/known", verbs: ["publish"], by: ["anyone"] }] },
	});
	const { penstock, rtmp, rtsp } = server;
	const strangers = [
		publishWithFfmpeg(["-f", "flv", `${rtmp}/live/one`]),
		publishWithFfmpeg(["-f", "rtsp", ...BY_TCP, `${rtsp}/live/one`]),
		publishWithFfmpeg(["-f", "flv", `${rtmp}/live/..%2fone`]),
	];
	for (const { code } of await Promise.all(strangers.map(({ exited }) => exited))) expect(code).not.toBe(0);
	const push = { method: "PUT", body: "no stream", headers: { "Content-Type": "video/mp2t" } };
	expect((await fetch(`${penstock.http}/live/one`, push)).status).toBe(403);
	expect(await channelsOf(server)).toEqual([]);
	expect(penstock.log.filter(({ msg }) => msg === "channel made")).toEqual([]);
	publishWithFfmpeg(["-f", "flv", `${rtmp}/live/known`]);
	await server.live("live/known");
});

test("a name of the configuration is never a pattern's, and the first pattern that has a stream takes it", async () => {
	const server = await startPublishing({
		channels: {
			cam: { ...COPY, unitMs: 1000 },
			signal: { source: "test", renditions: PUBLISHED.renditions, audio: "none" },
			"studio/*": { ...COPY, unitMs: 2000 },
			"*/*": COPY,
		},
	});
	const { penstock, rtmp } = server;
	publishWithFfmpeg(["-f", "flv", `${rtmp}/live/cam`]);
	publishWithFfmpeg(["-f", "flv", `${rtmp}/studio/cam`]);
	publishWithFfmpeg(["-f", "flv", `${rtmp}/other/cam`]);
	const refused = publishWithFfmpeg(["-f", "flv", `${rtmp}/live/signal`]);
	expect((await refused.exited).code).not.toBe(0);
	expect(refused.stderr).toContain('CHANNEL_NOT_FOUND: no channel "live/signal" takes a publisher');
	for (const name of ["live/cam", "studio/cam", "other/cam"]) {
		await eventually(
			async () => expect(await channelsOf(server)).toContainEqual(expect.stringMatching(`^${name}`)),
			20_000,
		);
	}
	expect(await channelsOf(server)).toEqual(["live/cam", "live/signal", "other/cam */*", "studio/cam studio/*"]);
	expect((await penstock.channel("live/cam")).unitMs).toBe(1000);
	expect((await penstock.channel("studio/cam")).unitMs).toBe(2000);
	expect((await penstock.channel("other/cam")).unitMs).toBe(COPIED_UNIT_MS);
});
