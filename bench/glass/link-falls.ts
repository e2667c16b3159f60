/**
 * A viewer's link falls from 10 to 1 Mbit/s and rises again, with a browser behind it: from a rendition's first byte at
 * the viewer, and from the server's decision, to its first picture shown; and how long the picture stood still.
 */
import type { Page } from "playwright-core";
import type { Arrivals, ArrivedUnit } from "../../test/kit/arrivals.ts";
import { type LinkedPenstock, startLinkedPenstock } from "../../test/kit/linked-penstock.ts";
import { quantile, type Result } from "../kit/report.ts";
import { RENDERERS, type RendererName } from "./contenders.ts";
import { startLinkedChromium } from "./linked-chromium.ts";
import type { PlayOrder, Sighting } from "./page-model.ts";
import { buildPages } from "./pages.ts";
import { FRAME_RATE } from "./signal.ts";
import { startFileServer } from "./stage.ts";
import { frozenMs } from "./turn.ts";

const WIDE_BPS = 10e6;
const NARROW_BPS = 1e6;
const NARROW_MS = 8000;
const SETTLE_MS = 3000;
const UNIT_MS = 500;
const PATIENCE_MS = 60_000;

/** All times by the wall clock. */
export interface Fall {
	readonly renderer: RendererName;
	readonly fellAtMs: number;
	readonly roseAtMs: number;
	readonly down: ShownSwitch;
	readonly up: ShownSwitch;
	readonly sightings: readonly Sighting[];
}

interface ShownSwitch {
	readonly decidedAtMs: number;
	/** First byte of the rendition at the viewer. */
	readonly arrivedAtMs: number;
	/** First picture of it seen in the page. */
	readonly shownAtMs: number;
}

export interface Falls {
	readonly falls: readonly Fall[];
	readonly results: readonly Result[];
}

const toWall = (at: number): number => performance.timeOrigin + at;

/** @param count for each kind of renderer, in turns */
export async function measureFalls(count: number): Promise<Falls> {
	const penstock = await startLinkedPenstock({
		...{ link: { down: { rateBps: WIDE_BPS, queueBytes: 200_000 }, rttMs: 30 }, unitMs: UNIT_MS },
	});
	const pages = await buildPages();
	const files = await startFileServer((command, args) => penstock.startViewer(command, args), { "/": pages });
	const browser = await startLinkedChromium(penstock.link.far.namespace);
	const falls: Fall[] = [];
	for (let turn = 0; turn < count; turn++) {
		for (const renderer of RENDERERS) {
			const page = await browser.newPage();
			await page.goto(`${files.origin}/penstock.html`);
			await page.waitForFunction(() => globalThis.glass !== undefined);
			falls.push(await fallOnce(penstock, page, renderer));
			await page.close();
		}
	}
	await browser.close();
	await files.process.stop();
	await penstock.stop();
	return { falls, results: resultsOf(falls) };
}

async function fallOnce(penstock: LinkedPenstock, page: Page, renderer: RendererName): Promise<Fall> {
	await penstock.link.setRate(WIDE_BPS);
	const { arrivals, url } = await penstock.pass();
	const order: PlayOrder = {
		...{ player: "penstock", src: url, renderer, rendition: undefined, readSignal: true },
		// The machine is shared: its load, which the player would report, says nothing of the link.
		reports: false,
	};
	await page.evaluate((given) => globalThis.glass.prepare(given), order);
	await page.evaluate(() => globalThis.glass.play(20_000));
	const id = await arrivals.id;
	await settleOnHigh(arrivals);
	await page.evaluate(() => globalThis.glass.take());
	const fellAt = await penstock.link.setRate(NARROW_BPS);
	const low = await arrivals.untilRendition("low", fellAt, PATIENCE_MS);
	await arrivals.watchUntil(fellAt + NARROW_MS);
	const roseAt = await penstock.link.setRate(WIDE_BPS);
	const high = await arrivals.untilRendition("high", roseAt, PATIENCE_MS);
	await arrivals.watchUntil(high.at + SETTLE_MS);
	const { sightings, complaints } = await page.evaluate(() => globalThis.glass.take());
	if (complaints.length > 0) throw new Error(`${renderer} on a link that fell: ${complaints.join("; ")}`);
	const counterOfZero = await page.evaluate(() => globalThis.glass.counterOfZero);
	const decisions = (await penstock.decisions(id)).filter(({ kind }) => kind === "switch");
	await arrivals.process.stop();
	const shown = (unit: ArrivedUnit): ShownSwitch => {
		const firstCounter = Math.round(counterOfZero! + (unit.timeMs * FRAME_RATE) / 1000);
		const seen = sightings.find(({ counter }) => counter >= firstCounter);
		if (seen === undefined) throw new Error(`${renderer}: unit ${unit.number} arrived and was never shown`);
		const arrivedAtMs = toWall(unit.at);
		const decision = decisions.findLast(({ at, to }) => to === unit.rendition && Date.parse(at) <= arrivedAtMs);
		if (decision === undefined) throw new Error(`nobody decided for ${unit.rendition}: ${JSON.stringify(decisions)}`);
		return { decidedAtMs: Date.parse(decision.at), arrivedAtMs, shownAtMs: seen.atMs };
	};
	return {
		...{ renderer, fellAtMs: toWall(fellAt), roseAtMs: toWall(roseAt), sightings },
		...{ down: shown(low), up: shown(high) },
	};
}

/** Then the link falls anywhere in a unit: being on high begins with one. */
async function settleOnHigh(arrivals: Arrivals): Promise<void> {
	const deadline = performance.now() + PATIENCE_MS;
	for (;;) {
		const from = performance.now();
		await arrivals.untilRendition("high", from, deadline - from);
		await arrivals.watchUntil(performance.now() + SETTLE_MS + Math.random() * UNIT_MS);
		if (arrivals.units.at(-1)!.rendition === "high" && arrivals.switches(from) <= 1) return;
		if (performance.now() > deadline) throw new Error(`the viewer was not on high for ${SETTLE_MS} ms`);
	}
}

function resultsOf(falls: readonly Fall[]): Result[] {
	return RENDERERS.flatMap((renderer) => {
		const own = falls.filter((fall) => fall.renderer === renderer);
		const result = (name: string, share: number, of: (fall: Fall) => number): Result => ({
			...{ name: `switch.${renderer}.${name}`, value: quantile(own.map(of), share), unit: "ms", samples: own.length },
		});
		return [
			result("p50Ms", 0.5, ({ down }) => down.shownAtMs - down.arrivedAtMs),
			result("p95Ms", 0.95, ({ down }) => down.shownAtMs - down.arrivedAtMs),
			result("fromDecisionP50Ms", 0.5, ({ down }) => down.shownAtMs - down.decidedAtMs),
			result("fromFallP50Ms", 0.5, ({ down, fellAtMs }) => down.shownAtMs - fellAtMs),
			result("riseP50Ms", 0.5, ({ up }) => up.shownAtMs - up.arrivedAtMs),
			result("frozenP50Ms", 0.5, (fall) => frozenMs(fallenPart(fall))),
			result("frozenWorstMs", 1, (fall) => frozenMs(fallenPart(fall))),
			result("frozenAtRiseWorstMs", 1, (fall) => frozenMs(risenPart(fall))),
		];
	});
}

const fallenPart = ({ sightings, fellAtMs, roseAtMs }: Fall): Sighting[] =>
	sightings.filter(({ atMs }) => atMs >= fellAtMs && atMs < roseAtMs);
const risenPart = ({ sightings, roseAtMs }: Fall): Sighting[] => sightings.filter(({ atMs }) => atMs >= roseAtMs);
