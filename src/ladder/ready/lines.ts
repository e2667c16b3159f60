/**
 * The lines of a ready-made ladder: the times at which units begin, in the common clock, of which the last ones are kept
 * for those who come late.
 */
import { type Milliseconds, TICKS_PER_MS } from "../../base/units.ts";
import type { AlignedInput, Held, Line } from "./aligned-input.ts";

/** Key pictures with different time stamps that arrive this far apart can be of one moment. */
export const MOST_SKEW_MS = 250;
/** The same of key pictures with the same time stamps. */
const MOST_SAME_STAMP_SKEW_MS = 1000;
/**
 * Time stamps are the same up to here: an output with sound often begins by a frame of it before, so that FFmpeg's video
 * lies 21 ms later there than in its other outputs. Lines are three times as far apart at least.
 */
const SAME_STAMP_TICKS = 60 * TICKS_PER_MS;
/** As far as key pictures are from their neighbours: a share of that is no matter of skew. */
const SKEW_SHARE = 0.4;
/** Lines are this far apart at least, in units. */
const SHORTEST_UNITS = 0.75;
const LINES_KEPT = 24;

/** How a key picture lies to the nearest line, by its arrival. */
export interface Skew {
	readonly line: Line;
	/** How much later it was made than those on the line. */
	readonly ms: number;
	/** What is taken for the same moment. */
	readonly mostMs: number;
}

export class Lines {
	readonly #unit: number;
	#lines: Line[] = [];

	/** @param unit in ticks */
	constructor(unit: number) {
		this.#unit = unit;
	}

	get last(): Line | undefined {
		return this.#lines.at(-1);
	}

	/** A run begins. */
	clear(): void {
		this.#lines = [];
	}

	draw(time: number, at: Milliseconds): Line {
		const line = { number: (this.last?.number ?? -1) + 1, time, at };
		this.#lines.push(line);
		if (this.#lines.length > LINES_KEPT) this.#lines.shift();
		return line;
	}

	/** There can be another line at this time. */
	leaveRoomAt(time: number): boolean {
		return this.last === undefined || time >= this.last.time + SHORTEST_UNITS * this.#unit;
	}

	/** The line on which an input's key picture of this time lies. */
	under(input: AlignedInput, time: number): Line | undefined {
		return this.#open(input).findLast((line) => Math.abs(line.time - time) <= input.tolerance);
	}

	/** Those behind the input's last line that it has come past without a key picture. */
	passed(input: AlignedInput, time: number): readonly Line[] {
		return this.#lines.filter((line) => line.number > input.line && line.time < time - input.tolerance);
	}

	/** The line whose key pictures have this one's time stamp, or nearly, in one of these clocks. */
	bySameStamps(input: AlignedInput, { accessUnit, at }: Held, clocks: readonly AlignedInput[]): Line | undefined {
		const open = this.#open(input).filter((line) => Math.abs(line.at - at) <= MOST_SAME_STAMP_SKEW_MS);
		for (const { offset } of clocks) {
			if (offset === undefined) continue;
			const time = accessUnit.dts + offset;
			const line = open.find((one) => Math.abs(one.time - time) <= SAME_STAMP_TICKS);
			if (line !== undefined) return line;
		}
		return undefined;
	}

	/** @param leader whose key pictures are on the lines */
	nearestByArrival(input: AlignedInput, { accessUnit }: Held, leader: AlignedInput): Skew | undefined {
		const madeMs = accessUnit.dts / TICKS_PER_MS + input.transit.ms;
		const skewOf = ({ time }: Line): number => madeMs - ((time - leader.offset!) / TICKS_PER_MS + leader.transit.ms);
		const [line] = this.#open(input).toSorted((a, b) => Math.abs(skewOf(a)) - Math.abs(skewOf(b)));
		if (line === undefined) return undefined;
		const gaps = this.#lines.map(({ time }) => Math.abs(time - line.time)).filter((gap) => gap > 0);
		const gapMs = Math.min(this.#unit, ...gaps) / TICKS_PER_MS;
		return { line, ms: skewOf(line), mostMs: Math.min(MOST_SKEW_MS, SKEW_SHARE * gapMs) };
	}

	/** Those on which the input may still have a key picture. */
	#open(input: AlignedInput): Line[] {
		return this.#lines.filter(({ number, time }) => number > input.line && time > input.lastGone);
	}
}
