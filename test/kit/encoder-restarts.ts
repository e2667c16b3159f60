/** A channel whose encoder is started again, and what its viewers see of that. */
import { expect } from "vitest";
import { ticksToMs } from "../../src/base/units.ts";
import { type Penstock, startPenstock } from "./penstock.ts";
import { type Recording, record } from "./recording.ts";
import { expectEveryFrameOnce, type FrameReading, readCounters, type Verdict } from "./signal-reader.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_UNIT_MS } from "./tiny-ladder.ts";

export const CHANNEL = "live/signal";

export const startSignal = (config = {}): Promise<Penstock> =>
	startPenstock({ ...config, channels: { signal: TINY_CHANNEL } });

export const watchSignal = (penstock: Penstock, rendition = "low"): Promise<Recording> =>
	record(`${penstock.http}/${CHANNEL}.ts?rendition=${rendition}`);

export async function encoderOf(penstock: Penstock): Promise<number> {
	const { ladder } = await penstock.channel(CHANNEL);
	expect(ladder.pid).toBeDefined();
	return ladder.pid!;
}

/** Frames by run of FFmpeg: the pattern counts from 0 in each. */
function runsOf(counters: readonly FrameReading[]): FrameReading[][] {
	const runs: FrameReading[][] = [];
	for (const [index, reading] of counters.entries()) {
		if (index === 0 || reading.counter === 0) runs.push([]);
		runs.at(-1)!.push(reading);
	}
	return runs;
}

/**
 * FFmpeg's complaints about what it read. Of a hole in time it says two things that are true, and of its own making:
 * it cannot guess a frame rate for what it writes (`[rawvideo …`), and a hole of more than a thousand frames is one.
 */
const complaintsOfInput = ({ warnings }: Verdict): string[] =>
	warnings.filter(
		(line) => !/^\[rawvideo @ .* non monotonically|^\[mpegts @ .* DTS discontinuity in stream/.test(line),
	);

/**
 * FFmpeg decodes all of it, and frames are missing only where the pattern began anew.
 * @returns when the first chunk of each further run of FFmpeg came, as `performance.now()`
 */
export async function expectWholeButForRestarts(recording: Recording): Promise<number[]> {
	const seen = await readCounters(recording.save());
	expect(complaintsOfInput(seen)).toEqual([]);
	const pictures = recording.accessUnits.filter(({ track }) => track === "video");
	expect(seen.counters.length).toBe(pictures.length);
	const [first, ...further] = runsOf(seen.counters);
	expectEveryFrameOnce(first!);
	for (const run of further) expectEveryFrameOnce(run, { from: 0 });
	expect(stepsBack(recording)).toEqual([]);
	expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	const begun = further.map((run) => pictures[seen.counters.indexOf(run[0]!)]!.pts);
	return begun.map((pts) => recording.units.find(({ timeMs }) => timeMs === ticksToMs(pts))!.at);
}

/**
 * Time stamps went ahead by what the faults took, to the nearest unit; else the delay would have grown by all of it. An
 * encoder that starts on busy cores is a little late itself.
 */
export function expectLiveDelayKept({ units }: Recording, lostMs: number): void {
	const skews = units.map(({ at, timeMs }) => at - timeMs);
	expect(Math.abs(skews.at(-1)! - skews[0]!)).toBeLessThan(Math.max(TINY_UNIT_MS + 100, 0.9 * lostMs));
}
