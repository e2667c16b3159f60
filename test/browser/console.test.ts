/**
 * The console in a real browser, at a real server: it shows what the server says, does to viewers what the operator
 * asks for, and can be used by everybody, on a phone and at night, too.
 */
import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { ServerSnapshot, ViewerList, ViewerSnapshot } from "../../src/server/api-model.ts";
import { startChromium } from "../kit/chromium.ts";
import { eventually } from "../kit/eventually.ts";
import { type HttpViewer, openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { ConsolePage, type Look } from "./console-page.ts";

/** Pictures that are cheap to decode four at a time, at bit rates that a limit tells apart. */
const RENDITIONS = [
	{ name: "high", width: 320, height: 180, bitrateBps: 1_200_000, preset: "ultrafast" },
	{ name: "mid", width: 256, height: 144, bitrateBps: 600_000, preset: "ultrafast" },
	{ name: "low", width: 192, height: 128, bitrateBps: 200_000, preset: "ultrafast" },
];
const CONFIG = {
	server: { underDuress: "ignore" },
	switching: { policy: "adaptive" },
	channels: {
		demo: { source: { test: { width: 320, height: 180, frameRate: 30 } }, unitMs: 500, renditions: RENDITIONS },
	},
};
/** Below what the best rendition takes, sound included, and above what the lowest does. */
const NARROW = { label: "0.5", maxBps: 500_000 };

let browser: Browser;
let penstock: Penstock;

beforeAll(async () => {
	browser = await startChromium();
	penstock = await startPenstock(CONFIG);
	await eventually(async () => expect((await penstock.channel("live/demo")).live).toBe(true), 30_000);
}, 150_000);

/** A viewer that reads whatever comes, and reports nothing. */
async function watch(packaging: string): Promise<{ readonly id: string; readonly viewer: HttpViewer }> {
	const viewer = await openViewer(`${penstock.http}/live/demo.${packaging}`, { onChunk: () => undefined });
	return { id: viewer.headers["penstock-viewer"] ?? "", viewer };
}

async function viewersNow(): Promise<readonly ViewerSnapshot[]> {
	return ((await penstock.call("GET", "/api/v1/viewers")).body as ViewerList).viewers;
}

const toRendition = (id: string, wanted: RegExp): Promise<void> =>
	eventually(async () => expect((await penstock.viewer(id)).rendition).toMatch(wanted), 90_000);

const LOOKS: readonly Look[] = [360, 1280].flatMap((width) => [
	{ width, scheme: "light" as const },
	{ width, scheme: "dark" as const },
]);

describe.each(LOOKS)("at $width px, $scheme", (look) => {
	test("every page opens without a complaint, fits the window, and hinders nobody", async () => {
		const { id, viewer } = await watch("ts");
		const console = await ConsolePage.open(browser, penstock.api, "#/", look);
		const pages: Readonly<Record<string, string>> = {
			"#/": "Overview",
			"#/channel/live/demo": "live/demo",
			"#/publishers": "Publishers",
			"#/viewers": "Viewers",
			[`#/viewer/${id}`]: `Viewer ${id.slice(0, 8)}`,
			"#/wall/live/demo": "Wall of live/demo",
			"#/counters": "Counters",
			"#/channel/live/none": "live/none",
			"#/nowhere": "No such page",
		};
		for (const [hash, heading] of Object.entries(pages)) {
			await console.go(hash);
			await console.page.getByRole("heading", { level: 1, name: heading }).waitFor();
			expect(await console.page.title(), hash).toBe(`${heading} – Penstock`);
			expect(await console.overflow(), hash).toBe(0);
			expect(await console.seriousFindings(), hash).toEqual([]);
			expect(console.complaints, hash).toEqual([]);
		}
		await console.close();
		viewer.close();
	}, 240_000);
});

test("the overview shows the server's figures, and a channel with a picture that plays", async () => {
	const console = await ConsolePage.open(browser, penstock.api, "#/");
	const { version } = (await penstock.call("GET", "/api/v1/server")).body as ServerSnapshot;
	await console.page.locator("header", { hasText: `adaptive · ${version}` }).waitFor();
	await console.page.locator(".card", { hasText: "test pattern" }).waitFor();
	await eventually(async () => {
		const shown = await console.page.evaluate(() => document.querySelector("penstock-player")?.statistics?.framesShown);
		expect(shown).toBeGreaterThan(0);
	}, 30_000);
	// Of the lowest rendition, for a small picture needs no more.
	expect((await viewersNow()).map(({ wish }) => wish)).toContain("low");
	await console.close();
});

test("a viewer is held at a rendition, its link narrowed and widened, and its stream ended", async () => {
	const { id, viewer } = await watch("flv");
	await toRendition(id, /high|mid/);
	const console = await ConsolePage.open(browser, penstock.api, `#/viewer/${id}`);
	const { page } = console;

	const narrow = page.getByRole("radio", { name: NARROW.label, exact: true });
	await narrow.check();
	await eventually(async () => expect((await penstock.viewer(id)).maxBps).toBe(NARROW.maxBps));
	await toRendition(id, /low/);
	await page.locator(".decisions li", { hasText: "network" }).first().waitFor();
	await page.getByRole("radio", { name: "full" }).check();
	await eventually(async () => expect((await penstock.viewer(id)).maxBps).toBeUndefined());

	await page.getByLabel("Rendition").selectOption("mid");
	await eventually(async () => expect((await penstock.viewer(id)).wish).toBe("mid"));
	await toRendition(id, /mid/);
	await page.locator(".fact", { hasText: "Wish" }).getByText("mid").waitFor();

	const end = page.getByRole("button", { name: "End the stream …" });
	await end.click();
	const dialog = page.getByRole("dialog", { name: "End this viewer's stream?" });
	await dialog.getByRole("button", { name: "Cancel" }).click();
	expect((await penstock.viewer(id)).id).toBe(id);
	await end.press("Enter");
	await dialog.getByRole("button", { name: "End the stream" }).click();
	await viewer.ended;
	await eventually(async () => expect((await penstock.call("GET", `/api/v1/viewers/${id}`)).status).toBe(404));
	await page.getByRole("heading", { level: 1, name: "has left" }).waitFor();
	await console.close();
}, 300_000);

test("the wall plays all packagings, and its throttle makes the server switch a tile down and up again", async () => {
	const console = await ConsolePage.open(browser, penstock.api, "#/overview");
	const { page } = console;
	// On a busy machine players drop frames, and the server heeds those who say so: here the link alone is to decide.
	await page.route("**/report/*", (route) => route.abort());
	await console.go("#/wall/live/demo");
	const tile = page.getByRole("article", { name: ".ts" });
	const ids = await eventually(async () => {
		const found = await page.evaluate(() =>
			[...document.querySelectorAll("penstock-player")].map(({ viewer }) => viewer),
		);
		expect(found.filter(Boolean)).toHaveLength(4);
		return found;
	}, 30_000);
	const mine = (await viewersNow()).filter(({ id }) => ids.includes(id));
	expect(mine.map(({ packaging }) => packaging).sort()).toEqual(["flv", "mp4", "rtp", "ts"]);
	const { id } = mine.find(({ packaging }) => packaging === "ts")!;
	await toRendition(id, /high|mid/);

	await tile.getByRole("radio", { name: NARROW.label, exact: true }).check();
	await eventually(async () => expect((await penstock.viewer(id)).maxBps).toBe(NARROW.maxBps));
	await toRendition(id, /low/);
	// What is shown follows what is sent.
	await tile.locator(".plays", { hasText: "192×128" }).waitFor({ timeout: 30_000 });
	await tile.locator(".reason", { hasText: "→ low" }).waitFor();

	await tile.getByRole("radio", { name: "full" }).check();
	await eventually(async () => expect((await penstock.viewer(id)).maxBps).toBeUndefined());
	await toRendition(id, /high|mid/);
	await tile.locator(".plays", { hasText: /320×180|256×144/ }).waitFor({ timeout: 30_000 });
	await console.close();
	// Who leaves the page ends its streams.
	await eventually(async () => expect((await viewersNow()).filter((viewer) => ids.includes(viewer.id))).toEqual([]));
}, 300_000);

test("viewers are found by words, and a page change moves the focus to its heading", async () => {
	const [ts, flv] = await Promise.all([watch("ts"), watch("flv")]);
	const console = await ConsolePage.open(browser, penstock.api, "#/viewers");
	const { page } = console;
	const rows = page.getByRole("table", { name: "Viewers" }).locator("tbody tr");
	await eventually(async () => expect(await rows.count()).toBeGreaterThanOrEqual(2));
	await page.getByLabel("Find").fill(`.flv ${flv.id}`);
	await eventually(async () => expect(await rows.count()).toBe(1));
	await page.getByLabel("Find").fill("nobody");
	await page.getByText("No viewer fits this search.").waitFor();
	await page.getByRole("link", { name: "Counters" }).click();
	await eventually(async () => expect(await page.locator("h1:focus").textContent()).toBe("Counters"));
	await console.close();
	for (const { viewer } of [ts, flv]) viewer.close();
});

test("a viewer that left and a refused command are told in the server's words", async () => {
	const { id, viewer } = await watch("ts");
	const console = await ConsolePage.open(browser, penstock.api, `#/viewer/${id}`);
	await console.page.route("**/rendition", async (route) => {
		await penstock.call("DELETE", `/api/v1/viewers/${id}`);
		// Its response ends in good order first.
		await viewer.ended;
		await eventually(async () => expect((await penstock.call("GET", `/api/v1/viewers/${id}`)).status).toBe(404));
		await route.continue();
	});
	await console.page.getByLabel("Rendition").selectOption("low");
	await console.page.getByRole("status").getByText("VIEWER_NOT_FOUND").waitFor();
	await console.page.getByRole("heading", { level: 1, name: "has left" }).waitFor();
	await console.go("#/viewer/none");
	await console.page.getByText("There is no such viewer; it may have left.").waitFor();
	await console.close();
});

test("a server that is gone is told, with the last figures kept; when it is back, the page goes on", async () => {
	const console = await ConsolePage.open(browser, penstock.api, "#/counters");
	const { page } = console;
	const accepted = page.locator(".fact", { hasText: "Viewers accepted" }).getByText(/^\d+$/);
	await accepted.waitFor();
	await penstock.stop();
	await page.getByRole("alert").getByText("The API does not answer").waitFor();
	expect(await console.seriousFindings()).toEqual([]);
	await accepted.waitFor();
	penstock = await startPenstock({ ...CONFIG, api: { listen: new URL(penstock.api).host } });
	await page.locator("header .badge", { hasText: "live" }).waitFor();
	expect((await page.getByRole("alert").textContent())?.trim()).toBe("");
	await console.close();
}, 150_000);
