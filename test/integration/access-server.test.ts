/** The gate in front of a running server: strangers can neither publish nor watch nor list, and rights end in time. */
import { expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { startCli, writeConfig } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";

const KEY = "a key of sixteen bytes and more";
const URL_KEY = "0123456789abcdef0123456789abcdef";
const ACCESS = {
	rights: [
		{ match: "live/*", verbs: ["publish"], by: [{ key: "studio" }] },
		{ match: "live/*", verbs: ["play"], by: [{ signed: "web" }, { user: "ann" }] },
	],
	keys: { studio: { value: KEY } },
	users: { ann: { value: "correct horse" } },
	urlKeys: { web: { value: URL_KEY } },
	leewayMs: 0,
};

/** By the command, as an operator would. */
async function token(...args: readonly string[]): Promise<string> {
	const config = writeConfig({ channels: { cam: PUBLISHED }, publish: {}, access: ACCESS });
	const running = startCli(["token", ...args, "-c", config]);
	expect((await running.exited).code, running.lastWords()).toBe(0);
	return running.stdout.trim();
}

async function answerOf(url: string, init: RequestInit = {}): Promise<readonly [number, string, string]> {
	const response = await fetch(url, init);
	const text = await response.text();
	const { error } = JSON.parse(text) as { error: { code: string } };
	return [response.status, error.code, text];
}

test("publishing and watching need what the rights name, and a right that ends lets go", async () => {
	const server = await startPublishing({ channels: { cam: { ...PUBLISHED, audio: "none" } }, access: ACCESS });
	const { http } = server.penstock;
	const stranger = await runToEnd("ffmpeg", [
		...["-hide_banner", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=192x128"],
		...["-c:v", "libx264", "-f", "flv", `${server.rtmp}/live/cam?token=wrong-wrong-wrong`],
	]);
	expect(stranger.code).not.toBe(0);
	expect(stranger.stderr).toContain("ACCESS_REFUSED");
	const body = { method: "PUT", body: "nothing", headers: { "Content-Type": "video/mp2t" } };
	expect((await answerOf(`${http}/live/cam`, body)).slice(0, 2)).toEqual([401, "ACCESS_CREDENTIALS"]);

	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam?${await token("publish", "live/cam", "--key", "studio")}`]);
	await server.live();
	for (const path of ["live/cam.ts", "live/cam.json", "live/nothing.ts"]) {
		const [status, code, text] = await answerOf(`${http}/${path}`);
		expect([status, code]).toEqual([401, "ACCESS_CREDENTIALS"]);
		expect(text).not.toContain("/live/cam.ts,");
	}
	const wrong = { headers: { Authorization: `Basic ${btoa("ann:wrong")}` } };
	expect((await answerOf(`${http}/live/cam.ts`, wrong)).slice(0, 2)).toEqual([403, "ACCESS_REFUSED"]);
	const right = { headers: { Authorization: `Basic ${btoa("ann:correct horse")}` } };
	const description = await fetch(`${http}/live/cam.json`, right);
	expect(description.status).toBe(200);

	const signed = await token("play", "live/cam", "--signed", "web", "--for", "4");
	const recording = await record(`${http}/live/cam.ts?${signed}`);
	const begun = performance.now();
	await recording.until(() => false);
	expect(performance.now() - begun).toBeGreaterThan(500);
	expect(performance.now() - begun).toBeLessThan(8000);
	await eventually(async () => {
		const left = await server.penstock.metric("penstock_viewers_left_total", { reason: "refused" });
		expect(left, server.penstock.process.lastWords()).toBe(1);
	});
	expect((await answerOf(`${http}/live/cam.ts?${signed}`)).slice(0, 2)).toEqual([401, "ACCESS_EXPIRED"]);
	expect(JSON.stringify(server.penstock.log)).not.toContain(KEY);
});
