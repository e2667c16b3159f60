/**
 * The console where the API asks for its token, in a real browser: its password; publishers, viewers and players of RTSP,
 * listed and ended.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startChromium } from "../kit/chromium.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { startProcess } from "../kit/processes.ts";
import { ANYONE, PUBLISHED, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { ConsolePage } from "./console-page.ts";

test("the browser asks for the token; a publisher is shown with what it brings, and ended", async () => {
	const secretsFolder = join(makeTempDir("console"), "secrets");
	const server = await startPublishing({
		channels: { cam: { ...PUBLISHED, audio: "none" } },
		access: { ...ANYONE, secretsFolder },
		api: { login: "always" },
	});
	const token = readFileSync(join(secretsFolder, "api-token"), "utf8").trim();
	const headers = { Authorization: `Bearer ${token}` };
	const browser = await startChromium();

	const stranger = await browser.newContext({
		httpCredentials: { username: "operator", password: "wrong-password-here" },
	});
	const refused = await (await stranger.newPage()).goto(server.penstock.api);
	expect(refused?.status()).toBe(401);
	await stranger.close();

	const sending = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	const console = await ConsolePage.open(browser, server.penstock.api, "#/publishers", undefined, token);
	const row = console.page.getByRole("row", { name: /live\/cam/ });
	await row.getByText("RTMP", { exact: false }).waitFor();
	await row.getByText(/avc1\.\w+ 320×180/).waitFor();
	await row.getByText(/\d (k|M)bit\/s/).waitFor();
	expect(await console.overflow()).toBe(0);
	expect(await console.seriousFindings()).toEqual([]);

	await row.getByRole("button", { name: "End" }).click();
	const dialog = console.page.getByRole("dialog", { name: "End the publication of live/cam?" });
	await dialog.getByRole("button", { name: "End the publication" }).click();
	await console.page.getByText("Nobody publishes.").waitFor();
	expect((await sending.exited).code).not.toBe(0);
	const listed = await fetch(`${server.penstock.api}/api/v1/publishers`, { headers });
	expect(await listed.json()).toEqual({ publishers: [] });
	await console.close();
	await browser.close();
}, 120_000);

test("viewers and players of RTSP stand on one page, and each is ended there", async () => {
	const server = await startPublishing({ channels: { cam: { ...PUBLISHED, audio: "none" } } });
	publishWithFfmpeg(["-f", "rtsp", `${server.rtsp}/live/cam`]);
	await server.live();
	const viewer = await openViewer(`${server.penstock.http}/live/cam.ts`, { onChunk: () => undefined });
	const source = ["rtspsrc", `location=${server.rtsp}/live/cam`, "protocols=udp"];
	const player = startProcess("gst-launch-1.0", ["-q", ...source, "!", "rtph264depay", "!", "fakesink"]);
	onTestFinished(async () => void (await player.stop()));
	const browser = await startChromium();
	const console = await ConsolePage.open(browser, server.penstock.api, "#/viewers");
	const { page } = console;
	await page.locator("header").getByText("1 by RTSP").waitFor();
	const playing = page.getByRole("region", { name: "Players of RTSP" }).getByRole("row", { name: /video by UDP/ });
	await playing.getByText("playing").waitFor();
	await playing.getByText(/\d k?B$|\d MB$/).waitFor();
	expect(await console.overflow()).toBe(0);
	expect(await console.seriousFindings()).toEqual([]);

	await playing.getByRole("button", { name: "End" }).click();
	const first = page.getByRole("dialog", { name: "End what 127.0.0.1 plays?" });
	await first.getByRole("button", { name: "End the session" }).click();
	await player.exited;
	await playing.waitFor({ state: "detached" });

	const watching = page.getByRole("region", { name: "Viewers" }).getByRole("row", { name: /\.ts/ });
	await watching.getByRole("button", { name: "End" }).click();
	const second = page.getByRole("dialog", { name: "End this viewer's stream?" });
	await second.getByRole("button", { name: "End the stream" }).click();
	expect(await viewer.ended).toEqual({ kind: "complete" });
	await page.getByText("Nobody is watching.").waitFor();
	expect(console.complaints).toEqual([]);
	await console.close();
	await browser.close();
}, 120_000);
