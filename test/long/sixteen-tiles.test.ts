/**
 * Sixteen players in one page. Over HTTP/1.1 a browser opens six connections to an origin, and a stream keeps one as long
 * as it plays: of one origin six play, and the others must say why. Where the server listens at three addresses, players
 * with the attribute `spread` take them in turn.
 */
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import type { PlayerProblem } from "../../src/player/player-model.ts";
import { startChromium } from "../kit/chromium.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { openSite, type PlayerSight, type Site } from "../kit/site-page.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const PLAYERS = 16;
/** To one origin, over HTTP/1.1. */
const CONNECTIONS = 6;
const ADDRESSES = 3;
const PATIENCE_MS = 60_000;
const WINDOW_MS = 5000;

let browser: Browser;
let penstock: Penstock;

beforeAll(async () => {
	const listen = Array.from({ length: ADDRESSES }, () => "127.0.0.1:0");
	[browser, penstock] = await Promise.all([
		startChromium(),
		startPenstock({ http: { listen }, channels: { signal: TINY_CHANNEL } }),
	]);
});

async function showPlayers(attributes: Readonly<Record<string, string>>): Promise<Site<Page>> {
	const one = { src: `${penstock.http}/live/signal.mp4`, autoplay: "", muted: "", ...attributes };
	return await openSite(
		await browser.newPage(),
		Array.from({ length: PLAYERS }, () => one),
	);
}

const stateOf = (sights: readonly PlayerSight[]): string => sights.map(({ state }) => state).join(" ");
const playing = (sights: readonly PlayerSight[]): number[] =>
	sights.flatMap(({ state }, index) => (state === "playing" ? [index] : []));

async function viewersOfServer(): Promise<number> {
	const { body } = await penstock.call("GET", "/api/v1/viewers");
	return (body as { total: number }).total;
}

test("of one origin six play, and each of the others says that the browser's connections are taken", async () => {
	const site = await showPlayers({});
	const problems = Array.from({ length: PLAYERS }, (): PlayerProblem[] => []);
	const sights = await eventually(async () => {
		const taken = await site.take();
		for (const [index, sight] of taken.entries()) problems[index]!.push(...sight.problems);
		const told = problems.filter((some) => some.length > 0).length;
		const words = `${stateOf(taken)}; ${told} told of a problem`;
		expect([playing(taken).length, told], words).toEqual([CONNECTIONS, PLAYERS - CONNECTIONS]);
		return taken;
	}, PATIENCE_MS);
	for (const [index, sight] of sights.entries()) {
		if (sight.state === "playing") continue;
		expect(["connecting", "waiting"]).toContain(sight.state);
		expect(problems[index]![0]).toMatchObject({
			code: "NO_ANSWER",
			message: expect.stringContaining("six to one host over HTTP/1.1"),
			retryInMs: expect.any(Number),
		});
	}
	expect(await viewersOfServer()).toBe(CONNECTIONS);

	// A connection that one of them gives up is another's.
	const [leaver] = playing(sights);
	const waiting = new Set(sights.flatMap(({ state }, index) => (state === "playing" ? [] : [index])));
	await site.pause(leaver!);
	await eventually(async () => {
		const now = playing(await site.take());
		expect(now).toHaveLength(CONNECTIONS);
		expect(now.filter((index) => waiting.has(index))).toHaveLength(1);
	}, PATIENCE_MS);
	await site.page.close();
});

test("of three origins all sixteen play, and show what comes", async () => {
	const site = await showPlayers({ spread: "" });
	await eventually(async () => {
		const taken = await site.take();
		expect(playing(taken), stateOf(taken)).toHaveLength(PLAYERS);
	}, PATIENCE_MS);
	expect(await viewersOfServer()).toBe(PLAYERS);
	// A machine may be busy for a while; players that cannot keep up never can.
	await eventually(async () => {
		const before = await site.take();
		await new Promise((over) => setTimeout(over, WINDOW_MS));
		const after = await site.take();
		const grown = (name: "framesReceived" | "framesShown" | "framesDropped"): number[] =>
			after.map(({ statistics }, index) => statistics![name] - before[index]!.statistics![name]);
		const [received, shown, dropped] = [grown("framesReceived"), grown("framesShown"), grown("framesDropped")];
		const told = `received ${received.join(" ")}; shown ${shown.join(" ")}; dropped ${dropped.join(" ")}`;
		console.info(told);
		expect(Math.min(...shown), told).toBeGreaterThan(((WINDOW_MS / 1000) * 30 * 9) / 10);
		expect(sum(dropped), told).toBeLessThan(sum(received) / 50);
	}, PATIENCE_MS);
	expect((await site.take()).flatMap(({ problems }) => problems)).toEqual([]);
	await site.page.close();
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
