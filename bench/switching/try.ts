/**
 * For tuning: one contender against the lowest rung and the oracle, a line for each scale and each family.
 *
 *     node bench/switching/try.ts --traces DIR --half tune --policy adaptive --settings '{"stallWeight":6}'
 *
 * `--policy` also takes threshold, fixed-mid and fixed-high; `--conditions` takes JSON of `Conditions`.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Conditions, LADDERS, type RunResult, SCALES, type Scale, type Setting, type Trace } from "./model.ts";
import { type ContenderSpec, simulate } from "./simulate.ts";
import { halfOf, loadTraces } from "./traces.ts";

const { values } = parseArgs({
	options: {
		traces: { type: "string" },
		half: { type: "string", default: "tune" },
		policy: { type: "string", default: "adaptive" },
		settings: { type: "string", default: "{}" },
		conditions: { type: "string", default: "{}" },
		/** Names, with commas between. */
		families: { type: "string", default: "" },
		/** Every so many-th trace alone. */
		subset: { type: "string", default: "1" },
		units: { type: "string", default: "500,1000" },
		ladders: { type: "string", default: LADDERS.map(({ name }) => name).join(",") },
		buffer: { type: "string", default: "1000" },
		cache: { type: "string", default: join(tmpdir(), "penstock-switching") },
		/** One line of JSON in place of the table. */
		json: { type: "boolean", default: false },
		"by-family": { type: "boolean", default: false },
	},
});

const list = (text: string): string[] => text.split(",").filter((part) => part !== "");

function chosenTraces(): Trace[] {
	if (values.traces === undefined) throw new Error("--traces DIR is missing: a folder of traces.");
	const families = list(values.families);
	return loadTraces(values.traces)
		.filter((trace) => values.half === "both" || halfOf(trace) === values.half)
		.filter(({ family }) => families.length === 0 || families.includes(family))
		.filter((_, index) => index % Number(values.subset) === 0);
}

function chosenSettings(): Setting[] {
	const ladders = LADDERS.filter(({ name }) => list(values.ladders).includes(name));
	const scales = Object.keys(SCALES) as Scale[];
	const bufferMs = Number(values.buffer);
	return ladders.flatMap((ladder) =>
		list(values.units).flatMap((unit) => scales.map((scale) => ({ ladder, unitMs: Number(unit), scale, bufferMs }))),
	);
}

function chosenContender(): ContenderSpec {
	const module = new URL("./contenders.ts", import.meta.url).href;
	const fixed = /^fixed-(low|mid|high)$/.exec(values.policy);
	if (fixed) return { module, make: "fixed", settings: { rung: fixed[1] } };
	return { module, make: values.policy, settings: JSON.parse(values.settings) };
}

interface Judged {
	readonly run: RunResult;
	readonly floor: RunResult;
	readonly oracle: RunResult;
}

/** `simulate` gives three results a world: the lowest rung, the oracle, the contender. */
function judge(results: readonly RunResult[]): Judged[] {
	return Array.from({ length: results.length / 3 }, (_, world) => {
		const [floor, oracle, run] = results.slice(3 * world, 3 * world + 3);
		return { run: run!, floor: floor!, oracle: oracle! };
	});
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

function row(runs: readonly Judged[]): Record<string, number> {
	const of = (pick: (judged: Judged) => number): number => mean(runs.map(pick));
	const excess = runs.map(({ run, floor }) => 100 * (run.stallRatio - floor.stallRatio)).sort((a, b) => a - b);
	const rounded: Record<string, number> = {
		runs: runs.length,
		floorPct: 100 * of(({ floor }) => floor.stallRatio),
		excess: mean(excess),
		excessP90: excess[Math.min(excess.length - 1, Math.floor(0.9 * excess.length))]!,
		share: (100 * of(({ run }) => run.meanBps)) / of(({ oracle }) => oracle.meanBps),
		switches: of(({ run }) => run.switchesPerMin),
		U: of(({ run }) => run.u),
		delayP50: of(({ run }) => run.delayP50Ms),
		delayP95: of(({ run }) => run.delayP95Ms),
		skipped: of(({ run }) => run.skippedPerMin),
		stallFree: 100 * of(({ run }) => (run.stallMs === 0 ? 1 : 0)),
	};
	return Object.fromEntries(Object.entries(rounded).map(([key, value]) => [key, Number(value.toFixed(3))]));
}

const started = performance.now();
const [traces, settings] = [chosenTraces(), chosenSettings()];
const conditions = JSON.parse(values.conditions) as Partial<Conditions>;
const results = await simulate({ traces, settings, contenders: [chosenContender()], conditions, cache: values.cache });
const judged = judge(results);
const table: Record<string, Record<string, number>> = {};
for (const scale of Object.keys(SCALES)) table[scale] = row(judged.filter(({ run }) => run.scale === scale));
if (values["by-family"]) {
	for (const family of new Set(traces.map((trace) => trace.family))) {
		for (const scale of Object.keys(SCALES)) {
			const runs = judged.filter(({ run }) => run.family === family && run.scale === scale);
			table[`${family} ${scale}`] = row(runs);
		}
	}
}
for (const { name } of LADDERS.filter(({ name }) => list(values.ladders).includes(name))) {
	table[`ladder ${name}`] = row(judged.filter(({ run }) => run.ladder === name));
}
for (const unit of list(values.units))
	table[`units of ${unit} ms`] = row(judged.filter(({ run }) => run.unitMs === Number(unit)));
const safe = judged.filter(({ floor }) => floor.stallRatio < 0.001);
if (safe.length > 0) table["floor < 0.1 %"] = row(safe);
table["all"] = row(judged);
if (values.json) console.log(JSON.stringify(table));
else {
	console.table(table);
	const simulated = results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 3;
	const took = performance.now() - started;
	console.log(`${judged.length} worlds in ${(took / 1000).toFixed(1)} s, ${Math.round(simulated / took)} × real time.`);
}
