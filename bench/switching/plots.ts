/** The plots: for each family one typical trace with everybody's run on it, and all contenders in one picture. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ContenderName, type Plan, specsOf } from "./field.ts";
import { contendersOf } from "./figures.ts";
import { lengthOf, meanOf } from "./link.ts";
import { LADDERS, type RunResult, type Setting, type Trace } from "./model.ts";
import { plotSummary } from "./plot-summary.ts";
import { type PlottedRun, plotTrace } from "./plot-trace.ts";
import { simulate } from "./simulate.ts";
import type { Statistics } from "./statistics.ts";

/** They draw a straight line; the lowest is told of in everybody's figures. */
const NOT_DRAWN: readonly string[] = ["fixed-low", "fixed-mid", "fixed-high"];
/** Longer, and nothing can be seen. */
const SHOWN_MS = 180_000;

/** @returns the files that were written */
export async function writePlots(directory: string, plan: Plan, statistics: Statistics): Promise<string[]> {
	mkdirSync(directory, { recursive: true });
	const names = contendersOf(statistics);
	const files = await writeTracePlots(directory, plan, names);
	const summary = join(directory, "summary.svg");
	const contenders = names
		.filter((name) => name !== "oracle")
		.map((name) => ({
			name,
			excess: statistics.estimate(name, "all", "excessStallRatio"),
			share: statistics.estimate(name, "all", "shareOfOracle"),
		}));
	writeFileSync(
		summary,
		plotSummary(`All traces, ladders, units and scales (${plan.traces.length} traces)`, contenders),
	);
	return [...files, summary];
}

async function writeTracePlots(directory: string, plan: Plan, names: readonly ContenderName[]): Promise<string[]> {
	const ladder = LADDERS[0]!;
	const setting: Setting = { ...plan.settings[0]!, ladder, unitMs: 1000, scale: "matched", durationMs: SHOWN_MS };
	const traces = [...Map.groupBy(plan.traces, ({ family }) => family).values()].map(typical);
	const results = await simulate({
		traces,
		settings: [setting],
		contenders: specsOf(names),
		conditions: plan.conditions,
		wantsTimeline: true,
	});
	const byTrace = Map.groupBy(results, ({ traceId }) => traceId);
	return traces.map(({ id, family }) => {
		const file = join(directory, `${family}.svg`);
		const title = `${id}: its mean scaled to the best rendition, units of 1 s, 1 s of player buffer`;
		writeFileSync(file, plotTrace(title, ladder, toPlot(byTrace.get(id)!, names)));
		return file;
	});
}

function toPlot(results: readonly RunResult[], names: readonly ContenderName[]): PlottedRun[] {
	const of = (name: string): RunResult => results.find(({ contender }) => contender === name)!;
	const [floor, oracle] = [of("fixed-low"), of("oracle")];
	return names
		.filter((name) => !NOT_DRAWN.includes(name))
		.map(of)
		.map((run) => ({ run, excess: run.stallRatio - floor.stallRatio, share: run.meanBps / oracle.meanBps }));
}

/** The one whose variation is in the family's middle. */
function typical(traces: readonly Trace[]): Trace {
	const sorted = traces.toSorted((a, b) => variationOf(a) - variationOf(b));
	return sorted[sorted.length >> 1]!;
}

/** Coefficient of variation over time. */
function variationOf(trace: Trace): number {
	const [mean, length] = [meanOf(trace), lengthOf(trace)];
	const square = trace.slots.reduce((sum, slot) => sum + slot.durationMs * (slot.bandwidthBps - mean) ** 2, 0);
	return Math.sqrt(square / length) / mean;
}
