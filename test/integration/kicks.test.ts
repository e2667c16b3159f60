/**
 * Who watches is ended by the operator: viewers of HTTP and players of RTSP, as real programs are, each alone. One limit
 * is for both. Nobody does it without the API's token.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { PlayerSnapshot } from "../../src/server/api-players-model.ts";
import { eventually } from "../kit/eventually.ts";
import { HookServer } from "../kit/hook-server.ts";
import { openViewer } from "../kit/http-viewer.ts";
import type { Penstock } from "../kit/penstock.ts";
import { type RunningProcess, runToEnd, startProcess } from "../kit/processes.ts";
import { ANYONE, COPIED_UNIT_MS, PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";
import { RtspDialogue } from "../kit/rtsp-dialogue.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

/** No encoder of ours runs. */
const COPIED = {
	...PUBLISHED,
	...{ unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }], audio: "none" },
};
const GROUPS = { rtsp: { multicast: { groups: "239.255.83.0/24" } } };

async function playersOf(penstock: Penstock): Promise<readonly PlayerSnapshot[]> {
	const { body } = await penstock.call("GET", "/api/v1/players");
	return (body as { readonly players: readonly PlayerSnapshot[] }).players;
}

/** Starts a player, and tells which one of the API's it is. */
async function startPlayer(
	penstock: Penstock,
	start: () => RunningProcess,
): Promise<{ readonly program: RunningProcess; readonly id: string }> {
	const before = new Set((await playersOf(penstock)).map(({ id }) => id));
	const program = start();
	onTestFinished(async () => void (await program.stop()));
	return await eventually(async () => {
		const found = (await playersOf(penstock)).find(({ id, playing }) => playing && !before.has(id));
		expect(found, program.lastWords()).toBeDefined();
		return { program, id: found!.id };
	}, 30_000);
}

const ffmpeg = (url: string, transport: string): RunningProcess =>
	startProcess("ffmpeg", [
		...["-hide_banner", "-v", "warning", "-nostdin", "-rtsp_transport", transport],
		...["-i", url, "-map", "0:v", "-c", "copy", "-f", "null", "-"],
	]);

const gstreamer = (url: string, protocols: string): RunningProcess =>
	startProcess("gst-launch-1.0", [
		...["-q", "rtspsrc", `location=${url}`, `protocols=${protocols}`, "multicast-iface=lo"],
		...["!", "rtph264depay", "!", "h264parse", "!", "fakesink"],
	]);

test("viewers in four packagings are ended each alone, in good order, and the hook is told", async () => {
	const hook = await HookServer.start();
	const rights = [
		{ match: "live/*", verbs: ["publish"], by: ["anyone"] },
		{ match: "live/*", verbs: ["play"], by: ["hook"] },
	];
	const hooks = { urls: { on_play: [hook.url()], on_stop: [hook.url()] } };
	const server = await startPublishing({ channels: { cam: COPIED }, access: { rights, hooks } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const { penstock } = server;
	const stays = await openViewer(`${penstock.http}/live/cam.ts`, { onChunk: () => undefined });
	for (const extension of ["ts", "flv", "mp4", "rtp"]) {
		const viewer = await openViewer(`${penstock.http}/live/cam.${extension}`, { onChunk: () => undefined });
		const id = viewer.headers["penstock-viewer"]!;
		expect((await penstock.call("DELETE", `/api/v1/viewers/${id}`)).status).toBe(204);
		expect([extension, await viewer.ended]).toEqual([extension, { kind: "complete" }]);
		await eventually(async () => {
			expect((await penstock.call("DELETE", `/api/v1/viewers/${id}`)).status).toBe(404);
			expect(penstock.log).toContainEqual(
				expect.objectContaining({ viewer: id, msg: "viewer left", reason: "kicked" }),
			);
		});
	}
	expect(await penstock.metric("penstock_viewers_left_total", { reason: "kicked" })).toBe(4);
	expect(await penstock.metric("penstock_viewers")).toBe(1);
	await eventually(async () => expect(hook.actions.filter((action) => action === "on_stop")).toHaveLength(4));
	// As often as it was asked: a description is read, and a player comes and goes by itself.
	await runToEnd("ffprobe", ["-v", "error", "-rtsp_transport", "tcp", `${server.rtsp}/live/cam`]);
	await eventually(async () => expect(hook.actions.filter((action) => action === "on_stop")).toHaveLength(5));
	stays.close();
});

test("FFmpeg that is ended by the API has a stream without an error, and may come again", async () => {
	const server = await startPublishing({ channels: { cam: COPIED } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const { penstock } = server;
	const args = ["-hide_banner", "-v", "error", "-nostdin", "-i", `${penstock.http}/live/cam.mp4`];
	const program = startProcess("ffmpeg", [...args, "-c", "copy", "-f", "null", "-"]);
	onTestFinished(async () => void (await program.stop()));
	const id = await eventually(async () => {
		const { body } = await penstock.call("GET", "/api/v1/viewers");
		const [viewer] = (body as { viewers: readonly { id: string; bytesSent: number }[] }).viewers;
		expect(viewer?.bytesSent, program.lastWords()).toBeGreaterThan(20_000);
		return viewer!.id;
	}, 20_000);
	await penstock.call("DELETE", `/api/v1/viewers/${id}`);
	expect(await program.exited).toMatchObject({ code: 0 });
	expect(program.stderr).toBe("");
	const again = await runToEnd("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", ...args.slice(-1)]);
	expect(again.stdout).toContain("codec_name=h264");
});

test("players of RTSP are listed with what they were sent, and ended each alone", async () => {
	const server = await startPublishing({ channels: {}, publish: GROUPS });
	const url = `${server.rtsp}/live/cam`;
	publishWithFfmpeg(["-f", "rtsp", "-rtsp_transport", "udp", url]);
	const { penstock } = server;
	await eventually(async () => expect(await server.publishers()).toHaveLength(1), 20_000);
	const started = [
		await startPlayer(penstock, () => ffmpeg(url, "udp")),
		await startPlayer(penstock, () => ffmpeg(url, "tcp")),
		await startPlayer(penstock, () => gstreamer(url, "udp")),
		await startPlayer(penstock, () => gstreamer(url, "tcp")),
		await startPlayer(penstock, () => gstreamer(url, "udp-mcast")),
	];
	const stays = await startPlayer(penstock, () => ffmpeg(url, "udp"));
	const since = expect.stringMatching(/^\d{4}-.*Z$/);
	const common = { channel: "live/cam", remoteAddress: "127.0.0.1", principal: "anyone", since, playing: true };
	const counted = { packets: expect.any(Number), bytes: expect.any(Number) };
	const medium = (transport: string, more: object) => [{ kind: "video", transport, ...more }];
	const own = { receiver: expect.stringMatching(/^127\.0\.0\.1:\d+$/), ...counted };
	await eventually(async () => {
		const players = await playersOf(penstock);
		expect(players).toEqual([
			{ ...common, id: started[0]!.id, media: medium("udp", own) },
			{ ...common, id: started[1]!.id, media: medium("tcp", counted) },
			{ ...common, id: started[2]!.id, media: medium("udp", own) },
			{ ...common, id: started[3]!.id, media: medium("tcp", counted) },
			{
				...common,
				id: started[4]!.id,
				media: medium("multicast", { receiver: expect.stringMatching(/^239\.255\.83/) }),
			},
			{ ...common, id: stays.id, media: medium("udp", own) },
		]);
		for (const { media } of players) {
			for (const { packets, bytes = 0 } of media)
				if (packets !== undefined) expect(bytes / packets).toBeGreaterThan(12);
			if (media[0]!.transport !== "multicast") expect(media[0]!.packets).toBeGreaterThan(50);
		}
	}, 20_000);
	for (const [index, { program, id }] of started.entries()) {
		expect((await penstock.call("DELETE", `/api/v1/players/${id}`)).status).toBe(204);
		expect((await penstock.call("DELETE", `/api/v1/players/${id}`)).status).toBe(404);
		expect((await playersOf(penstock)).map((player) => player.id)).toEqual([
			...started.slice(index + 1).map((player) => player.id),
			stays.id,
		]);
		await program.exited;
	}
	const { body } = await penstock.call("GET", `/api/v1/players/${stays.id}`);
	const [before] = (body as PlayerSnapshot).media;
	await eventually(async () => {
		const later = (await penstock.call("GET", `/api/v1/players/${stays.id}`)).body as PlayerSnapshot;
		expect(later.media[0]!.packets).toBeGreaterThan(before!.packets! + 50);
	}, 20_000);
	expect(await penstock.metric("penstock_rtsp_players")).toBe(1);
	expect(await penstock.metric("penstock_rtsp_players_left_total", { reason: "PLAYER_KICKED" })).toBe(5);
	expect(penstock.log.filter(({ msg, code }) => msg === "player left" && code === "PLAYER_KICKED")).toHaveLength(5);
	expect(await server.publishers()).toHaveLength(1);
});

test("one limit is for viewers and for players: who is over it is told 503, by both protocols", async () => {
	const server = await startPublishing({ channels: { cam: COPIED }, delivery: { maxViewers: 2 } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const { penstock } = server;
	const [page, url] = [`${penstock.http}/live/cam.ts`, `${server.rtsp}/live/cam`];
	const viewer = await openViewer(page, { onChunk: () => undefined });
	const { id } = await startPlayer(penstock, () => gstreamer(url, "udp"));

	expect((await openViewer(page)).status).toBe(503);
	const over = ffmpeg(url, "tcp");
	expect((await over.exited).code).not.toBe(0);
	expect(over.stderr).toContain("503 Service Unavailable");
	const dialogue = new RtspDialogue(url);
	const onConnection = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"];
	expect((await dialogue.ask("DESCRIBE")).status).toBe(200);
	const refused = await dialogue.ask("SETUP", "/trackID=0", onConnection);
	expect([refused.status, refused.header]).toEqual([503, expect.stringContaining("VIEWERS_LIMIT")]);
	expect(await penstock.metric("penstock_viewers_refused_total")).toBe(3);
	expect(penstock.log).toContainEqual(expect.objectContaining({ code: "VIEWERS_LIMIT", level: "warn" }));
	const { body } = await penstock.call("GET", "/api/v1/server");
	expect(body).toMatchObject({ viewers: 1, players: 1 });

	await penstock.call("DELETE", `/api/v1/players/${id}`);
	expect((await dialogue.ask("SETUP", "/trackID=0", onConnection)).status).toBe(200);
	expect((await openViewer(page)).status).toBe(503);
	dialogue.connection.destroy();
	await eventually(async () => {
		const next = await openViewer(page, { onChunk: () => undefined });
		expect(next.status).toBe(200);
		next.close();
	});
	viewer.close();
});

test("SEC4: a stranger without the API's token ends nobody, and is told of nobody", async () => {
	const secretsFolder = join(makeTempDir("kicks"), "secrets");
	const server = await startPublishing({
		...{ channels: { cam: COPIED }, access: { ...ANYONE, secretsFolder }, api: { login: "always" } },
	});
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	const { http, api } = server.penstock;
	const token = readFileSync(join(secretsFolder, "api-token"), "utf8").trim();
	const ask = async (method: string, path: string, key?: string): Promise<{ status: number; text: string }> => {
		const headers: Record<string, string> = key === undefined ? {} : { Authorization: `Bearer ${key}` };
		const response = await fetch(`${api}/api/v1/${path}`, { method, headers });
		return { status: response.status, text: await response.text() };
	};
	await eventually(
		async () => expect((await ask("GET", "channels/live/cam", token)).text).toContain('"live":true'),
		20_000,
	);
	const viewer = await openViewer(`${http}/live/cam.ts`, { onChunk: () => undefined });
	const player = new RtspDialogue(`${server.rtsp}/live/cam`);
	await player.ask("SETUP", "/trackID=0", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]);
	const players = JSON.parse((await ask("GET", "players", token)).text) as { players: readonly PlayerSnapshot[] };
	const paths = [`viewers/${viewer.headers["penstock-viewer"]!}`, `players/${players.players[0]!.id}`, "publishers/1"];
	for (const path of [...paths, "players", "viewers"]) {
		for (const key of [undefined, "a guess of somebody's", player.session]) {
			for (const method of ["GET", "DELETE"]) {
				const { status, text } = await ask(method, path, key);
				expect([path, status, text]).toEqual([path, 401, expect.stringContaining("API_CREDENTIALS")]);
			}
		}
	}
	// Nor does it help to be one of them.
	expect((await player.ask("GET_PARAMETER")).status).toBe(200);
	for (const path of paths) expect([path, (await ask("DELETE", path, token)).status]).toEqual([path, 204]);
	expect((await viewer.ended).kind).toBe("complete");
	await player.connection.closed;
});
