/** One turn of one contender: a page of its own, loaded before the clock runs; from the call of play to its end. */
import { availableParallelism, loadavg } from "node:os";
import type { Contender } from "./contenders.ts";
import type { Seen, Sighting } from "./page-model.ts";
import { FRAME_RATE } from "./signal.ts";
import type { Stage } from "./stage.ts";

export interface TurnTimes {
	/** After the first picture, before the delay is measured. */
	readonly settleMs: number;
	readonly measureMs: number;
}

export interface Turn {
	readonly contender: Contender;
	/** From the call of play to the first picture seen. */
	readonly firstFrameMs: number;
	readonly sightings: readonly Sighting[];
	/** Of the pictures that were made meanwhile, those that were seen. */
	readonly seenShare: number;
}

/** Longer without a new picture, and people call it a freeze. */
export const FREEZE_MS = 200;
/** Nobody clicks sooner after a page has come up. */
const BEFORE_CLICK_MS = 500;
const FIRST_FRAME_TIMEOUT_MS = 20_000;
/** Fewer than this share of the pictures that were made, and it did not really play, however busy the machine is. */
const LEAST_SEEN = 0.2;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @throws Error with what the player said, where it did not really play */
export async function playTurn(stage: Stage, contender: Contender, times: TurnTimes): Promise<Turn> {
	const order = contender.order(stage.addresses);
	const page = await stage.browser.contexts()[0]!.newPage();
	const said: string[] = [];
	page.on("pageerror", (error) => said.push(error.message));
	page.on("console", (message) => {
		if (message.type() === "error") said.push(message.text());
	});
	try {
		await page.goto(`${stage.origin}/${order.player}.html`);
		await page.waitForFunction(() => globalThis.glass !== undefined);
		await page.evaluate((given) => globalThis.glass.prepare(given), order);
		await sleep(BEFORE_CLICK_MS);
		const firstFrameMs = await page.evaluate((ms) => globalThis.glass.play(ms), FIRST_FRAME_TIMEOUT_MS);
		await sleep(times.settleMs);
		await page.evaluate(() => globalThis.glass.take());
		await sleep(times.measureMs);
		const seen = await page.evaluate(() => globalThis.glass.take());
		requirePlaying(seen, times.measureMs);
		return { contender, firstFrameMs, sightings: seen.sightings, seenShare: seenShare(seen.sightings) };
	} catch (cause) {
		const words = said.length === 0 ? "" : `; the page said: ${said.join("; ")}`;
		// Most of the time it is this.
		const load = `; the machine's load is ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} cores`;
		const message = cause instanceof Error ? cause.message : String(cause);
		throw new Error(`${contender.name}: ${message}${words}${load}`, { cause });
	} finally {
		await page.close();
	}
}

function requirePlaying({ sightings, looks, unreadable, complaints }: Seen, measureMs: number): void {
	const made = (FRAME_RATE * measureMs) / 1000;
	const counts = `${sightings.length} of ${made} pictures seen, ${unreadable} of ${looks} looks without a readable bar`;
	const words = complaints.length === 0 ? "" : `; it said: ${complaints.join("; ")}`;
	if (sightings.length < LEAST_SEEN * made) throw new Error(`did not really play: ${counts}${words}`);
	const back = sightings.findIndex(({ counter }, index) => index > 0 && counter < sightings[index - 1]!.counter);
	if (back > 0) {
		const [before, after] = [sightings[back - 1]!.counter, sightings[back]!.counter];
		throw new Error(`showed picture ${after} after picture ${before}${words}`);
	}
}

/** By the pictures' own numbers: what was made between the first and the last that were seen. */
function seenShare(sightings: readonly Sighting[]): number {
	return (sightings.length - 1) / (sightings.at(-1)!.counter - sightings[0]!.counter);
}

/** What of the time had no new picture for longer than `FREEZE_MS`. */
export function frozenMs(sightings: readonly Sighting[]): number {
	return sightings.reduce((sum, { atMs }, index) => {
		const gap = index === 0 ? 0 : atMs - sightings[index - 1]!.atMs;
		return sum + (gap > FREEZE_MS ? gap : 0);
	}, 0);
}
