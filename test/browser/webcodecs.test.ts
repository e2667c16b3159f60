/**
 * The WebCodecs renderer in a real browser, watching a real server: what it shows and plays over a hundred switches in
 * every packaging, and what it says when something goes wrong.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { RenditionChange, SignalReading } from "../../src/player/player-model.ts";
import { launchChromium, startChromium } from "../kit/chromium.ts";
import { onCleanup } from "../kit/cleanup.ts";
import { startPenstock } from "../kit/penstock.ts";
import { openPlayerPage, type PlayerPage, type Tile } from "../kit/player-page.ts";
import { freePort } from "../kit/ports.ts";
import { record } from "../kit/recording.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";
import { expectFlow } from "../kit/sound-flow.ts";
import { numberedChannel, startTour } from "../kit/switched-programme.ts";
import { TINY_CHANNEL, TINY_LADDER, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const PACKAGINGS = ["mp4", "flv", "ts", "rtp"] as const;
const SWITCHES = 100;
/** So much in hand that a machine that is busy with other things makes nothing late. */
const PATIENT = { targetMs: 10_000 };

let browser: Browser;
beforeAll(async () => {
	browser = await startChromium();
}, 60_000);

const size = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`;

describe(`${SWITCHES} switches in one response, in each packaging, four tiles at once`, () => {
	const tiles = new Map<string, Tile>();
	const heard = new Map<string, Float32Array>();
	/** When the last of the switches was there: the programme ends after a minute, and then the sound does run dry. */
	const underruns = new Map<Tile, number | undefined>();
	let page: PlayerPage;

	beforeAll(async () => {
		page = await openPlayerPage(browser, "webcodecs");
		const penstock = await startTour({ signal: await numberedChannel() });
		for (const packaging of PACKAGINGS) {
			const src = `${penstock.http}/live/signal.${packaging}`;
			tiles.set(packaging, await page.play({ src, record: true, ...PATIENT }));
		}
		const toldAll = async (tile: Tile): Promise<void> => {
			await tile.until(({ changes }) => changes.length > SWITCHES, 110_000);
			underruns.set(tile, tile.figures?.audioUnderruns);
			await tile.stopRecording();
		};
		await Promise.all([...tiles.values()].map(toldAll));
		for (const [packaging, tile] of tiles) {
			heard.set(packaging, await tile.heard());
			await tile.destroy();
		}
		await penstock.stop();
	}, 170_000);

	describe.each(PACKAGINGS)("of .%s", (packaging) => {
		const tile = (): Tile => tiles.get(packaging)!;

		test("every frame is shown once and in order, and none is dropped", () => {
			const { readings, figures } = tile();
			expect(readings.length).toBeGreaterThan((SWITCHES * 250 * 30) / 1000);
			expectEveryFrameOnce(readings.map(({ counter, checksumOk }) => ({ counter, checksumOk, clockMs: 0 })));
			expect(figures).toMatchObject({ framesDropped: 0 });
		});

		test("the picture's size changes with the first frame of the new rendition's unit, and nowhere else", () => {
			const { readings, changes } = tile();
			expect(sizeChanges(readings)).toEqual(toldSizeChanges(changes, readings));
		});

		test("each change is told with its unit, which begins at the same time in every packaging", () => {
			const [first, ...changes] = tile().changes as [RenditionChange, ...RenditionChange[]];
			expect(first.from).toBeUndefined();
			for (const [index, { from, to, unit, ptsMs }] of changes.entries()) {
				expect(from).toEqual((changes[index - 1] ?? first).to);
				expect(from?.name).not.toBe(to.name);
				for (const other of tiles.values()) {
					const same = other.changes.slice(1).find((change) => change.unit === unit);
					// FLV has whole milliseconds.
					if (same !== undefined) expect(Math.abs(same.ptsMs - ptsMs)).toBeLessThanOrEqual(0.5);
				}
			}
		});

		test("the sound goes on through all of them, at a speed within 1 %, without a gap", () => {
			const verdict = expectFlow(heard.get(packaging)!, { seconds: (SWITCHES * 250) / 1000 - 3 });
			expect(verdict.worstStep).toBeLessThan(1);
			expect(underruns.get(tile())).toBe(0);
			const gaps = tile().changes.map(({ audioGapSamples }) => audioGapSamples ?? 0);
			expect(gaps.filter((samples) => samples !== 0)).toEqual([]);
		});

		test("nothing in the stream could not be read, and the connection held", () => {
			// The programme ends after a minute: what is asked for then is nothing to this.
			expect(tile().connection.filter(({ kind }) => kind === "connected").length).toBe(1);
			const counts = tile().connection.filter((message) => message.kind === "counts");
			expect(counts.at(-1)?.faults).toBe(0);
			expect(tile().problems).toEqual([]);
		});
	});

	test("the page has nothing to complain of", () => {
		expect(page.complaints).toEqual([]);
	});
});

/** PTS of the frames that are of another size than the one before, with the sizes. */
const sizeChanges = (readings: readonly SignalReading[]): string[] =>
	readings.flatMap((reading, index) => {
		const before = readings[index - 1];
		if (before === undefined || size(before) === size(reading)) return [];
		return [`${reading.ptsMs}: ${size(before)} to ${size(reading)}`];
	});

/** The same as the renderer told it, as far as the frames that were read go. */
const toldSizeChanges = (changes: readonly RenditionChange[], readings: readonly SignalReading[]): string[] =>
	changes
		.slice(1)
		.filter(({ ptsMs }) => ptsMs <= readings.at(-1)!.ptsMs)
		.map(({ from, to, ptsMs }) => `${ptsMs}: ${size(from!)} to ${size(to)}`);

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
