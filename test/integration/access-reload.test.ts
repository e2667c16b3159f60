/** Rights and secrets that change while the server runs, and what hooks are told of sessions: over real protocols. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { HookServer } from "../kit/hook-server.ts";
import { startCli, writeConfig } from "../kit/penstock.ts";
import { PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { record } from "../kit/recording.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const LADDER = { ...PUBLISHED, audio: "none" };
const RENDITIONS = ["high", "mid", "low"];

test("SEC4: on SIGHUP a new key is the right one, and who came with the old one is let go in time", async () => {
	const file = join(makeTempDir("key"), "studio.key");
	writeFileSync(file, "the first key of the studio\n");
	const server = await startPublishing({
		channels: { cam: LADDER },
		access: {
			rights: [{ match: "live/*", verbs: ["publish", "play"], by: [{ key: "studio" }] }],
			keys: { studio: { file } },
			recheckMs: 1000,
		},
	});
	const { http, process: running } = server.penstock;
	const token = (text: string): string => `?token=${encodeURIComponent(text)}`;
	const sending = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam${token("the first key of the studio")}`]);
	await server.live();
	const recording = await record(`${http}/live/cam.ts${token("the first key of the studio")}`);
	await recording.until(({ units }) => units.length > 2);

	writeFileSync(file, "short\n");
	running.kill("SIGHUP");
	await running.waitForLine(/the section access stays as it was.*has 5 bytes/, 20_000);
	const before = recording.units.length;
	await recording.until(({ units }) => units.length > before + 4);

	writeFileSync(file, "the second key of the studio\n");
	running.kill("SIGHUP");
	await recording.until(() => false);
	expect((await sending.exited).code).not.toBe(0);
	expect((await fetch(`${http}/live/cam.json${token("the first key of the studio")}`)).status).toBe(403);
	expect((await fetch(`${http}/live/cam.json${token("the second key of the studio")}`)).status).toBe(200);
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam${token("the second key of the studio")}`]);
	await server.live();
	expect(await server.penstock.metric("penstock_access_answers_total", { verb: "publish", outcome: "wrong" })).toBe(1);
});

test("hooks are asked and told of each session once, from its beginning to its end, with its switches", async () => {
	const hooks = await HookServer.start();
	const url = hooks.url();
	const urls = { on_publish: [url], on_unpublish: [url], on_play: [url], on_stop: [url], on_switch: [url] };
	const server = await startPublishing({
		channels: { cam: LADDER },
		access: {
			rights: [{ match: "*/*", verbs: ["publish", "play"], by: ["hook"] }],
			hooks: { urls, cacheMs: 0 },
		},
	});
	const told = (action: string): Record<string, unknown>[] =>
		hooks.calls.filter(({ body }) => body["action"] === action && body["recheck"] !== true).map(({ body }) => body);
	const sending = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam?who=studio`]);
	await server.live();
	const second = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam?who=second`]);
	expect((await second.exited).code).not.toBe(0);

	const recording = await record(`${server.penstock.http}/live/cam.ts?rendition=low&who=viewer`);
	await recording.until(({ units }) => units.length > 2);
	// Back and forth, as fast as units allow.
	for (const rendition of [...RENDITIONS, ...RENDITIONS]) {
		const unit = recording.units.length;
		const path = `/api/v1/viewers/${recording.id}/rendition`;
		expect((await server.penstock.call("PUT", path, { rendition })).status).toBe(200);
		await recording.until(({ units }) => units.length > unit + 1);
	}
	recording.viewer.close();
	await eventually(async () => expect(told("on_stop")).toHaveLength(1));
	await sending.stop();
	await eventually(async () => expect(told("on_unpublish")).toHaveLength(2));

	expect(told("on_publish").map(({ param }) => param)).toEqual(["?who=studio", "?who=second"]);
	expect(told("on_unpublish").map(({ param }) => param)).toEqual(["?who=second", "?who=studio"]);
	const [played] = told("on_play");
	const switches = told("on_switch");
	expect(switches.length).toBeGreaterThan(1);
	for (const one of [...switches, ...told("on_stop")]) expect(one["client_id"]).toBe(played!["client_id"]);
	// Each leads on from where the one before had led.
	expect(switches.slice(1).map(({ from }) => from)).toEqual(switches.slice(0, -1).map(({ to }) => to));
	expect(switches[0]).toMatchObject({ from: "low", because: "wish", app: "live", stream: "cam", protocol: "http" });
	expect(await server.penstock.metric("penstock_hook_calls_total", { result: "lost" })).toBe(0);
	expect(await server.penstock.metric("penstock_hook_calls_total", { result: "yes" })).toBe(hooks.calls.length);
});

test("SEC6: beyond the loopback the API asks for a token, made at its first start and read by its owner alone", async () => {
	const secretsFolder = join(makeTempDir("api"), "secrets");
	const server = await startPublishing({
		api: { listen: "0.0.0.0:0" },
		access: { rights: [{ match: "*/*", verbs: ["play"], by: ["anyone"] }], secretsFolder },
	});
	const api = server.penstock.api.replace("0.0.0.0", "127.0.0.1");
	const file = join(secretsFolder, "api-token");
	const [line] = await server.penstock.process.waitForLine(/^\{.*"the API asks for its token".*\}$/);
	const asks = JSON.parse(line) as object;
	expect(asks).toMatchObject({ token: file });
	const token = readFileSync(file, "utf8").trim();
	const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
		(await fetch(`${api}${path}`, { headers })).status;
	for (const path of ["/", "/metrics", "/healthz", "/api/v1/server", "/api/v1/publishers"]) {
		expect([path, await status(path)]).toEqual([path, 401]);
		expect([path, await status(path, { Authorization: `Basic ${btoa(`:${token}`)}` })]).not.toEqual([path, 401]);
	}
	expect(await status("/api/v1/server", { Authorization: `Bearer ${token}` })).toBe(200);
	const kick = await fetch(`${api}/api/v1/publishers/1`, { method: "DELETE" });
	expect(kick.status).toBe(401);
	expect(JSON.stringify(server.penstock.log)).not.toContain(token);
});

test("SEC12: what comes behind a request for which leave is still asked is not answered, and no stream begins twice", async () => {
	const hooks = await HookServer.start();
	const waiting: (() => void)[] = [];
	hooks.reply((_call, response) => waiting.push(() => response.end("0")));
	const server = await startPublishing({
		channels: { cam: LADDER },
		access: {
			rights: [
				{ match: "*/*", verbs: ["publish"], by: ["anyone"] },
				{ match: "*/*", verbs: ["play"], by: ["hook"] },
			],
			hooks: { urls: { on_play: [hooks.url()], on_stop: [hooks.url()] }, cacheMs: 0 },
		},
	});
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const request = "GET /live/cam.ts HTTP/1.1\r\nHost: penstock.test\r\n\r\n";
	const connection = new RawConnection(server.penstock.http).write(request.repeat(2));
	await connection.closed;
	expect(connection.text).toBe("");
	await eventually(async () => expect(hooks.actions).toEqual(["on_play"]));
	for (const answer of waiting.splice(0)) answer();
	await eventually(async () => expect(hooks.actions).toEqual(["on_play", "on_stop"]));
	for (const answer of waiting.splice(0)) answer();
	expect(await server.penstock.metric("penstock_viewers_accepted_total")).toBe(0);
});

test("SEC4: rights that are taken away from everybody are taken on SIGHUP, with the list of streams", async () => {
	const configOf = (by: readonly unknown[]): string =>
		writeConfig({
			channels: { cam: LADDER },
			publish: { rtmp: { enabled: false } },
			access: {
				rights: [{ match: "*/*", verbs: ["play"], by }],
				keys: { studio: { value: "sixteen bytes and more" } },
			},
		});
	const file = configOf(["anyone"]);
	const running = startCli(["serve", "-c", file]);
	const [line] = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 60_000);
	const { http } = JSON.parse(line) as { readonly http: string };
	const answerOf = async (path: string): Promise<readonly [number, string]> => {
		const response = await fetch(`${http}${path}`);
		return [response.status, await response.text()];
	};
	expect(await answerOf("/live/cam.json")).toEqual([200, expect.stringContaining("cam")]);
	expect(await answerOf("/nothing")).toEqual([404, expect.stringContaining("/live/cam")]);
	copyFileSync(configOf([{ key: "studio" }]), file);
	running.kill("SIGHUP");
	await running.waitForLine(/secrets and certificates were read again/, 20_000);
	expect((await answerOf("/live/cam.json"))[0]).toBe(401);
	expect(await answerOf("/nothing")).toEqual([404, expect.not.stringContaining("/live/cam")]);
});
