/**
 * Which rendition a viewer gets, and what it costs: the real policies of `src/switching/`, client-driven rules and an
 * oracle on the same simulated links, traces × ladders × units × scales, a virtual clock, everything seeded.
 *
 *     npm run bench:switching -- [--quick] [--json FILE] [--traces DIR] [--half tune|test|all] [--plots DIR]
 *         [--policies a,b] [--seed N] [--real]
 *
 * Nothing here is measured on a network, but with `--real`. Method, model and its limits: docs/benchmarks.md.
 */
import { report } from "./kit/report.ts";
import { planOf, specsOf } from "./switching/field.ts";
import { figuresOf } from "./switching/figures.ts";
import type { Trace } from "./switching/model.ts";
import { type RealPart, type SwitchingOptions, switchingOptions } from "./switching/options.ts";
import { writePlots } from "./switching/plots.ts";
import { simulate } from "./switching/simulate.ts";
import { Statistics } from "./switching/statistics.ts";
import { showTables } from "./switching/tables.ts";
import { generateTraces } from "./switching/trace-generator.ts";
import { halfOf, loadTraces } from "./switching/traces.ts";

function chosenTraces({ tracesDirectory, half, seed }: SwitchingOptions): Trace[] {
	const all = tracesDirectory === undefined ? generateTraces(seed) : loadTraces(tracesDirectory);
	const chosen = all.filter((trace) => half === "all" || halfOf(trace) === half);
	if (chosen.length === 0) throw new Error(`--half ${half} leaves none of ${all.length} traces; take --half all.`);
	return chosen;
}

/** What the user has given wrongly ends the run with a sentence, without a stack. */
function orRefuse<Value>(make: () => Value): Value {
	try {
		return make();
	} catch (error) {
		console.error(`bench:switching: ${(error as Error).message}`);
		process.exit(1);
	}
}

async function runSimulated(options: SwitchingOptions): Promise<void> {
	const { tracesDirectory, half, seed, contenders, plotsDirectory } = options;
	const plan = planOf(
		orRefuse(() => chosenTraces(options)),
		options.quick,
		seed,
	);
	const { traces, settings, conditions } = plan;
	const from = tracesDirectory === undefined ? "generated" : `of ${tracesDirectory}, half: ${half}`;
	console.log(`${traces.length} traces (${from}), ${settings.length} settings, seed ${seed}`);
	const started = performance.now();
	const runs = await simulate({ traces, settings, conditions, contenders: specsOf(contenders) });
	console.log(`${runs.length} runs in ${((performance.now() - started) / 1000).toFixed(0)} s`);
	const statistics = new Statistics(runs);
	report("switching", figuresOf(statistics), options, () => showTables(statistics));
	if (plotsDirectory === undefined) return;
	for (const file of await writePlots(plotsDirectory, plan, statistics)) console.log(file);
}

async function runReal(options: SwitchingOptions): Promise<void> {
	// Only then: it needs the server's build.
	const part: RealPart = await import("./switching-real.ts");
	report("switching", await part.runReal(options), options);
}

const options = orRefuse(() => switchingOptions());
await (options.real ? runReal(options) : runSimulated(options));
