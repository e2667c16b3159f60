/** The MSE renderer in Chromium, against the server itself: what a live stream does to a player is got over. */
import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startChromium } from "../kit/chromium.ts";
import { stepsBack } from "../kit/mse-switches.ts";
import { startPenstock } from "../kit/penstock.ts";
import { distinct } from "../kit/played-switches.ts";
import { openPlayerPage, type PlayerPage, type Tile } from "../kit/player-page.ts";
import { freePort } from "../kit/ports.ts";
import { numberedChannel, startTour } from "../kit/switched-programme.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const SAMPLE_RATE = 48_000;

let browser: Browser;
beforeAll(async () => {
	browser = await startChromium();
});

/** Of the tile that was opened last. */
const LAST_VIDEO = `[...document.querySelectorAll("video")].at(-1)`;

describe("a live stream", () => {
	let page: PlayerPage;
	beforeAll(async () => {
		page = await openPlayerPage(browser, "mse");
	});

	/** Pictures shown since the `from`th reading. */
	const plays =
		(from: number, count = 30) =>
		(tile: Tile): boolean =>
			tile.readings.length > from + count;

	test("is played on after the server has thrown the viewer out, and goes forward", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.ts` });
		await tile.until(plays(0));
		const before = tile.viewer!;
		expect((await penstock.call("DELETE", `/api/v1/viewers/${before}`)).status).toBe(204);
		await tile.until(({ viewer }) => viewer !== undefined && viewer !== before);
		await tile.until(plays(tile.readings.length));
		expect(stepsBack(distinct(tile.readings))).toEqual([]);
		expect(tile.problems).toEqual([]);
		await tile.destroy();
		await penstock.stop();
	});

	test("is played on where a server that was started again begins its times anew", async () => {
		const http = { listen: `127.0.0.1:${await freePort()}` };
		const first = await startPenstock({ http, channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${first.http}/live/signal.mp4` });
		await tile.until(plays(0, 300));
		const positionMs = tile.figures!.positionMs!;
		await first.stop();
		const second = await startPenstock({ http, channels: { signal: TINY_CHANNEL } });
		await tile.until(({ figures }) => (figures?.positionMs ?? positionMs) < positionMs);
		await tile.until(plays(tile.readings.length));
		expect(tile.problems).toEqual([]);
		await tile.destroy();
		await second.stop();
	});

	test("is played muted without its sound, and with it as soon as it is wanted", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.flv`, muted: true, record: true });
		await tile.until(plays(0));
		expect(tile.figures!.audioVideoOffsetMs).toBeUndefined();
		expect((await tile.heard()).length).toBe(0);
		await tile.setSound(1, false);
		await tile.until(({ figures }) => figures?.audioVideoOffsetMs !== undefined);
		await tile.until(plays(tile.readings.length));
		expect((await tile.heard()).length).toBeGreaterThan(SAMPLE_RATE / 2);
		expect(tile.problems).toEqual([]);
		await tile.destroy();
		await penstock.stop();
	});

	test("is caught up with at once where somebody held the element and let it go", async () => {
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.ts` });
		await tile.until(plays(0));
		await page.page.evaluate(`${LAST_VIDEO}.pause()`);
		await tile.until(({ figures }) => figures!.bufferMs > 2000);
		const from = tile.readings.length;
		await page.page.evaluate(`${LAST_VIDEO}.play()`);
		await tile.until(plays(from));
		// A picture or two of where it stood may be seen before.
		const times = tile.readings.slice(from - 1).map(({ ptsMs }) => ptsMs);
		const steps = times.slice(1).map((ptsMs, index) => ptsMs - times[index]!);
		expect(Math.max(...steps)).toBeGreaterThan(1000);
		await tile.destroy();
		await penstock.stop();
	});

	test("of sound alone is played", async () => {
		const channel = { source: "test", unitMs: 250, video: "none" };
		const penstock = await startPenstock({ channels: { signal: channel } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.ts`, record: true });
		await tile.until(({ events }) => events.some(({ kind }) => kind === "started"));
		await tile.until(({ changes }) => changes.length > 0);
		expect(tile.changes[0]).toMatchObject({ from: undefined, to: { width: 0, height: 0, codec: "mp4a.40.2" } });
		const positionMs = tile.figures!.positionMs ?? 0;
		await tile.until(({ figures }) => (figures!.positionMs ?? 0) > positionMs + 500);
		expect((await tile.heard()).length).toBeGreaterThan(SAMPLE_RATE / 2);
		await tile.destroy();
		await penstock.stop();
	});

	test("in a codec that the browser lacks is told to be unfit, with its name", async () => {
		const penstock = await startPenstock({
			channels: { signal: await numberedChannel({ codec: "hevc", audio: "none" }) },
		});
		const tile = await page.play({ src: `${penstock.http}/live/signal.mp4` });
		await tile.until(({ events }) => events.some(({ kind }) => kind === "unfit"), 60_000);
		const unfit = tile.events.find(({ kind }) => kind === "unfit");
		expect(unfit).toMatchObject({ problem: { code: "UNSUPPORTED", message: expect.stringContaining("hvc1") } });
		await tile.destroy();
		await penstock.stop();
	});
});

/** Makes the player's own worker run this first. */
const inWorkers = (script: string): string => `globalThis.Worker = class extends Worker {
	constructor(url, options) {
		const modules = [${JSON.stringify(`data:text/javascript,${encodeURIComponent(script)}`)}, String(url)];
		const imports = modules.map((module) => "import " + JSON.stringify(module) + ";").join("");
		super(URL.createObjectURL(new Blob([imports], { type: "text/javascript" })), options);
	}
}`;

/** As in a browser that has sources in pages only. */
const WITHOUT_SOURCE = "delete globalThis.MediaSource;";

/** Gives a source buffer something that is no media, once. */
const BREAKING = `let appends = 0;
const append = SourceBuffer.prototype.appendBuffer;
SourceBuffer.prototype.appendBuffer = function (bytes) {
	append.call(this, ++appends === 100 ? new Uint8Array(64).fill(255) : bytes);
};`;

describe("a source that the browser gives up is replaced with the next unit", () => {
	test.each(["worker", "page"])("in the %s", async (place) => {
		const page = await openPlayerPage(browser, "mse");
		await page.page.evaluate(inWorkers(place === "worker" ? BREAKING : WITHOUT_SOURCE));
		if (place === "page") await page.page.evaluate(BREAKING);
		const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const tile = await page.play({ src: `${penstock.http}/live/signal.mp4` });
		await tile.until(({ problems }) => problems.length > 0);
		expect(tile.problems).toMatchObject([{ code: "DECODER" }]);
		const from = tile.readings.length;
		await tile.until(({ readings }) => readings.length > from + 60);
		expect(tile.problems.length).toBe(1);
		expect(tile.events.filter(({ kind }) => kind === "unfit")).toEqual([]);
		expect(tile.connection.filter(({ kind }) => kind === "connecting").length).toBe(1);
		await tile.destroy();
		await penstock.stop();
	});
});

describe("where a worker can have no source", () => {
	test("the page has it, and switches cost nothing there either", async () => {
		const page = await openPlayerPage(browser, "mse");
		await page.page.evaluate(inWorkers(WITHOUT_SOURCE));
		const penstock = await startTour({ signal: TINY_CHANNEL });
		const tile = await page.play({ src: `${penstock.http}/live/signal.mp4` });
		await tile.until(({ changes }) => changes.length > 20, 60_000);
		const address = await page.page.evaluate<string>(`document.querySelector("video").src`);
		expect(address).toMatch(/^blob:/);
		const seen = distinct(tile.readings);
		expect(stepsBack(seen)).toEqual([]);
		for (const { audioGapSamples } of tile.changes.slice(1)) expect([0, undefined]).toContain(audioGapSamples);
		expect([tile.problems, page.complaints]).toEqual([[], []]);
		await tile.destroy();
		await penstock.stop();
	});
});
