/**
 * Makes the README's pictures of the wall, `docs/images/wall-*.png`: runs `penstock demo`, opens its wall in Chromium,
 * narrows one tile's link, and takes the page before, at and after the switch. Needs the build (`npm run build`).
 */
import { mkdirSync } from "node:fs";
import { startChromium } from "../test/kit/chromium.ts";
import { startProcess } from "../test/kit/processes.ts";

const FOLDER = "docs/images";
const PATIENCE_MS = 120_000;
/** What the demo's best rendition is shown as. */
const BEST = "640×360";
const NARROW = "1";
const SETTLE_MS = 40_000;

const sleep = (ms: number): Promise<void> => new Promise((over) => setTimeout(over, ms));

const demo = startProcess(process.execPath, ["dist/cli/penstock.js", "demo", "--port", "0", "--api-port", "0"]);
const [, wall] = await demo.waitForLine(/^\s+(http:\S+\/#\/wall\/\S+)$/, 30_000);
const browser = await startChromium();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
const page = await context.newPage();
const tile = page.getByRole("article", { name: ".flv" });

const shows = (size: string, where = tile): Promise<void> =>
	where.locator(".plays", { hasText: size }).waitFor({ timeout: PATIENCE_MS });

async function take(name: string): Promise<void> {
	await page.screenshot({ path: `${FOLDER}/wall-${name}.png`, fullPage: true });
	console.log(`${FOLDER}/wall-${name}.png`);
}

mkdirSync(FOLDER, { recursive: true });
await page.goto(wall!);
for (const packaging of ["mp4", "flv", "ts", "rtp"]) {
	await shows(BEST, page.getByRole("article", { name: `.${packaging}` }));
}
// A minute is what the charts show.
await sleep(SETTLE_MS);
await shows(BEST);
await take("before");
await tile.getByRole("radio", { name: NARROW, exact: true }).check();
await tile.locator(".plays", { hasNotText: BEST }).waitFor({ timeout: PATIENCE_MS });
await tile.locator(".reason", { hasText: "→" }).waitFor();
await take("at");
await sleep(SETTLE_MS / 4);
await tile.getByRole("radio", { name: "full" }).check();
await shows(BEST);
await take("after");
await browser.close();
await demo.stop();
process.exit(0);
