/**
 * Two players that play on and on, WebCodecs and MSE side by side, in Chromium as people have it: what is in the
 * background is slowed down. What becomes of delay and memory is read here; what a network and a user do to them in the
 * meantime, too.
 */
import { readFileSync } from "node:fs";
import { type Browser, type CDPSession, connect, type Page } from "puppeteer-core";
import type { PlayerProblem, RendererKind } from "../../src/player/player-model.ts";
import { launchChromium, UNTHROTTLED } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { startPenstock } from "./penstock.ts";
import { openSite, type PlayerSight, type Site } from "./site-page.ts";
import { startRelay, type TcpRelay } from "./tcp-relay.ts";
import { TINY_CHANNEL } from "./tiny-ladder.ts";

export const RENDERERS = ["webcodecs", "mse"] as const satisfies readonly RendererKind[];

declare global {
	/** In a page: the tab in front of it. */
	var cover: Window | null;
}

/** One player over some seconds. */
export interface Spell {
	/** From a picture's making to its showing, ms; NaN where none was shown. */
	readonly delayP50Ms: number;
	readonly delayP95Ms: number;
	/** That were shown, each of them once. */
	readonly pictures: number;
	/** In this time. */
	readonly dropped: number;
	readonly stalls: number;
	readonly switches: number;
	readonly underruns: number;
	readonly reconnects: number;
	readonly problems: readonly PlayerProblem[];
	/** How it was at the end. */
	readonly sight: PlayerSight;
}

export type ByRenderer<Value> = Readonly<Record<RendererKind, Value>>;

/** Every rendition is shown so long: a decoder is reset at each change. */
const STAY_MS = 1000;

/** Starts server, relay and browser, and resolves when both players play; all of it ends with the test file. */
export async function startLongPlay(): Promise<LongPlay> {
	const tour = { policy: "tour", tour: { stayMs: STAY_MS } };
	const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL }, switching: tour });
	const relay = await startRelay(penstock.http);
	const { endpoint } = await launchChromium(UNTHROTTLED);
	const browser = await connect({ browserWSEndpoint: endpoint, defaultViewport: null });
	const play = async (renderer: RendererKind): Promise<Site<Page>> => {
		// A window of its own: of the tabs of one window only one is seen.
		const page = await browser.newPage({ type: "window" });
		const src = `${relay.origin}/live/signal.mp4`;
		return await openSite(page, [{ src, renderer, autoplay: "", "read-signal": "" }]);
	};
	const longPlay = new LongPlay(browser, relay, { webcodecs: await play("webcodecs"), mse: await play("mse") });
	await longPlay.untilPlaying();
	return longPlay;
}

export class LongPlay {
	/** Between the players and the server. */
	readonly relay: TcpRelay;
	readonly #browser: Browser;
	readonly #sites: ByRenderer<Site<Page>>;
	readonly #sessions = new WeakMap<Page, CDPSession>();

	/** Use `startLongPlay`. */
	constructor(browser: Browser, relay: TcpRelay, sites: ByRenderer<Site<Page>>) {
		this.#browser = browser;
		this.relay = relay;
		this.#sites = sites;
	}

	/** Resolves when both have shown a picture since this was called. */
	async untilPlaying(timeoutMs = 30_000): Promise<void> {
		await this.#take();
		await Promise.all(
			RENDERERS.map((renderer) =>
				eventually(async () => {
					const sight = await this.#sight(renderer);
					if (sight.state !== "playing" || sight.readings.length === 0) {
						throw new Error(`${renderer} is ${sight.state}: ${sight.problem?.message ?? "no problem"}`);
					}
				}, timeoutMs),
			),
		);
	}

	/** Lets this time pass, and tells of it. */
	async observe(ms: number): Promise<ByRenderer<Spell>> {
		const before = await this.#take();
		await pass(ms);
		const after = await this.#take();
		return {
			webcodecs: spellOf(before.webcodecs, after.webcodecs),
			mse: spellOf(before.mse, after.mse),
		};
	}

	/** Another tab in front of both for this time; resolves when they are seen again. */
	async hide(ms: number): Promise<void> {
		const pages = RENDERERS.map((renderer) => this.#sites[renderer].page);
		for (const page of pages) {
			// What a page opens itself is a tab of its own window.
			await page.evaluate(() => {
				globalThis.cover = globalThis.open("about:blank");
			});
			await page.waitForFunction("document.hidden", { polling: 100 });
		}
		await pass(ms);
		for (const page of pages) {
			await page.evaluate(() => globalThis.cover!.close());
			await page.bringToFront();
			await page.waitForFunction("!document.hidden", { polling: 100 });
		}
	}

	async #sessionOf(page: Page): Promise<CDPSession> {
		const session = this.#sessions.get(page) ?? (await page.createCDPSession());
		this.#sessions.set(page, session);
		return session;
	}

	/** What is reachable in JavaScript, of each page and its workers together. */
	async heapBytes(): Promise<ByRenderer<number>> {
		return { webcodecs: await this.#heapOf("webcodecs"), mse: await this.#heapOf("mse") };
	}

	/** Of all processes of the browser's in which pages are, resident: what decoders and pictures take is not in the heap. */
	async processBytes(): Promise<number> {
		const session = await this.#browser.target().createCDPSession();
		const { processInfo } = await session.send("SystemInfo.getProcessInfo");
		await session.detach();
		let bytes = 0;
		for (const { type, id } of processInfo) {
			if (type === "renderer") bytes += residentBytes(id);
		}
		return bytes;
	}

	async #heapOf(renderer: RendererKind): Promise<number> {
		const { page } = this.#sites[renderer];
		let bytes = 0;
		for (const client of [await this.#sessionOf(page), ...page.workers().map((worker) => worker.client)]) {
			await client.send("HeapProfiler.collectGarbage");
			const { usedSize } = await client.send("Runtime.getHeapUsage");
			bytes += usedSize;
		}
		return bytes;
	}

	async #take(): Promise<ByRenderer<PlayerSight>> {
		const [webcodecs, mse] = await Promise.all([this.#sight("webcodecs"), this.#sight("mse")]);
		return { webcodecs, mse };
	}

	async #sight(renderer: RendererKind): Promise<PlayerSight> {
		const [sight] = await this.#sites[renderer].take();
		return sight!;
	}
}

function spellOf(before: PlayerSight, after: PlayerSight): Spell {
	const ages = after.readings.map(({ ageMs }) => ageMs).toSorted((a, b) => a - b);
	const grown = (name: "framesDropped" | "stalls" | "switches" | "audioUnderruns" | "reconnects"): number =>
		(after.statistics?.[name] ?? 0) - (before.statistics?.[name] ?? 0);
	return {
		delayP50Ms: ages[ages.length >> 1] ?? Number.NaN,
		delayP95Ms: ages[Math.floor(ages.length * 0.95)] ?? Number.NaN,
		pictures: new Set(after.readings.map(({ counter }) => counter)).size,
		dropped: grown("framesDropped"),
		stalls: grown("stalls"),
		switches: grown("switches"),
		underruns: grown("audioUnderruns"),
		reconnects: grown("reconnects"),
		problems: after.problems,
		sight: after,
	};
}

/** 0 where it has just ended. */
function residentBytes(pid: number): number {
	try {
		const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		return Number(kibibytes ?? 0) * 1024;
	} catch {
		return 0;
	}
}

/** Time itself is what such a test waits for. */
export const pass = (ms: number): Promise<void> => new Promise((over) => setTimeout(over, ms));
