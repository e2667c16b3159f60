/** The benchmark's results by their stable names: `policy.group.measure`, a group being a family, a scale or `all`. */
import type { Result } from "../kit/report.ts";
import { CONTENDERS, type ContenderName } from "./field.ts";
import { SCALES } from "./model.ts";
import {
	type Estimate,
	type Group,
	MEASURES,
	type MeasureName,
	type Statistics,
	type Verdict,
	verdictOf,
} from "./statistics.ts";

/** Of the excess stall: nine runs in ten have no more. */
const NINE_IN_TEN = 0.9;
const OURS: ContenderName = "adaptive";
const MEASURE_NAMES = Object.keys(MEASURES) as MeasureName[];

export const groupsOf = ({ families }: Statistics): Group[] => [...families, ...Object.keys(SCALES), "all"];

/** In the order of tables. */
export const contendersOf = ({ contenders }: Statistics): ContenderName[] =>
	CONTENDERS.filter((name) => contenders.includes(name));

export function figuresOf(statistics: Statistics): Result[] {
	const names = contendersOf(statistics);
	const own = names.flatMap((name) => groupsOf(statistics).flatMap((group) => ofContender(statistics, name, group)));
	const compared = comparisonsOf(statistics).map(({ other, group, measure, estimate, verdict }): Result => {
		const better = MEASURES[measure].better === "more" ? "above" : "below";
		const vs = `${OURS} less ${other}, paired by trace; ${better} 0 is better: ${verdict}`;
		return { ...toResult(`vs.${other}.${group}.${measure}`, measure, estimate), vs };
	});
	return [...own, ...compared];
}

function ofContender(statistics: Statistics, contender: ContenderName, group: Group): Result[] {
	const results = MEASURE_NAMES.map((measure) =>
		toResult(`${contender}.${group}.${measure}`, measure, statistics.estimate(contender, group, measure)),
	);
	const { runs } = statistics.estimate(contender, group, "excessStallRatio");
	const value = statistics.excessQuantile(contender, group, NINE_IN_TEN);
	return [...results, { name: `${contender}.${group}.excessStallRatioP90`, value, unit: "ratio", samples: runs }];
}

function toResult(name: string, measure: MeasureName, { value, interval, runs }: Estimate): Result {
	const bounds = interval === undefined ? {} : { low: interval[0], high: interval[1] };
	return { name, value, unit: MEASURES[measure].unit, samples: runs, ...bounds };
}

export interface Comparison {
	readonly other: ContenderName;
	readonly group: Group;
	readonly measure: MeasureName;
	/** Ours less theirs. */
	readonly estimate: Estimate;
	readonly verdict: Verdict;
}

/** The default policy against everybody else who ran, but the oracle: nobody is compared with what cannot be. */
export function comparisonsOf(statistics: Statistics): Comparison[] {
	const names = contendersOf(statistics);
	if (!names.includes(OURS)) return [];
	const others = names.filter((name) => name !== OURS && name !== "oracle");
	return others.flatMap((other) =>
		groupsOf(statistics).flatMap((group) =>
			MEASURE_NAMES.map((measure) => {
				const estimate = statistics.difference(OURS, other, group, measure);
				return { other, group, measure, estimate, verdict: verdictOf(estimate, measure) };
			}),
		),
	);
}
