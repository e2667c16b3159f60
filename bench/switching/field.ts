/** Who is in the field, on what, and by which names: the experiment's plan. */
import { type Conditions, LADDERS, SCALES, type Scale, type Setting, type Trace } from "./model.ts";
import type { ContenderSpec } from "./simulate.ts";

/** In the order of tables. */
export const CONTENDERS = [
	"adaptive",
	"threshold",
	"fixed-low",
	"fixed-mid",
	"fixed-high",
	"las",
	"hls",
	"bba",
	"mpc",
	"oracle",
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** They run in every world, asked or not. */
const REFERENCES: readonly ContenderName[] = ["fixed-low", "oracle"];

const server = new URL("./contenders.ts", import.meta.url).href;
const client = new URL("./baselines.ts", import.meta.url).href;

/** What `simulate` needs to make them; without the references, which it makes itself. */
export function specsOf(names: readonly ContenderName[]): ContenderSpec[] {
	return names.filter((name) => !REFERENCES.includes(name)).map(specOf);
}

function specOf(name: ContenderName): ContenderSpec {
	const fixed = /^fixed-(.*)$/.exec(name);
	if (fixed !== null) return { module: server, make: "fixed", settings: { rung: fixed[1] } };
	return { module: name === "adaptive" || name === "threshold" ? server : client, make: name };
}

export interface Plan {
	readonly traces: readonly Trace[];
	readonly settings: readonly Setting[];
	readonly conditions: Partial<Conditions>;
}

const BUFFER_MS = 1000;
const UNITS_MS = [500, 1000];
/** A quick run: so many traces of each family, and so many in all. */
const QUICK_PER_FAMILY = 2;
const QUICK_TRACES = 16;
const QUICK_UNITS_MS = [1000];
const QUICK_DURATION_MS = 120_000;

export function planOf(traces: readonly Trace[], quick: boolean, seed: number): Plan {
	const durationMs = quick ? { durationMs: QUICK_DURATION_MS } : {};
	const scales = Object.keys(SCALES) as Scale[];
	const units = quick ? QUICK_UNITS_MS : UNITS_MS;
	return {
		traces: quick ? fewOf(traces) : traces,
		settings: LADDERS.flatMap((ladder) =>
			units.flatMap((unitMs) => scales.map((scale) => ({ ladder, unitMs, scale, bufferMs: BUFFER_MS, ...durationMs }))),
		),
		conditions: { seed },
	};
}

/** Of each family the first, then of each the one in the middle, until there are enough. */
function fewOf(traces: readonly Trace[]): Trace[] {
	const families = Map.groupBy(traces, ({ family }) => family);
	const chosen: Trace[] = [];
	for (let turn = 0; turn < QUICK_PER_FAMILY; turn++) {
		for (const all of families.values()) {
			const one = all[Math.floor((turn * all.length) / QUICK_PER_FAMILY)]!;
			if (chosen.length < QUICK_TRACES && !chosen.includes(one)) chosen.push(one);
		}
	}
	return traces.filter((trace) => chosen.includes(trace));
}
