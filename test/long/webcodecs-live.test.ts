/**
 * The WebCodecs renderer in a real browser, watching a real server: what it says when something goes wrong, and sound that
 * comes late or alone.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { launchChromium, startChromium } from "../kit/chromium.ts";
import { onCleanup } from "../kit/cleanup.ts";
import { startPenstock } from "../kit/penstock.ts";
import { openPlayerPage, type PlayerPage, type Tile } from "../kit/player-page.ts";
import { freePort } from "../kit/ports.ts";
import { record } from "../kit/recording.ts";
import { TINY_CHANNEL, TINY_LADDER, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

let browser: Browser;
beforeAll(async () => {
	browser = await startChromium();
}, 60_000);

describe("a server that", () => {
	let page: PlayerPage;
	beforeAll(async () => {
		page = await openPlayerPage(browser, "webcodecs");
	});

	const shown = (tile: Tile, count: number): Promise<Tile> =>
		tile.until(({ figures }) => (figures?.framesShown ?? 0) >= count, 60_000);

	test("closes a connection is asked again, and the picture goes on", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.mp4`, muted: true });
		await shown(tile, 10);
		const first = tile.viewer!;
		const seen = tile.connection.length;
		await penstock.call("DELETE", `/api/v1/viewers/${first}`);
		const { problem } = await tile.message("waiting", seen);
		expect(problem).toMatchObject({ code: "NETWORK" });
		expect(problem.retryInMs).toBeLessThanOrEqual(1250);
		await tile.message("connected", seen);
		expect(tile.viewer).not.toBe(first);
		await shown(tile, tile.figures!.framesShown + 30);
		await tile.destroy();
		await penstock.stop();
	});

	test("is stopped and started again is waited for, and the picture goes on with new times", async () => {
		const http = { listen: `127.0.0.1:${await freePort()}` };
		const config = { http, channels: { signal: TINY_CHANNEL } };
		let penstock = await startPenstock(config);
		const tile = await page.play({ src: `${penstock.http}/live/signal.ts` });
		await shown(tile, 30);
		let seen = tile.connection.length;
		await penstock.stop();
		await tile.message("waiting", seen);
		seen = tile.connection.length;
		penstock = await startPenstock(config);
		await tile.message("connected", seen);
		const before = tile.readings.length;
		const { framesShown } = tile.figures!;
		await shown(tile, framesShown + 60);
		const after = tile.readings.slice(before);
		expect(after.filter(({ checksumOk }) => !checksumOk)).toEqual([]);
		expect(after.length).toBeGreaterThan(20);
		await tile.destroy();
		await penstock.stop();
	});

	test("has no such channel, or no form for it, says so in its own words", async () => {
		const av1 = { ...TINY_CHANNEL, codec: "av1", audio: "none", renditions: TINY_LADDER.slice(2).map(withoutPreset) };
		const penstock = await startPenstock({ channels: { av1 } });
		const none = await page.play({ src: `${penstock.http}/live/nobody.mp4` });
		const missing = await none.message("failed");
		expect(missing.problem).toMatchObject({ code: "REFUSED", status: 404, serverCode: "CHANNEL_NOT_FOUND" });
		expect(missing.problem.message).toContain("/live/av1");

		// In fragmented MP4 it plays: once it does, the channel is ready, and has no form in a transport stream.
		const good = await page.play({ src: `${penstock.http}/live/av1.mp4` });
		await shown(good, 20);
		expect(good.readings.every(({ checksumOk }) => checksumOk)).toBe(true);
		const unfit = await page.play({ src: `${penstock.http}/live/av1.ts` });
		const refused = await unfit.message("failed");
		expect(refused.problem).toMatchObject({ code: "REFUSED", status: 406, serverCode: "PACKAGING_UNFIT" });
		expect(refused.problem.message).toContain("/live/av1.mp4");
		for (const tile of [none, good, unfit]) await tile.destroy();
		await penstock.stop();
	});

	test("sends something else, breaks off in the middle, or lets no page read it, is told apart", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const recording = await record(`${penstock.http}/live/signal.mp4`);
		await recording.until(({ accessUnits }) => accessUnits.length > 200);
		const bytes = readFileSync(recording.save());
		await penstock.stop();
		const mp4 = { "Content-Type": "video/mp4", ...OPEN };
		let broken = 0;
		const odd = await serve({
			"/page.mp4": (response) => response.writeHead(200, { "Content-Type": "text/html", ...OPEN }).end("<p>Hello</p>"),
			"/cut.mp4": (response) => {
				if (broken++ > 0) response.writeHead(200, mp4).write(bytes);
				else response.writeHead(200, mp4).write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
			},
			"/closed.mp4": (response) => response.writeHead(200, { "Content-Type": "video/mp4" }).end(bytes),
		});
		const wrong = await page.play({ src: `${odd}/page.mp4` });
		expect((await wrong.message("failed")).problem).toMatchObject({ code: "NOT_A_STREAM" });
		expect((await wrong.message("failed")).problem.message).toContain('"text/html"');

		const cut = await page.play({ src: `${odd}/cut.mp4`, muted: true });
		const { problem } = await cut.message("waiting");
		expect(problem).toMatchObject({ code: "NETWORK" });
		expect(problem.message).toMatch(/broke off/);
		await cut.until(({ connection }) => connection.filter(({ kind }) => kind === "connected").length === 2);
		const before = cut.figures?.framesReceived ?? 0;
		await cut.until(({ figures }) => (figures?.framesReceived ?? 0) > before);

		const closed = await page.play({ src: `${odd}/closed.mp4` });
		const unread = (await closed.message("waiting")).problem;
		expect(unread.code).toBe("NETWORK");
		expect(unread.message).toContain(`does not let pages of ${page.origin} read it`);
		for (const tile of [wrong, cut, closed]) await tile.destroy();
	});

	test("sends pictures that no decoder takes is told of, and seen again from the next unit on", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const recording = await record(`${penstock.http}/live/signal.mp4`);
		await recording.until(({ units }) => units.length > 12);
		const bytes = spoilUnit(readFileSync(recording.save()), 5);
		await penstock.stop();
		const origin = await serve({
			"/spoilt.mp4": (response) => response.writeHead(200, { "Content-Type": "video/mp4", ...OPEN }).write(bytes),
		});
		const tile = await page.play({ src: `${origin}/spoilt.mp4`, muted: true, targetMs: 1000 });
		await tile.until(({ problems }) => problems.length > 0);
		expect(tile.problems[0]).toMatchObject({ code: "DECODER" });
		const pictures = recording.accessUnits.filter(({ track }) => track === "video").length;
		const perUnit = (TINY_UNIT_MS * 30) / 1000;
		// All but those of one unit: seven or eight, and the last of the recording may be cut.
		await tile.until(({ figures }) => (figures?.framesShown ?? 0) >= pictures - Math.ceil(perUnit) - 1);
		expect(tile.events.some(({ kind }) => kind === "unfit")).toBe(false);
		await tile.destroy();
	});

	test("has nothing that this browser decodes makes the renderer unfit, and says why", async () => {
		const hevc = { ...TINY_CHANNEL, codec: "hevc", audio: "none", renditions: TINY_LADDER.slice(2) };
		const penstock = await startPenstock({ channels: { hevc } });
		const tile = await page.play({ src: `${penstock.http}/live/hevc.mp4` });
		await tile.until(({ events }) => events.some(({ kind }) => kind === "unfit"));
		const unfit = tile.events.find((event) => event.kind === "unfit");
		expect(unfit?.problem).toMatchObject({ code: "UNSUPPORTED" });
		expect(unfit?.problem.message).toMatch(/do not decode hvc1\./);
		await tile.destroy();
		await penstock.stop();
	});
});

const OPEN = { "Access-Control-Allow-Origin": "*" };
const withoutPreset = ({ name, width, height, bitrateBps }: (typeof TINY_LADDER)[number]): object => ({
	...{ name, width, height, bitrateBps },
});

/** Overwrites what the slices of one unit's pictures hold; boxes, NAL units and their lengths stay as they are. */
function spoilUnit(mp4: Buffer, index: number): Buffer {
	let unit = -1;
	for (let at = 0; at + 8 <= mp4.length; at += mp4.readUInt32BE(at)) {
		const type = mp4.toString("latin1", at + 4, at + 8);
		if (type === "moov") unit++;
		if (type !== "mdat" || unit !== index) continue;
		const end = at + mp4.readUInt32BE(at);
		for (let nal = at + 8; nal + 5 < end; nal += 4 + mp4.readUInt32BE(nal)) {
			const length = mp4.readUInt32BE(nal);
			if (nal + 4 + length > end) break; // sound
			if ([1, 5].includes(mp4[nal + 4]! & 0x1f)) mp4.fill(1, nal + 5, nal + 4 + length);
		}
	}
	return mp4;
}

/** Serves until the test file ends; gives its origin. */
async function serve(routes: Readonly<Record<string, (response: ServerResponse) => void>>): Promise<string> {
	const server = createServer(({ url = "" }, response) => routes[url]?.(response));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("sound", () => {
	test("that the browser wants a gesture for does not hold the picture up, and comes with the gesture", async () => {
		const { endpoint } = await launchChromium(["--autoplay-policy=no-user-gesture-required"]);
		const page = await openPlayerPage(await chromium.connectOverCDP(endpoint), "webcodecs", { untouched: true });
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.mp4`, soundOnClick: true, onLoad: true });
		await tile.until(({ problems }) => problems.length > 0);
		expect(tile.problems.map(({ code }) => code)).toEqual(["AUTOPLAY"]);
		await tile.until(({ figures }) => (figures?.framesShown ?? 0) > 30);
		expect(tile.figures?.audioVideoOffsetMs).toBeUndefined();
		await page.page.mouse.click(5, 5);
		await tile.until(({ figures }) => figures?.audioVideoOffsetMs !== undefined);
		expect(tile.problems.length).toBe(1);
		await tile.destroy();
		await penstock.stop();
	});

	test("that is switched on later begins then, and the picture follows it", async () => {
		const page = await openPlayerPage(browser, "webcodecs");
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.flv`, muted: true, record: true });
		await tile.until(({ figures }) => (figures?.framesShown ?? 0) > 30);
		expect((await tile.heard()).length).toBe(0);
		await tile.setSound(0.5, false);
		await tile.until(({ figures }) => figures?.audioVideoOffsetMs !== undefined);
		// A tone of 440 Hz, an eighth of full scale, at half its volume.
		const { framesShown } = tile.figures!;
		await tile.until(({ figures }) => figures!.framesShown > framesShown + 30);
		const pcm = await tile.heard();
		const peak = pcm.reduce((one, sample) => Math.max(one, Math.abs(sample)), 0);
		expect(peak).toBeGreaterThan(0.04);
		expect(peak).toBeLessThan(0.09);
		await tile.destroy();
		await penstock.stop();
	});

	test("alone plays without a picture", async () => {
		const page = await openPlayerPage(browser, "webcodecs");
		const { source, unitMs } = TINY_CHANNEL;
		const penstock = await startPenstock({ channels: { radio: { source, unitMs, video: "none" } } });
		const tile = await page.play({ src: `${penstock.http}/live/radio.ts`, record: true });
		await tile.until(({ events }) => events.some(({ kind }) => kind === "started"));
		const from = tile.figures?.positionMs ?? 0;
		await tile.until(({ figures }) => (figures?.positionMs ?? 0) > from + 500);
		expect((await tile.heard()).some((sample) => Math.abs(sample) > 0.05)).toBe(true);
		await tile.destroy();
		await penstock.stop();
	});
});
