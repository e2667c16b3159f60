/** The results for people: a table for each family, each scale and all; then the default policy against each other. */
import { comparisonsOf, contendersOf, groupsOf } from "./figures.ts";
import { SCALES } from "./model.ts";
import type { Estimate, Group, MeasureName, Statistics } from "./statistics.ts";

/** What a ratio, bits per second and milliseconds are shown as. */
const PERCENT = 100;
const MEGA = 1e-6;
const SECONDS = 1e-3;

export function showTables(statistics: Statistics): void {
	for (const group of groupsOf(statistics)) {
		const { runs, traces } = statistics.estimate(contendersOf(statistics)[0]!, group, "stallRatio");
		console.log(`\n${titleOf(group)}: ${traces} traces, ${runs} runs of each`);
		console.log(textTable(FIGURES, figureRows(statistics, group)));
	}
	console.log("\n[low, high]: 95 % by a bootstrap over traces; none for fewer than five traces.");
	console.log("Stall is the stalled share of the time since the first picture, excess what of it the lowest rendition");
	console.log("alone does not have in the same world, share the bit rate by that of the oracle.");
	showComparisons(statistics);
}

function titleOf(group: Group): string {
	const scale = SCALES[group as keyof typeof SCALES] as number | undefined;
	if (scale !== undefined) return `${group} (mean of the link ${scale} × the best rendition)`;
	return group === "all" ? "all" : `family ${group}`;
}

const FIGURES = [
	"policy",
	"stall %",
	"excess, points",
	"p90",
	"share %",
	"Mbit/s",
	"switches/min",
	"delay p50, s",
	"p95, s",
	"start, s",
	"stall-free %",
];

function figureRows(statistics: Statistics, group: Group): string[][] {
	return contendersOf(statistics).map((name) => {
		const shown = (measure: MeasureName, factor: number, digits: number, bounds = false): string =>
			inDigits(statistics.estimate(name, group, measure), factor, digits, bounds);
		return [
			name,
			shown("stallRatio", PERCENT, 2),
			shown("excessStallRatio", PERCENT, 2, true),
			(PERCENT * statistics.excessQuantile(name, group, 0.9)).toFixed(2),
			shown("shareOfOracle", PERCENT, 1, true),
			shown("meanBps", MEGA, 2),
			shown("switchesPerMin", 1, 1),
			shown("delayP50Ms", SECONDS, 2),
			shown("delayP95Ms", SECONDS, 2),
			shown("startupMs", SECONDS, 2),
			shown("stallFreeShare", PERCENT, 0),
		];
	});
}

function inDigits({ value, interval }: Estimate, factor: number, digits: number, bounds: boolean): string {
	const shown = (number: number): string => (number * factor).toFixed(digits);
	return bounds && interval !== undefined
		? `${shown(value)} [${shown(interval[0])}, ${shown(interval[1])}]`
		: shown(value);
}

/** Of the many comparisons, those that decide; JSON has all. */
const DECISIVE: readonly { measure: MeasureName; title: string; factor: number; digits: number }[] = [
	{ measure: "excessStallRatio", title: "stall, points", factor: PERCENT, digits: 2 },
	{ measure: "shareOfOracle", title: "share, points", factor: PERCENT, digits: 1 },
	{ measure: "switchesPerMin", title: "switches/min", factor: 1, digits: 1 },
	{ measure: "delayP95Ms", title: "delay p95, s", factor: SECONDS, digits: 2 },
];

function showComparisons(statistics: Statistics): void {
	const comparisons = comparisonsOf(statistics);
	const others = [...new Set(comparisons.map(({ other }) => other))];
	for (const group of others.length === 0 ? [] : [...Object.keys(SCALES), "all"]) {
		console.log(`\nadaptive less another policy, ${titleOf(group)}, paired by trace`);
		const rows = others.map((other) => [
			other,
			...DECISIVE.map(({ measure, factor, digits }) => {
				const same = comparisons.find((one) => one.other === other && one.group === group && one.measure === measure)!;
				return `${inDigits(same.estimate, factor, digits, true)} ${same.verdict}`;
			}),
		]);
		console.log(textTable(["", ...DECISIVE.map(({ title }) => title)], rows));
	}
}

/** The first column to the left, the others to the right. */
function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
	const line = (cells: readonly string[]): string =>
		cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
	return [line(header), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
