/**
 * `<penstock-player>` and the watch page, as people use them: in Chromium, by mouse and keyboard, from a real server with
 * real encoders. The element's page is another site's: it loads the player from the media server.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { connect } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PenstockPlayerElement } from "../../src/player/element/entry.ts";
import type { ViewerSnapshot } from "../../src/server/api-model.ts";
import { launchChromium, startChromium } from "../kit/chromium.ts";
import { onCleanup } from "../kit/cleanup.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const PATIENCE_MS = 60_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let penstock: Penstock;
let browser: Browser;
const pages: Page[] = [];

beforeAll(async () => {
	penstock = await startPenstock({
		http: { listen: ["127.0.0.1:0", "127.0.0.1:0"] },
		channels: { signal: TINY_CHANNEL },
	});
	browser = await startChromium();
});
afterEach(async () => {
	for (const page of pages.splice(0)) await page.close();
});
afterAll(() => penstock.stop());

/** Serves one page of another site, and gives its address. */
async function serveSite(html: string): Promise<string> {
	const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(html));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => void server.close());
	onCleanup(() => server.closeAllConnections());
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A reverse proxy with the media server at `/media`. */
class Relay {
	readonly base: string;
	readonly reports: { readonly path: string; body: string }[] = [];

	private constructor(port: number) {
		this.base = `http://127.0.0.1:${port}`;
	}

	static async start(): Promise<Relay> {
		const server = createServer((incoming, response) => relay.#take(incoming, response));
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		onCleanup(() => void server.close());
		onCleanup(() => server.closeAllConnections());
		const relay = new Relay((server.address() as AddressInfo).port);
		return relay;
	}

	#take(incoming: IncomingMessage, response: ServerResponse): void {
		const { url = "", method, headers } = incoming;
		if (method === "POST") {
			const report = { path: url, body: "" };
			this.reports.push(report);
			incoming.on("data", (bytes: Buffer) => (report.body += bytes.toString()));
		}
		const onward = request(`${penstock.http}${url.slice("/media".length)}`, { method, headers }, (answer) => {
			response.writeHead(answer.statusCode!, answer.headers);
			answer.pipe(response);
		});
		onward.on("error", () => response.destroy());
		response.on("close", () => onward.destroy());
		incoming.pipe(onward);
	}
}

const RECORD = `const told = [];
for (const name of ["play", "playing", "pause", "waiting", "renditionchange", "error", "volumechange", "latency"]) {
	document.querySelector("penstock-player").addEventListener(name, ({ detail }) => {
		told.push({ name, detail });
		console.debug(name, detail?.code ?? "");
	});
}
globalThis.told = told;`;

interface Told {
	readonly name: string;
	readonly detail: unknown;
}

/** A page with one element. */
class Site {
	readonly page: Page;
	readonly complaints: string[] = [];

	private constructor(page: Page) {
		this.page = page;
		pages.push(page);
		page.setDefaultTimeout(PATIENCE_MS);
		page.on("pageerror", (error) => this.complaints.push(error.message));
		page.on("console", (message) => {
			if (message.type() === "error") this.complaints.push(message.text());
		});
	}

	static async open(
		attributes: string,
		{ page, src = `${penstock.http}/live/signal.mp4` }: { page?: Page; src?: string } = {},
	): Promise<Site> {
		const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>site</title><main><h1>Site</h1>
<penstock-player src="${src}" ${attributes}></penstock-player></main>
<script>${RECORD}</script><script type="module" src="${penstock.http}/player/element.js"></script></html>`;
		const site = new Site(page ?? (await browser.newPage()));
		await site.page.goto(await serveSite(html));
		return site;
	}

	static async watch(path: string, options: object = {}): Promise<Site> {
		const context = await browser.newContext(options);
		const site = new Site(await context.newPage());
		await site.page.goto(`${penstock.http}/play/${path}`);
		return site;
	}

	/** Of the element. */
	async ask<Value>(question: (player: PenstockPlayerElement) => Value): Promise<Value> {
		return await this.page.locator("penstock-player").evaluate(question as never);
	}

	async until(what: (player: PenstockPlayerElement) => boolean): Promise<void> {
		await eventually(async () => expect(await this.ask(what), what.toString()).toBe(true), PATIENCE_MS);
	}

	async told(name: string): Promise<readonly Told[]> {
		const all = (await this.page.evaluate("told")) as readonly Told[];
		return all.filter((one) => one.name === name);
	}

	async viewer(): Promise<ViewerSnapshot> {
		return await penstock.viewer((await this.ask((player) => player.viewer))!);
	}

	button(name: string | RegExp): Locator {
		return this.page.getByRole("button", { name, exact: typeof name === "string" });
	}

	/** As a hand does it: controls that have gone away come when the mouse moves. */
	async press(name: string | RegExp): Promise<void> {
		const { x, y, width, height } = (await this.button(name).boundingBox())!;
		await this.page.mouse.move(x + width / 2 - 2, y + height / 2);
		await this.page.mouse.move(x + width / 2, y + height / 2);
		await this.page.mouse.down();
		await this.page.mouse.up();
	}

	/** What axe finds of the kinds that keep people out. */
	async barriers(): Promise<readonly string[]> {
		await this.page.evaluate(AXE);
		const { violations } = (await this.page.evaluate("axe.run()")) as {
			violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
		};
		return violations
			.filter(({ impact }) => impact === "serious" || impact === "critical")
			.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
	}
}

const playing = (player: PenstockPlayerElement): boolean => player.state === "playing";
const isGone = async (id: string): Promise<boolean> =>
	(await penstock.call("GET", `/api/v1/viewers/${id}`)).status === 404;

describe.each(["webcodecs", "mse"] as const)("the element, by %s", (renderer) => {
	test("plays in a page of another site, tells what happens, and is known to the server", async () => {
		const site = await Site.open(`autoplay controls renderer="${renderer}"`);
		await site.until((player) => player.state === "playing" && (player.statistics?.framesShown ?? 0) > 30);
		await site.until((player) => player.renditions.length > 0 && !Number.isNaN(player.latency));
		const [shown, seconds, latency, names] = await site.ask((player) => [
			player.statistics!.renderer,
			player.currentTime,
			player.latency,
			player.renditions.map(({ name }) => name),
		]);
		expect(shown).toBe(renderer);
		expect(seconds).toBeGreaterThan(0);
		expect(latency).toBeGreaterThanOrEqual(0);
		expect(names).toEqual(["high", "mid", "low"]);
		expect(await site.told("play")).toHaveLength(1);
		expect((await site.told("playing")).length).toBeGreaterThan(0);
		expect((await site.told("renditionchange"))[0]!.detail).toMatchObject({ to: { name: "low", width: 192 } });
		expect(await site.viewer()).toMatchObject({ channel: "live/signal", packaging: "mp4", wish: "auto" });
		expect(site.complaints).toEqual([]);
	});

	test("reports what it sees and what its terminal is, and acknowledges a switch with its unit", async () => {
		const site = await Site.open(`autoplay renderer="${renderer}"`);
		await site.until(playing);
		await eventually(async () => {
			const { figures, told } = await site.viewer();
			for (const name of ["droppedShare", "smoothUpTo", "hidden"] as const) {
				expect(figures[name], name).toMatchObject({ source: "reported" });
			}
			expect(figures.hidden).toMatchObject({ value: false });
			expect(figures.smoothUpTo).toMatchObject({ value: "high" });
			expect(told).toMatchObject({ renditionShown: "low", stalls: expect.any(Number) });
			expect(told.playheadMs).toBeGreaterThan(0);
		}, PATIENCE_MS);
		await site.ask((player) => (player.rendition = "mid"));
		await eventually(async () => {
			const { told, lastSwitches } = await site.viewer();
			expect(lastSwitches.at(-1)).toMatchObject({ to: "mid" });
			expect(told).toMatchObject({ renditionShown: "mid", acknowledgedUnit: lastSwitches.at(-1)!.unit });
		}, PATIENCE_MS);
	});

	test("paused, leaves the server and keeps its picture; played, goes on at the live edge", async () => {
		const site = await Site.open(`autoplay controls renderer="${renderer}"`);
		await site.until(playing);
		const { id } = await site.viewer();
		await site.press(/^Pause/);
		await eventually(async () => expect(await isGone(id)).toBe(true), PATIENCE_MS);
		expect(await site.ask((player) => [player.state, player.paused, player.viewer])).toEqual([
			"paused",
			true,
			undefined,
		]);
		expect(await site.told("pause")).toHaveLength(1);
		// The picture that stays has the colours of the test signal, and is no empty place.
		const colours = await site.ask((player) => {
			const still = player.shadowRoot!.querySelector("canvas")!;
			const { data } = still.getContext("2d")!.getImageData(0, 0, still.width, still.height);
			return new Set(Array.from({ length: data.length / 4 }, (_, index) => data[4 * index])).size;
		});
		expect(colours).toBeGreaterThan(16);
		const before = await site.ask((player) => player.statistics!.framesShown);
		await site.press(/^Play/);
		await site.until(playing);
		expect((await site.viewer()).id).not.toBe(id);
		await eventually(async () => {
			expect(await site.ask((player) => player.statistics!.framesShown)).toBeGreaterThan(before);
		}, PATIENCE_MS);
		expect(await site.ask((player) => player.shadowRoot!.querySelectorAll("canvas, video").length)).toBe(1);
		expect(site.complaints).toEqual([]);
	});

	test("thrown out by the server, comes back and still wants what it wanted", async () => {
		const site = await Site.open(`autoplay renderer="${renderer}"`);
		await site.until(playing);
		await site.ask((player) => (player.rendition = "high"));
		await eventually(async () => expect((await site.viewer()).wish).toBe("high"), PATIENCE_MS);
		const { id } = await site.viewer();
		expect((await penstock.call("DELETE", `/api/v1/viewers/${id}`)).status).toBe(204);
		await eventually(async () => {
			const viewer = await site.viewer();
			expect(viewer.id).not.toBe(id);
			expect(viewer.wish).toBe("high");
		}, PATIENCE_MS);
		await site.until(playing);
		expect(await site.ask((player) => player.statistics!.reconnects)).toBe(1);
	});

	test("taken out of the page, leaves the server; with another address, plays that", async () => {
		const site = await Site.open(`autoplay renderer="${renderer}"`);
		await site.until(playing);
		const first = await site.viewer();
		await site.ask((player) => (player.src = player.src.replace(".mp4", ".flv")));
		await eventually(async () => expect((await site.viewer()).packaging).toBe("flv"), PATIENCE_MS);
		await eventually(async () => expect(await isGone(first.id)).toBe(true), PATIENCE_MS);
		const second = await site.viewer();
		await site.ask((player) => player.remove());
		await eventually(async () => expect(await isGone(second.id)).toBe(true), PATIENCE_MS);
	});
});

describe("the element's controls", () => {
	test("the menu, by keyboard alone, moves the session, and gives the choice back", async () => {
		const site = await Site.open("autoplay muted controls");
		await site.until((player) => player.state === "playing" && player.renditions.length === 3);
		const item = () => site.ask((player) => (player.shadowRoot!.activeElement as HTMLElement).dataset["name"]);
		await site.button("Quality").focus();
		await site.page.keyboard.press("Enter");
		expect(await item()).toBe("auto");
		await site.page.keyboard.press("ArrowDown");
		expect(await item()).toBe("high");
		await site.page.keyboard.press("End");
		expect(await item()).toBe("low");
		await site.page.keyboard.press("ArrowUp");
		await site.page.keyboard.press("ArrowUp");
		await site.page.keyboard.press("Enter");
		await eventually(async () => expect((await site.viewer()).wish).toBe("high"), PATIENCE_MS);
		await site.until((player) => player.statistics!.rendition!.name === "high");
		expect((await site.told("renditionchange")).at(-1)!.detail).toMatchObject({
			from: { name: "low" },
			to: { name: "high", width: 320, height: 180 },
		});
		expect(await site.ask((player) => [player.rendition, player.getAttribute("rendition")])).toEqual(["high", "high"]);
		const quality = site.button("Quality");
		expect(await quality.evaluate((button) => [button.ariaExpanded, button.matches(":focus")])).toEqual([
			"false",
			true,
		]);
		await site.page.keyboard.press("ArrowDown");
		expect(await item()).toBe("high");
		await site.page.keyboard.press("Escape");
		expect(await quality.evaluate((button) => button.ariaExpanded)).toBe("false");
		await site.ask((player) => (player.rendition = "auto"));
		await eventually(async () => expect((await site.viewer()).wish).toBe("auto"), PATIENCE_MS);
	});

	test("keys mute, set the volume and pause while the player has the focus, and only then", async () => {
		const site = await Site.open("autoplay controls");
		await site.until(playing);
		const sound = () => site.ask((player) => [player.muted, Math.round(player.volume * 10), player.paused]);
		await site.page.keyboard.press("m");
		expect(await sound()).toEqual([false, 10, false]);
		await site.page.keyboard.press("Tab");
		expect(await site.ask((player) => player === document.activeElement)).toBe(true);
		await site.page.keyboard.press("m");
		expect(await sound()).toEqual([true, 10, false]);
		await site.page.keyboard.press("m");
		await site.page.keyboard.press("ArrowDown");
		await site.page.keyboard.press("ArrowDown");
		await site.page.keyboard.press("ArrowUp");
		expect(await sound()).toEqual([false, 9, false]);
		await site.page.keyboard.press("k");
		expect(await sound()).toEqual([false, 9, true]);
		await site.page.keyboard.press(" ");
		expect(await sound()).toEqual([false, 9, false]);
		expect(await site.told("volumechange")).toHaveLength(5);
	});

	test("a click on the picture pauses it, two are fullscreen and do not", async () => {
		const site = await Site.open("autoplay muted controls");
		await site.until((player) => (player.statistics?.framesShown ?? 0) > 10);
		const picture = site.page.locator("[part=picture]");
		await picture.dblclick();
		await site.until((player) => document.fullscreenElement === player);
		await picture.click();
		await site.until((player) => player.paused);
		// Each of the two would have paused it, or begun anew.
		expect([...(await site.told("pause")), ...(await site.told("play"))]).toHaveLength(2);
	});

	test("fullscreen and picture in picture begin and end", async () => {
		const site = await Site.open("autoplay muted controls");
		await site.until((player) => (player.statistics?.framesShown ?? 0) > 10);
		await site.press(/^Fullscreen/);
		await site.until((player) => document.fullscreenElement === player);
		await site.press(/^Leave fullscreen/);
		await site.until(() => document.fullscreenElement === null);
		await site.press("Picture in picture");
		await site.until(() => ((document.pictureInPictureElement as HTMLVideoElement | null)?.videoWidth ?? 0) > 0);
		await site.press("Picture in picture");
		await site.until(() => document.pictureInPictureElement === null);
		await site.until(playing);
	});

	test("a wish for what is not there is refused in words, and forgotten", async () => {
		const site = await Site.open("autoplay muted controls");
		await site.until(playing);
		await site.ask((player) => (player.rendition = "best"));
		await eventually(async () => expect(await site.told("error")).toHaveLength(1), PATIENCE_MS);
		expect((await site.told("error"))[0]!.detail).toMatchObject({
			...{ code: "REFUSED", status: 404, serverCode: "RENDITION_NOT_FOUND" },
			message: expect.stringMatching(/"best".*high, mid, low/),
		});
		expect(await site.ask((player) => [player.rendition, player.getAttribute("rendition"), player.state])).toEqual([
			...["auto", "auto", "playing"],
		]);
	});
});

describe("without a gesture, in a browser that wants one", () => {
	test.each(["webcodecs", "mse"])("%s plays without sound, says so, and has a button for it", async (renderer) => {
		const { endpoint } = await launchChromium(["--autoplay-policy=no-user-gesture-required"]);
		const strict = await chromium.connectOverCDP(endpoint);
		const page = await strict.newPage();
		// To ask a page anything by way of Playwright is a gesture to the browser.
		const refused = page.waitForEvent("console", (message) => message.text() === "error AUTOPLAY");
		const site = await Site.open(`autoplay controls renderer="${renderer}"`, { page });
		await refused;
		await site.until((player) => player.muted && (player.statistics?.framesShown ?? 0) > 10);
		expect((await site.told("error")).map(({ detail }) => detail)).toEqual([
			expect.objectContaining({ code: "AUTOPLAY", message: expect.stringMatching(/sound/) }),
		]);
		await site.press("Unmute");
		expect(await site.ask((player) => [player.muted, player.problem])).toEqual([false, undefined]);
		const shown = await site.ask((player) => player.statistics!.framesShown);
		await eventually(async () => {
			expect(await site.ask((player) => player.statistics!.framesShown)).toBeGreaterThan(shown + 10);
			expect(await site.button("Unmute").count()).toBe(0);
		}, PATIENCE_MS);
		// It was not silenced again.
		expect(await site.ask((player) => player.muted)).toBe(false);
		await strict.close();
	});
});

describe("a stream that does not come", () => {
	test("is told with the server's words, and tried again by a button", async () => {
		const site = await Site.open("autoplay muted controls", { src: `${penstock.http}/live/none.mp4` });
		await site.until((player) => player.state === "failed");
		const problem = await site.ask((player) => player.problem);
		expect(problem).toMatchObject({ code: "REFUSED", status: 404, serverCode: "CHANNEL_NOT_FOUND" });
		expect(problem!.message).toMatch(/\/live\/signal/);
		expect(await site.page.getByText(problem!.message).first().isVisible()).toBe(true);
		await site.press("Try again");
		await eventually(async () => expect(await site.told("error")).toHaveLength(2), PATIENCE_MS);
	});

	test("is tried again by itself while the server is away", async () => {
		const own = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const site = await Site.open("autoplay muted controls", { src: `${own.http}/live/signal.mp4` });
		await site.until(playing);
		await own.stop();
		await site.until((player) => player.state === "waiting" && player.problem?.code === "NETWORK");
		expect(await site.ask((player) => player.problem!.retryInMs)).toBeGreaterThan(0);
	});
});

describe("the watch page", () => {
	test("plays the channel of its address, as its query says, within its own policy", async () => {
		const site = await Site.watch("live/signal?packaging=ts&renderer=mse&rendition=mid&muted");
		await site.until(playing);
		expect(await site.viewer()).toMatchObject({
			channel: "live/signal",
			packaging: "ts",
			wish: "mid",
			rendition: "mid",
		});
		expect(await site.ask((player) => [player.statistics!.renderer, player.muted])).toEqual(["mse", true]);
		expect(await site.page.title()).toBe("signal · Penstock");
		expect(site.complaints).toEqual([]);
	});

	test("says that there is no such channel, and which there are", async () => {
		const site = await Site.watch("live/none");
		const alert = site.page.getByRole("alert");
		await alert.waitFor();
		expect(await alert.textContent()).toMatch(/There is no channel live\/none.*\/live\/signal/);
		expect(await site.barriers()).toEqual([]);
	});

	test("gives its link away", async () => {
		const site = await Site.watch("live/signal?muted", { permissions: ["clipboard-read", "clipboard-write"] });
		await site.press("Copy link");
		await site.page.getByText("Copied").waitFor();
		expect(await site.page.evaluate(() => navigator.clipboard.readText())).toBe(
			`${penstock.http}/play/live/signal?muted`,
		);
	});

	test.each([
		["light", 1280],
		["dark", 360],
	] as const)("keeps nobody out: axe finds nothing serious in %s at %i px", async (colorScheme, width) => {
		const site = await Site.watch("live/signal?muted", { colorScheme, viewport: { width, height: 720 } });
		await site.until((player) => player.state === "playing" && player.renditions.length === 3);
		await site.press("Statistics");
		expect(await site.barriers()).toEqual([]);
		await site.press("Quality");
		expect(await site.barriers()).toEqual([]);
	});
});

test("a page that nobody looks at is reported, and that somebody looks again", async () => {
	const { endpoint } = await launchChromium();
	// Playwright's pages are made to believe that they are always seen.
	const tabs = await connect({ browserWSEndpoint: endpoint });
	const tab = await tabs.newPage();
	await tab.goto(`${penstock.http}/play/live/signal?muted`);
	const viewer = async () => {
		const id = await tab.evaluate(() => document.querySelector("penstock-player")!.viewer);
		return await penstock.viewer(id!);
	};
	const isHidden = async () => (await viewer()).figures.hidden;
	await eventually(async () => expect(await isHidden()).toMatchObject({ value: false }), PATIENCE_MS);
	const cover = await tabs.newPage();
	await cover.bringToFront();
	await eventually(
		async () => expect(await isHidden()).toMatchObject({ value: true, source: "reported" }),
		PATIENCE_MS,
	);
	await tab.bringToFront();
	await eventually(async () => expect(await isHidden()).toMatchObject({ value: false }), PATIENCE_MS);
	await tabs.disconnect();
});

test("behind a proxy's path, reports go by the same path, and the last one when the page goes", async () => {
	const relay = await Relay.start();
	const site = await Site.open("autoplay muted", { src: `${relay.base}/media/live/signal.mp4` });
	await site.until(playing);
	expect(await site.viewer()).toMatchObject({ channel: "live/signal" });
	const states = () => relay.reports.map(({ path, body }) => [path, /sta=(\w)/.exec(body)?.[1]]);
	await eventually(async () => {
		for (const path of ["/media/report/network", "/media/report/status"]) {
			expect(states()).toContainEqual([path, undefined]);
		}
	}, PATIENCE_MS);
	expect(states()).not.toContainEqual(["/media/report/status", "q"]);
	await site.page.goto("about:blank");
	await eventually(async () => expect(states()).toContainEqual(["/media/report/status", "q"]), PATIENCE_MS);
});

test("players with `spread` share the server's origins", async () => {
	const site = await Site.open("autoplay muted spread");
	const streams: string[] = [];
	site.page.on("request", (request) => {
		if (request.url().endsWith(".mp4")) streams.push(new URL(request.url()).origin);
	});
	await site.ask((player) => {
		for (let more = 0; more < 3; more++) player.after(player.cloneNode());
	});
	await eventually(async () => expect(streams.length).toBeGreaterThanOrEqual(3), PATIENCE_MS);
	expect(new Set(streams).size).toBe(2);
});
