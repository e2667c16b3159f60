/**
 * The MSE renderer in Chromium, against the server itself: a switch in every unit costs neither a picture nor a sample.
 *
 * Machines that run tests are busy, and pictures are late there. So the players of many switches have much in hand, and
 * what a busy machine can spoil all the same is compared: with a tile of the same page, of the same minute, that is never
 * switched, or with the middle of units. The browser's own counts, which know no lateness, are taken for what they are.
 */
import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { RenditionChange, SignalReading } from "../../src/player/player-model.ts";
import type { RendererFigures } from "../../src/player/renderer.ts";
import { startChromium } from "./chromium.ts";
import { makeClip } from "./media-maker.ts";
import { distinct, exactSound, missedPictures } from "./played-switches.ts";
import { openPlayerPage, type PlayerPage, type Tile } from "./player-page.ts";
import { numberedChannel, startTour } from "./switched-programme.ts";

type PackagingName = "mp4" | "flv" | "ts" | "rtp";

const SWITCHES = 100;
const FRAME_RATE = 30;
/** So much in hand that a machine that is busy with other things makes little late. */
const PATIENT = { targetMs: 4000 };
/** Pictures' times are rounded: to milliseconds in FLV, to microseconds in the browser. */
const GRAIN_MS = 1;

const isPlaying = ({ figures }: Tile): boolean => (figures?.positionMs ?? 0) > 0;

/** Two packagings at a time and a tile that is never switched: what a machine of two cores can play. */
export function describeMseSwitches(...packagings: readonly [PackagingName, PackagingName]): void {
	describe(`a switch in every unit of .${packagings[0]} and .${packagings[1]}`, () => switches(packagings));
}

function switches(packagings: readonly PackagingName[]): void {
	let browser: Browser;
	const tiles = {} as Record<PackagingName, Tile>;
	/** Of the same programme, and never switched. */
	let steady: Tile;
	const heard = new Map<Tile, Float32Array>();
	/** When each began to play, and at the end. */
	const figures = new Map<Tile, { from: RendererFigures; to: RendererFigures }>();
	let ranges: number[];
	let page: PlayerPage;

	beforeAll(async () => {
		browser = await startChromium();
		page = await openPlayerPage(browser, "mse");
		const file = await makeClip({ container: "mkv", audio: "numbered", seconds: 120, bitrateKbps: 900 });
		const penstock = await startTour({ signal: await numberedChannel({ source: { file, loop: false } }) });
		const play = (path: string): Promise<Tile> =>
			page.play({ src: `${penstock.http}/live/signal.${path}`, record: true, ...PATIENT });
		steady = await play("mp4?rendition=mid");
		for (const packaging of packagings) tiles[packaging] = await play(packaging);
		const all = [steady, ...Object.values(tiles)];
		await Promise.all(all.map((tile) => tile.until(isPlaying, 90_000)));
		const from = all.map((tile) => tile.figures!);
		await Promise.all(
			Object.values(tiles).map((tile) => tile.until(({ changes }) => changes.length > SWITCHES + 4, 110_000)),
		);
		for (const [index, tile] of all.entries()) figures.set(tile, { from: from[index]!, to: tile.figures! });
		ranges = await page.page.evaluate<number[]>(
			`[...document.querySelectorAll("video")].map((video) => video.buffered.length)`,
		);
		for (const tile of all) {
			heard.set(tile, await tile.heard());
			await tile.destroy();
		}
		await penstock.stop();
	}, 300_000);

	test("the page and its console have nothing to complain of, and no renderer had a problem", () => {
		expect(page.complaints).toEqual([]);
		for (const tile of Object.values(tiles)) expect(tile.problems).toEqual([]);
	});

	test("what is buffered is one piece", () => {
		expect(ranges).toEqual([1, 1, 1]);
	});

	describe.each(packagings)(".%s", (packaging) => {
		let tile: Tile;
		let seen: SignalReading[];
		beforeAll(() => {
			tile = tiles[packaging];
			seen = distinct(tile.readings);
		});

		test("each picture shown is the signal's, and of a later frame than the one before", () => {
			expect(seen.filter(({ checksumOk }) => !checksumOk)).toEqual([]);
			expect(stepsBack(seen)).toEqual([]);
			expect(seen.length).toBeGreaterThan(SWITCHES);
		});

		test("the browser decodes every picture: what a switch cost would be missing 100 times", () => {
			const { from, to } = figures.get(tile)!;
			const received = to.framesReceived - from.framesReceived;
			const decoded = to.framesDecoded - from.framesDecoded;
			const inHand = ((to.bufferMs - from.bufferMs) / 1000) * FRAME_RATE;
			const lost = received - decoded - inHand - (skippedOf(to) - skippedOf(from));
			expect(received).toBeGreaterThan((SWITCHES * FRAME_RATE) / 5);
			// The figures are a quarter of a second old at most, each on its own.
			expect(Math.abs(lost)).toBeLessThan(SWITCHES / 4);
		});

		test("no more pictures are dropped than of the tile that is never switched", () => {
			const droppedOf = (one: Tile): number =>
				figures.get(one)!.to.framesDropped - figures.get(one)!.from.framesDropped;
			console.info(`.${packaging}: dropped ${droppedOf(tile)}, unswitched ${droppedOf(steady)}`);
			// Both share the machine, which drops pictures of either: a picture lost at each switch would be 100.
			expect(droppedOf(tile)).toBeLessThan(2 * droppedOf(steady) + SWITCHES / 2);
		});

		test("units begin with their first picture as often as they have a middle", () => {
			const { atSwitches, inMiddles } = missedPictures(tile);
			const told = `missed ${atSwitches.count} first pictures of ${atSwitches.of}, ${inMiddles.count} in the middle`;
			console.info(`.${packaging}: ${told}`);
			expect(atSwitches.of).toBeGreaterThan(SWITCHES / 2);
			expect(atSwitches.count / atSwitches.of, told).toBeLessThan(inMiddles.count / inMiddles.of + 0.25);
		});

		test("the picture's size changes with the first picture of the unit, not before and not behind", () => {
			const wrong = seen.filter(({ ptsMs, width }) => {
				const unit = tile.changes.findLast((change) => change.ptsMs <= ptsMs + GRAIN_MS);
				return unit === undefined || unit.to.width !== width;
			});
			expect(wrong).toEqual([]);
			const order = tile.changes.map(({ ptsMs }) => ptsMs);
			expect(order).toEqual(order.toSorted((a, b) => a - b));
		});

		test("every change says where it comes from, and that no sample of sound is missing", () => {
			const [first, ...changes] = tile.changes as [RenditionChange, ...RenditionChange[]];
			expect(first.from).toBeUndefined();
			for (const [index, { from, to, unit, audioGapSamples }] of changes.entries()) {
				const before = changes[index - 1] ?? first;
				expect(from).toEqual(before.to);
				expect(to.name).not.toBe(before.to.name);
				expect(unit).toBeGreaterThan(before.unit!);
				// A unit whose sound is later than the whole unit has none to join: on a busy machine it comes to that.
				expect([0, undefined]).toContain(audioGapSamples);
			}
			expect(changes.filter(({ audioGapSamples }) => audioGapSamples === 0).length).toBeGreaterThan(SWITCHES / 2);
		});

		test("sound goes over a switch as it goes over the middle of a unit: sample by sample", () => {
			const { atSwitches, inMiddles } = exactSound(tile, heard.get(tile)!);
			const told = `exact at ${atSwitches.count} of ${atSwitches.of} switches, in ${inMiddles.count} middles of units`;
			console.info(`.${packaging}: ${told}; stalls ${tile.figures!.audioUnderruns}`);
			// Where a busy machine runs dry all the same, the browser stretches what follows: then nothing can be compared.
			expect(atSwitches.count, told).toBeGreaterThan(SWITCHES / 4);
			expect(atSwitches.count, told).toBeGreaterThan(0.8 * inMiddles.count);
		});
	});
}

/** Not even decoded: what a busy machine was late for is jumped over. */
const skippedOf = ({ framesDecoded, framesShown, framesDropped }: RendererFigures): number =>
	framesDropped - (framesDecoded - framesShown);

/** Pictures of an earlier frame than the one before, or of the same. */
export const stepsBack = (seen: readonly SignalReading[]): SignalReading[] =>
	seen.filter(({ counter }, index) => index > 0 && counter <= seen[index - 1]!.counter);
