/**
 * A page that plays streams with one of the player's renderers, in a real browser and by way of a real worker, and what
 * was seen and heard there. The page is of an origin of its own: streams come from another, as on a site of a user's.
 * `player-page-script.ts` is its other half. The player's worker and audio worklet are those of the build (dist/web).
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page as PlaywrightPage } from "playwright-core";
import type { ConnectionMessage } from "../../src/player/connection-message.ts";
import type { PlayerProblem, RendererKind, RenditionChange, SignalReading } from "../../src/player/player-model.ts";
import type { RendererFigures } from "../../src/player/renderer.ts";
import { onCleanup } from "./cleanup.ts";

export interface TileOptions {
	/** Absolute. */
	readonly src: string;
	readonly targetMs?: number;
	/** 1 where it is left out. */
	readonly volume?: number;
	/** False where it is left out. */
	readonly muted?: boolean;
	/** True where it is left out. */
	readonly readSignal?: boolean;
	/** The sound goes to a recorder at 48 kHz; else to a context of the player's own. */
	readonly record?: boolean;
	/** A click anywhere on the page switches the sound on. */
	readonly soundOnClick?: boolean;
	/** Plays as the page is loaded anew: the first tile of a page that is left untouched. */
	readonly onLoad?: boolean;
}

/** What a page must be able to do: those of Playwright and of Puppeteer are. */
export interface SteeredPage {
	goto(url: string): Promise<unknown>;
	evaluate(script: string): Promise<unknown>;
	exposeFunction(name: string, callback: (tile: number, event: TileEvent) => void): Promise<unknown>;
	on(event: "pageerror" | "console", listener: (what: unknown) => void): unknown;
	close(): Promise<void>;
}

/** What a renderer told. */
export type TileEvent =
	| { readonly kind: "connection"; readonly message: ConnectionMessage }
	| { readonly kind: "started" }
	| { readonly kind: "figures"; readonly figures: RendererFigures }
	| { readonly kind: "rendition-change"; readonly change: RenditionChange }
	| { readonly kind: "stall"; readonly playing: boolean }
	| { readonly kind: "signal"; readonly readings: readonly SignalReading[] }
	| { readonly kind: "problem"; readonly problem: PlayerProblem }
	| { readonly kind: "unfit"; readonly problem: PlayerProblem };

/** Where each renderer is made. */
const CREATE: Readonly<Record<RendererKind, { readonly module: string; readonly name: string }>> = {
	webcodecs: { module: "webcodecs/renderer.ts", name: "createWebCodecsRenderer" },
	mse: { module: "mse/renderer.ts", name: "createMseRenderer" },
};
const SCRIPT = fileURLToPath(new URL("./player-page-script.ts", import.meta.url));
const PLAYER_SOURCE = fileURLToPath(new URL("../../src/player/", import.meta.url));
const PLAYER_BUILD = fileURLToPath(new URL("../../dist/web/player/", import.meta.url));
const PAGE = `<!doctype html><meta charset="utf-8"><title>player</title><link rel="icon" href="data:,"><body><script type="module" src="/player/page.js"></script>`;
const PATIENCE_MS = 60_000;

/**
 * Opens the page; it is closed with the browser.
 * @param options.untouched nothing is called in the page, which a browser would take for a gesture of the user's
 */
export async function openPlayerPage<Page extends SteeredPage>(
	browser: { newPage(): Promise<Page> },
	renderer: RendererKind,
	options: { readonly untouched?: boolean } = {},
): Promise<PlayerPage<Page>> {
	const origin = await servePage(await bundlePage(renderer));
	const page = await browser.newPage();
	const opened = new PlayerPage(page, origin);
	if (!options.untouched) {
		await page.exposeFunction("tell", (tile: number, event: TileEvent) => opened.told(tile, event));
	}
	await page.goto(`${origin}/`);
	return opened;
}

/** The renderer and the page's script, as one module. */
async function bundlePage(renderer: RendererKind): Promise<Uint8Array> {
	const { module, name } = CREATE[renderer];
	const lines = [
		`import { ${name} } from ${JSON.stringify(PLAYER_SOURCE + module)};`,
		`import { offerTiles } from ${JSON.stringify(SCRIPT)};`,
		`offerTiles(${name});`,
	];
	const { outputFiles } = await build({
		stdin: { contents: lines.join("\n"), resolveDir: PLAYER_SOURCE, loader: "ts" },
		...{ bundle: true, format: "esm", write: false, sourcemap: "inline", logLevel: "silent" },
	});
	return outputFiles[0]!.contents;
}

/** Serves the page and the files of the player's build; gives its origin. */
export async function servePage(script: Uint8Array): Promise<string> {
	const server = createServer(({ url = "/" }, response) => {
		if (/^\/(\?|$)/.test(url)) return void response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
		const file = /^\/player\/[\w-]+\.js$/.test(url) ? basename(url) : undefined;
		if (file === undefined) return void response.writeHead(404).end();
		const content = file === "page.js" ? script : readFileSync(PLAYER_BUILD + file);
		response.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "no-store" }).end(content);
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => {
		server.close();
		server.closeAllConnections();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export class PlayerPage<Page extends SteeredPage = PlaywrightPage> {
	readonly page: Page;
	readonly origin: string;
	/** What the page or its console complained of. */
	readonly complaints: string[] = [];
	readonly #tiles: Tile[] = [];

	/** Use `openPlayerPage`. */
	constructor(page: Page, origin: string) {
		this.page = page;
		this.origin = origin;
		page.on("pageerror", (error) =>
			this.complaints.push(`page: ${error instanceof Error ? error.message : String(error)}`),
		);
		page.on("console", (what) => {
			const message = what as { type(): string; text(): string };
			const told = /^told (\d+) (\{.*)/s.exec(message.text());
			if (told !== null) this.told(Number(told[1]), JSON.parse(told[2]!) as TileEvent);
			if (["error", "warning", "warn"].includes(message.type())) this.complaints.push(`console: ${message.text()}`);
		});
	}

	/** Puts a tile into the page, which plays at once. */
	async play(options: TileOptions): Promise<Tile> {
		const id = this.#tiles.length;
		const tile = new Tile(this.page, id);
		this.#tiles.push(tile);
		if (options.onLoad) await this.page.goto(`${this.origin}/?play=${encodeURIComponent(JSON.stringify(options))}`);
		else await this.page.evaluate(`tiles.play(${id}, ${JSON.stringify(options)})`);
		return tile;
	}

	/** From the page's script. */
	told(tile: number, event: TileEvent): void {
		this.#tiles[tile]?.add(event);
	}

	async close(): Promise<void> {
		await this.page.close();
	}
}

export class Tile {
	/** All that its renderer told, in order. */
	readonly events: TileEvent[] = [];
	readonly #page: SteeredPage;
	readonly #id: number;
	readonly #waiting = new Set<() => void>();

	/** Use `PlayerPage.play`. */
	constructor(page: SteeredPage, id: number) {
		this.#page = page;
		this.#id = id;
	}

	/** Of the pictures that were shown, in order. */
	get readings(): SignalReading[] {
		return this.events.flatMap((event) => (event.kind === "signal" ? event.readings : []));
	}

	get changes(): RenditionChange[] {
		return this.events.flatMap((event) => (event.kind === "rendition-change" ? [event.change] : []));
	}

	get connection(): ConnectionMessage[] {
		return this.events.flatMap((event) => (event.kind === "connection" ? [event.message] : []));
	}

	get problems(): PlayerProblem[] {
		return this.events.flatMap((event) => (event.kind === "problem" ? [event.problem] : []));
	}

	/** The latest; undefined before the first. */
	get figures(): RendererFigures | undefined {
		const last = this.events.findLast(({ kind }) => kind === "figures");
		return last?.kind === "figures" ? last.figures : undefined;
	}

	/** The viewer's id at the server, of the latest connection. */
	get viewer(): string | undefined {
		const last = this.connection.findLast(({ kind }) => kind === "connected");
		return last?.kind === "connected" ? last.viewer : undefined;
	}

	add(event: TileEvent): void {
		this.events.push(event);
		for (const look of this.#waiting) look();
	}

	/**
	 * Resolves when `enough` says so, looked at with each event.
	 * @throws Error with the last events after `timeoutMs`
	 */
	async until(enough: (tile: this) => boolean, timeoutMs = PATIENCE_MS): Promise<this> {
		await new Promise<void>((resolve, reject) => {
			const end = (): void => {
				clearTimeout(timer);
				this.#waiting.delete(look);
			};
			const look = (): void => {
				if (!enough(this)) return;
				end();
				resolve();
			};
			const timer = setTimeout(() => {
				end();
				const last = this.events.slice(-8).map((event) => JSON.stringify(event).slice(0, 400));
				reject(new Error(`not within ${timeoutMs} ms; of ${this.events.length} events the last:\n${last.join("\n")}`));
			}, timeoutMs);
			this.#waiting.add(look);
			look();
		});
		return this;
	}

	/** Until a message of this kind has come, from the `from`th on; gives it. */
	async message<Kind extends ConnectionMessage["kind"]>(
		kind: Kind,
		from = 0,
	): Promise<Extract<ConnectionMessage, { kind: Kind }>> {
		const find = (): ConnectionMessage | undefined => this.connection.slice(from).find((one) => one.kind === kind);
		await this.until(() => find() !== undefined);
		return find() as Extract<ConnectionMessage, { kind: Kind }>;
	}

	async setSound(volume: number, muted: boolean): Promise<void> {
		await this.#page.evaluate(`tiles.setSound(${this.#id}, ${volume}, ${muted})`);
	}

	async setHidden(hidden: boolean): Promise<void> {
		await this.#page.evaluate(`tiles.setHidden(${this.#id}, ${hidden})`);
	}

	/** What comes out from now on is not kept. */
	async stopRecording(): Promise<void> {
		await this.#page.evaluate(`tiles.stopRecording(${this.#id})`);
	}

	/** What came out so far: two channels, interleaved, 48 kHz; silence before and behind is left out. */
	async heard(): Promise<Float32Array> {
		const text = (await this.#page.evaluate(`tiles.heard(${this.#id})`)) as string;
		const pcm = new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
		const first = pcm.findIndex((sample) => sample !== 0);
		const last = pcm.findLastIndex((sample) => sample !== 0);
		return first < 0 ? pcm.subarray(0, 0) : pcm.slice(first - (first % 2), last + 1 + ((last + 1) % 2));
	}

	async destroy(): Promise<void> {
		await this.#page.evaluate(`tiles.destroy(${this.#id})`);
	}
}
