/**
 * Judges what a player showed and played of the numbered programme (`switched-programme.ts`) where the rendition changed.
 * A machine that runs tests is busy, and pictures and sound are late there now and then; what a switch would cost is
 * seen by a comparison: of the first pictures of units with those in their middle, of sound there and there.
 */
import type { SignalReading } from "../../src/player/player-model.ts";
import type { Tile } from "./player-page.ts";
import { SOUND_RATE_HZ } from "./sound-signal.ts";
import { type SoundSpan, soundSpans } from "./sound-spans.ts";
import { TINY_UNIT_MS } from "./tiny-ladder.ts";

const FRAME_RATE = 30;
const AAC_FRAME = 1024;

/** How many of so many. */
export interface Share {
	readonly of: number;
	readonly count: number;
}

export interface Comparison {
	readonly atSwitches: Share;
	readonly inMiddles: Share;
}

/** What the player showed, each number once where it was seen twice in a row. */
export const distinct = (readings: readonly SignalReading[]): SignalReading[] =>
	readings.filter(({ counter }, index) => index === 0 || counter !== readings[index - 1]!.counter);

/** Numbers between the first and the last picture that was shown which were not. */
export function missingNumbers(readings: readonly SignalReading[]): number[] {
	const seen = new Set(readings.map(({ counter }) => counter));
	const first = readings[0]?.counter ?? 0;
	const last = readings.at(-1)?.counter ?? -1;
	return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((number) => !seen.has(number));
}

/** Pictures that were not shown: the first ones of another rendition, and those in the middle of these units. */
export function missedPictures(tile: Tile): Comparison {
	const { readings } = tile;
	const last = readings.at(-1)!.counter;
	const seen = new Set(readings.map(({ counter }) => counter));
	const firsts = switchSeconds(tile).map((seconds) => Math.round(seconds * FRAME_RATE));
	const middles = firsts.map((number) => number + Math.round((TINY_UNIT_MS / 2000) * FRAME_RATE));
	const missed = (numbers: readonly number[]): Share => {
		const played = numbers.filter((number) => number <= last);
		return { of: played.length, count: played.filter((number) => !seen.has(number)).length };
	};
	return { atSwitches: missed(firsts), inMiddles: missed(middles) };
}

/** Where two AAC frames on either side of a switch came out as they were made; and of the middle of a unit. */
export function exactSound(tile: Tile, pcm: Float32Array): Comparison {
	const spans = soundSpans(pcm);
	const samples = switchSeconds(tile).map((seconds) => seconds * SOUND_RATE_HZ);
	const middles = samples.map((sample) => sample + (TINY_UNIT_MS / 2000) * SOUND_RATE_HZ);
	const exact = (places: readonly number[]): Share => ({
		of: places.length,
		count: places.filter((place) => isCovered(spans, place)).length,
	});
	return { atSwitches: exact(samples), inMiddles: exact(middles) };
}

/** Sound and picture of the programme begin together, at 0: where in it the renditions changed. */
function switchSeconds({ readings, changes }: Tile): number[] {
	const { counter, ptsMs } = readings[0]!;
	return changes.slice(1).map((change) => counter / FRAME_RATE + (change.ptsMs - ptsMs) / 1000);
}

const isCovered = (spans: readonly SoundSpan[], sample: number): boolean =>
	spans.some(({ from, to }) => from <= sample - 2 * AAC_FRAME && to >= sample + 2 * AAC_FRAME);
