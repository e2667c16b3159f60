/**
 * The smallest ladder in which every rendition still shows its frame numbers, for tests that run several channels at
 * once; and a recording seen unit by unit.
 */
import type { Recording } from "./recording.ts";

/** From the best to the lowest. */
export const TINY_LADDER = [
	{ name: "high", width: 320, height: 180, bitrateBps: 500_000, preset: "ultrafast" },
	{ name: "mid", width: 256, height: 144, bitrateBps: 350_000, preset: "ultrafast" },
	{ name: "low", width: 192, height: 128, bitrateBps: 250_000, preset: "ultrafast" },
] as const;

/** As a recording tells a unit's size, by rendition. */
export const TINY_SIZES = { high: "320x180", mid: "256x144", low: "192x128" } as const;

/** The test pattern, as small as its ladder. */
const TINY_TEST_SOURCE = { test: { width: 320, height: 180, frameRate: 30 } };

/** Units of the tiny channels last this long; the shortest there is, so that a test sees many. */
export const TINY_UNIT_MS = 250;

/** A channel of the test pattern in three tiny renditions. */
export const TINY_CHANNEL = { source: TINY_TEST_SOURCE, unitMs: TINY_UNIT_MS, renditions: TINY_LADDER };

/**
 * PTS of the pictures of every unit, by the PTS of its IDR, both in ticks of 90 kHz. The last unit is left out, for the
 * recording may have cut it.
 */
export function picturesByUnit({ accessUnits }: Recording): Map<number, number[]> {
	const units = new Map<number, number[]>();
	let pictures: number[] | undefined;
	let last = 0;
	for (const { track, key, pts } of accessUnits) {
		if (track !== "video") continue;
		if (key) {
			pictures = [];
			units.set(pts, pictures);
			last = pts;
		}
		pictures?.push(pts);
	}
	units.delete(last);
	return units;
}

/** Places where DTS or PTS of a track does not rise, in words; empty where all is well. */
export function stepsBack({ accessUnits }: Recording): string[] {
	const faults: string[] = [];
	for (const kind of ["video", "audio"] as const) {
		const times = accessUnits.filter(({ track }) => track === kind);
		for (const [index, { pts, dts }] of times.entries()) {
			const before = times[index - 1];
			if (before !== undefined && (dts <= before.dts || pts <= before.pts))
				faults.push(`${kind} ${index}: ${before.dts}/${before.pts} then ${dts}/${pts}`);
		}
	}
	return faults;
}

/** What our reader counts of a stream without a fault. */
export const NO_TS_FAULTS = {
	continuityErrors: 0,
	syncLosses: 0,
	skippedBytes: 0,
	discontinuities: 0,
	badPackets: 0,
	psiCrcErrors: 0,
	badPes: 0,
	badPayloads: 0,
} as const;
