/** The console in a real browser while channels come and go with their publishers: its pages go with them. */
import { expect, test } from "vitest";
import { ConsolePage } from "../browser/console-page.ts";
import { startChromium } from "../kit/chromium.ts";
import { eventually } from "../kit/eventually.ts";
import { COPIED_UNIT_MS, publishWithFfmpeg, startPublishing } from "../kit/publishing.ts";

const COPY = { source: "publish", unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }], audio: "none" };

test("overview, channel and wall show channels that come, go, and come again", async () => {
	const server = await startPublishing({ channels: { "*": COPY }, publish: { returnWithinMs: 0 } });
	const browser = await startChromium();
	const console = await ConsolePage.open(browser, server.penstock.api, "#/");
	const { page } = console;
	await page.getByText("There is no channel now.").waitFor();

	const publish = (name: string) => publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/${name}`]);
	const one = publish("one");
	await page.getByRole("link", { name: "live/one" }).first().waitFor();
	const two = publish("two");
	await page.getByRole("link", { name: "live/two" }).first().waitFor();

	await console.go("#/channel/live/one");
	const plays = page.locator('penstock-player[src$="/live/one.mp4"]');
	await plays.waitFor();
	await one.stop();
	await page.getByText("There is no channel live/one.").waitFor();
	expect(await plays.count()).toBe(0);
	const again = publish("one");
	await plays.waitFor();
	await eventually(async () => {
		const viewers = await server.penstock.metric("penstock_viewers", { channel: "live/one" });
		expect(viewers).toBeGreaterThan(0);
	}, 30_000);

	// The first channel that there is: the one that was there before the other came again.
	await console.go("#/wall");
	await page.getByRole("heading", { name: "Wall of live/two" }).waitFor();
	await page.locator('penstock-player[src$="/live/two.ts"]').waitFor();
	await two.stop();
	await page.getByRole("heading", { name: "Wall of live/one" }).waitFor();
	await page.locator('penstock-player[src$="/live/one.ts"]').waitFor();
	expect(await page.locator('penstock-player[src*="/live/two"]').count()).toBe(0);
	await again.stop();
	await console.go("#/");
	await page.getByText("There is no channel now.").waitFor();
	const [complaint] = console.complaints.filter((text) => !/404|503/.test(text));
	expect(complaint).toBeUndefined();
	await console.close();
	await browser.close();
}, 120_000);
