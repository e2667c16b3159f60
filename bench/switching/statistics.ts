/**
 * From runs to figures. Every figure is a quotient of two sums over traces (a mean is one by the number of runs), so
 * that one bootstrap serves all: it draws traces, not runs, since the runs on one trace are not independent. Contenders
 * are compared on the same draws. 95 % intervals, by percentiles.
 */
import type { RunResult } from "./model.ts";
import { Random } from "./random.ts";

export interface Estimate {
	readonly value: number;
	/** 95 %; undefined where there are too few traces for one. */
	readonly interval: readonly [low: number, high: number] | undefined;
	readonly runs: number;
	readonly traces: number;
}

/** A run, beside what its world allows. */
interface JudgedRun {
	readonly run: RunResult;
	/** Stall ratio of the lowest rung alone in the same world. */
	readonly floor: number;
	/** Bit rate of the oracle there. */
	readonly oracleBps: number;
}

interface Measure {
	readonly unit: string;
	readonly better: "more" | "less";
	/** What a run adds to the sum above, and to the one below. */
	readonly above: (judged: JudgedRun) => number;
	readonly below?: (judged: JudgedRun) => number;
}

export const MEASURES = {
	stallRatio: { unit: "ratio", better: "less", above: ({ run }) => run.stallRatio },
	excessStallRatio: { unit: "ratio", better: "less", above: ({ run, floor }) => run.stallRatio - floor },
	meanBps: { unit: "bit/s", better: "more", above: ({ run }) => run.meanBps },
	shareOfOracle: {
		unit: "ratio",
		better: "more",
		above: ({ run }) => run.meanBps,
		below: ({ oracleBps }) => oracleBps,
	},
	switchesPerMin: { unit: "1/min", better: "less", above: ({ run }) => run.switchesPerMin },
	delayP50Ms: { unit: "ms", better: "less", above: ({ run }) => run.delayP50Ms },
	delayP95Ms: { unit: "ms", better: "less", above: ({ run }) => run.delayP95Ms },
	startupMs: { unit: "ms", better: "less", above: ({ run }) => run.startupMs },
	stallFreeShare: { unit: "ratio", better: "more", above: ({ run }) => (run.stallMs === 0 ? 1 : 0) },
} as const satisfies Record<string, Measure>;
export type MeasureName = keyof typeof MEASURES;

/** `all`, a scale or a family. */
export type Group = string;

export type Verdict = "better" | "worse" | "no difference shown" | "too few traces";

/** The interval of a handful of traces would say more about the handful than about the contenders. */
const LEAST_TRACES = 5;
const DRAWS = 2000;

export class Statistics {
	readonly #runs = new Map<string, JudgedRun[]>();
	/** Which traces a draw holds, by how many there are to draw from. */
	readonly #draws = new Map<number, Uint16Array[]>();
	readonly contenders: readonly string[];
	readonly families: readonly string[];

	/** @param runs with `fixed-low` and `oracle` in every world in which anybody ran */
	constructor(runs: readonly RunResult[]) {
		const inWorld = new Map<string, Map<string, RunResult>>();
		for (const run of runs) {
			const world = inWorld.get(worldOf(run)) ?? new Map<string, RunResult>();
			inWorld.set(worldOf(run), world.set(run.contender, run));
		}
		for (const run of runs) {
			const world = inWorld.get(worldOf(run))!;
			const [lowest, oracle] = [world.get("fixed-low"), world.get("oracle")];
			if (lowest === undefined || oracle === undefined) {
				throw new Error(`${run.contender} ran in ${worldOf(run)}, but fixed-low or oracle did not.`);
			}
			const ofContender = this.#runs.get(run.contender) ?? [];
			ofContender.push({ run, floor: lowest.stallRatio, oracleBps: oracle.meanBps });
			this.#runs.set(run.contender, ofContender);
		}
		this.contenders = [...this.#runs.keys()];
		this.families = [...new Set(runs.map(({ family }) => family))];
	}

	estimate(contender: string, group: Group, measure: MeasureName): Estimate {
		const judged = this.#of(contender, group);
		const sums = sumsByTrace(judged, MEASURES[measure]);
		const interval = this.#interval(sums.length, (draw) => quotient(sums, draw));
		return { value: quotient(sums), interval, runs: judged.length, traces: sums.length };
	}

	/** `one` less `other`, over the worlds in which both ran. */
	difference(one: string, other: string, group: Group, measure: MeasureName): Estimate {
		const theirs = new Set(this.#of(other, group).map(({ run }) => worldOf(run)));
		const both = this.#of(one, group).filter(({ run }) => theirs.has(worldOf(run)));
		const worlds = new Set(both.map(({ run }) => worldOf(run)));
		const mine = sumsByTrace(both, MEASURES[measure]);
		const others = sumsByTrace(
			this.#of(other, group).filter(({ run }) => worlds.has(worldOf(run))),
			MEASURES[measure],
		);
		const difference = (draw?: Uint16Array): number => quotient(mine, draw) - quotient(others, draw);
		const interval = this.#interval(mine.length, difference);
		return { value: difference(), interval, runs: both.length, traces: mine.length };
	}

	/** The mean hides that a few runs hold most of it. @param share 0.9: nine runs in ten have no more */
	excessQuantile(contender: string, group: Group, share: number): number {
		const sorted = this.#of(contender, group)
			.map(({ run, floor }) => run.stallRatio - floor)
			.sort((a, b) => a - b);
		return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
	}

	#of(contender: string, group: Group): JudgedRun[] {
		const judged = this.#runs.get(contender) ?? [];
		return judged.filter(({ run }) => group === "all" || run.family === group || run.scale === group);
	}

	#interval(traces: number, estimate: (draw: Uint16Array) => number): Estimate["interval"] {
		if (traces < LEAST_TRACES) return undefined;
		const values = this.#drawsOf(traces).map(estimate);
		values.sort((a, b) => a - b);
		return [values[Math.floor(0.025 * DRAWS)]!, values[Math.ceil(0.975 * DRAWS) - 1]!];
	}

	#drawsOf(traces: number): Uint16Array[] {
		const known = this.#draws.get(traces);
		if (known !== undefined) return known;
		const random = new Random(`bootstrap over ${traces}`);
		const draw = (): Uint16Array => Uint16Array.from({ length: traces }, () => Math.floor(random.next() * traces));
		const draws = Array.from({ length: DRAWS }, draw);
		this.#draws.set(traces, draws);
		return draws;
	}
}

/** By the interval alone. */
export function verdictOf({ interval }: Estimate, measure: MeasureName): Verdict {
	if (interval === undefined) return "too few traces";
	const [low, high] = interval;
	if (low <= 0 && high >= 0) return "no difference shown";
	return low > 0 === (MEASURES[measure].better === "more") ? "better" : "worse";
}

const worldOf = ({ traceId, ladder, unitMs, scale, bufferMs, seed }: RunResult): string =>
	`${traceId}, ladder ${ladder}, units of ${unitMs} ms, ${scale}, buffer ${bufferMs} ms, seed ${seed}`;

type Sums = readonly (readonly [above: number, below: number])[];

/** One pair for each trace, in the order of their ids. */
function sumsByTrace(judged: readonly JudgedRun[], { above, below = () => 1 }: Measure): Sums {
	const sums = new Map<string, [number, number]>();
	for (const one of judged) {
		const sum = sums.get(one.run.traceId) ?? [0, 0];
		sum[0] += above(one);
		sum[1] += below(one);
		sums.set(one.run.traceId, sum);
	}
	return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

function quotient(sums: Sums, draw?: Uint16Array): number {
	let [above, below] = [0, 0];
	for (let i = 0; i < sums.length; i++) {
		const [more, less] = sums[draw === undefined ? i : draw[i]!]!;
		above += more;
		below += less;
	}
	return above / below;
}
