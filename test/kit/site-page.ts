/**
 * A web site with `<penstock-player>` elements, as somebody would make it of the player's build (dist/web): on an origin
 * of its own, another than the streams'. `site-page-script.ts` is its other half.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type SteeredPage, servePage } from "./player-page.ts";
import type { PlayerSight } from "./site-page-script.ts";

export type { PlayerSight };

/** Its attributes; `src` is absolute. */
export type PlayerAttributes = Readonly<Record<string, string>>;

/** Shows the players, each with its attributes, in a page that is blank so far. */
export async function openSite<Page extends Omit<SteeredPage, "exposeFunction">>(
	page: Page,
	players: readonly PlayerAttributes[],
): Promise<Site<Page>> {
	const origin = await servePage(await bundle());
	const site = new Site(page);
	await page.goto(`${origin}/`);
	await page.evaluate(`site.show(${JSON.stringify(players)})`);
	return site;
}

async function bundle(): Promise<Uint8Array> {
	const { outputFiles } = await build({
		stdin: {
			contents: `import "/player/element.js"; import "./site-page-script.ts";`,
			resolveDir: fileURLToPath(new URL(".", import.meta.url)),
			loader: "ts",
		},
		external: ["/player/element.js"],
		...{ bundle: true, format: "esm", write: false, sourcemap: "inline", logLevel: "silent" },
	});
	return outputFiles[0]!.contents;
}

export class Site<Page extends Omit<SteeredPage, "exposeFunction"> = SteeredPage> {
	readonly page: Page;

	/** Use `openSite`. */
	constructor(page: Page) {
		this.page = page;
	}

	/** Of every player, how it is, and what it told since this was last asked. */
	async take(): Promise<PlayerSight[]> {
		return (await this.page.evaluate("site.take()")) as PlayerSight[];
	}

	async play(index: number): Promise<void> {
		await this.page.evaluate(`site.play(${index})`);
	}

	async pause(index: number): Promise<void> {
		await this.page.evaluate(`site.pause(${index})`);
	}
}
