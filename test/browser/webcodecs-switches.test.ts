import type { Browser } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { RenditionChange, SignalReading } from "../../src/player/player-model.ts";
import { startChromium } from "../kit/chromium.ts";
import { openPlayerPage, type PlayerPage, type Tile } from "../kit/player-page.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";
import { expectFlow } from "../kit/sound-flow.ts";
import { numberedChannel, startTour } from "../kit/switched-programme.ts";

const PACKAGINGS = ["mp4", "flv", "ts", "rtp"] as const;
const SWITCHES = 40;
/** So much in hand that a machine that is busy with other things makes nothing late. */
const PATIENT = { targetMs: 10_000 };

let browser: Browser;
beforeAll(async () => {
	browser = await startChromium();
}, 60_000);

const size = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`;

describe(`${SWITCHES} switches in one response, in each packaging, four tiles at once`, () => {
	const tiles = new Map<string, Tile>();
	const heard = new Map<string, Float32Array>();
	/** When the last of the switches was there: the programme ends after a minute, and then the sound does run dry. */
	const underruns = new Map<Tile, number | undefined>();
	let page: PlayerPage;

	beforeAll(async () => {
		page = await openPlayerPage(browser, "webcodecs");
		const penstock = await startTour({ signal: await numberedChannel() });
		for (const packaging of PACKAGINGS) {
			const src = `${penstock.http}/live/signal.${packaging}`;
			tiles.set(packaging, await page.play({ src, record: true, ...PATIENT }));
		}
		const toldAll = async (tile: Tile): Promise<void> => {
			await tile.until(({ changes }) => changes.length > SWITCHES, 110_000);
			underruns.set(tile, tile.figures?.audioUnderruns);
			await tile.stopRecording();
		};
		await Promise.all([...tiles.values()].map(toldAll));
		for (const [packaging, tile] of tiles) {
			heard.set(packaging, await tile.heard());
			await tile.destroy();
		}
		await penstock.stop();
	}, 170_000);

	describe.each(PACKAGINGS)("of .%s", (packaging) => {
		const tile = (): Tile => tiles.get(packaging)!;

		test("every frame is shown once and in order, and none is dropped", () => {
			const { readings, figures } = tile();
			expect(readings.length).toBeGreaterThan((SWITCHES * 250 * 30) / 1000);
			expectEveryFrameOnce(readings.map(({ counter, checksumOk }) => ({ counter, checksumOk, clockMs: 0 })));
			expect(figures).toMatchObject({ framesDropped: 0 });
		});

		test("the picture's size changes with the first frame of the new rendition's unit, and nowhere else", () => {
			const { readings, changes } = tile();
			expect(sizeChanges(readings)).toEqual(toldSizeChanges(changes, readings));
		});

		test("each change is told with its unit, which begins at the same time in every packaging", () => {
			const [first, ...changes] = tile().changes as [RenditionChange, ...RenditionChange[]];
			expect(first.from).toBeUndefined();
			for (const [index, { from, to, unit, ptsMs }] of changes.entries()) {
				expect(from).toEqual((changes[index - 1] ?? first).to);
				expect(from?.name).not.toBe(to.name);
				for (const other of tiles.values()) {
					const same = other.changes.slice(1).find((change) => change.unit === unit);
					// FLV has whole milliseconds.
					if (same !== undefined) expect(Math.abs(same.ptsMs - ptsMs)).toBeLessThanOrEqual(0.5);
				}
			}
		});

		test("the sound goes on through all of them, at a speed within 1 %, without a gap", () => {
			const verdict = expectFlow(heard.get(packaging)!, { seconds: (SWITCHES * 250) / 1000 - 3 });
			expect(verdict.worstStep).toBeLessThan(1);
			expect(underruns.get(tile())).toBe(0);
			const gaps = tile().changes.map(({ audioGapSamples }) => audioGapSamples ?? 0);
			expect(gaps.filter((samples) => samples !== 0)).toEqual([]);
		});

		test("nothing in the stream could not be read, and the connection held", () => {
			// The programme ends after a minute: what is asked for then is nothing to this.
			expect(tile().connection.filter(({ kind }) => kind === "connected").length).toBe(1);
			const counts = tile().connection.filter((message) => message.kind === "counts");
			expect(counts.at(-1)?.faults).toBe(0);
			expect(tile().problems).toEqual([]);
		});
	});

	test("the page has nothing to complain of", () => {
		expect(page.complaints).toEqual([]);
	});
});

/** PTS of the frames that are of another size than the one before, with the sizes. */
const sizeChanges = (readings: readonly SignalReading[]): string[] =>
	readings.flatMap((reading, index) => {
		const before = readings[index - 1];
		if (before === undefined || size(before) === size(reading)) return [];
		return [`${reading.ptsMs}: ${size(before)} to ${size(reading)}`];
	});

/** The same as the renderer told it, as far as the frames that were read go. */
const toldSizeChanges = (changes: readonly RenditionChange[], readings: readonly SignalReading[]): string[] =>
	changes
		.slice(1)
		.filter(({ ptsMs }) => ptsMs <= readings.at(-1)!.ptsMs)
		.map(({ from, to, ptsMs }) => `${ptsMs}: ${size(from!)} to ${size(to)}`);
