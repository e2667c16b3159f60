/**
 * The part of `bench:switching` that is measured: the server with a real ladder, real viewers behind a real link that
 * plays traces, and the same figures as the simulation's. Both run on the same worlds, and whether they rank the
 * policies alike is a result of its own. Needs root, for network namespaces.
 */

import type { DropFigures } from "../test/kit/rate-drop.ts";
import { quantile, type Result } from "./kit/report.ts";
import { type ContenderName, specsOf } from "./switching/field.ts";
import { DEFAULT_CONDITIONS, type RunResult, type Setting, type Trace } from "./switching/model.ts";
import type { SwitchingOptions } from "./switching/options.ts";
import { REAL_CONTENDERS, REAL_LADDER, REAL_UNIT_MS, type RealContender, Stage } from "./switching/real-scenes.ts";
import { simulate } from "./switching/simulate.ts";
import { generateTraces } from "./switching/trace-generator.ts";
import { halfOf, loadTraces } from "./switching/traces.ts";
import { makeWorld } from "./switching/world.ts";

const DROP_RTT_MS = 30;
const CONSTANT_BPS = [0.5e6, 1e6, 2e6, 3.3e6, 4e6, 5e6, 10e6, 20e6];

/** How long all of it takes. */
interface Extent {
	readonly drops: number;
	readonly narrowMs: number;
	readonly constantBps: readonly number[];
	readonly constantMs: number;
	readonly traces: number;
	readonly traceMs: number;
	readonly contenders: readonly RealContender[];
}

const WHOLE: Extent = {
	...{ drops: 12, narrowMs: 8000, constantBps: CONSTANT_BPS, constantMs: 60_000 },
	...{ traces: 4, traceMs: 60_000, contenders: REAL_CONTENDERS },
};
/** Within 60 s: one drop, one trace, and the ends of the field. */
const QUICK: Extent = {
	...{ drops: 1, narrowMs: 6000, constantBps: [], constantMs: 0 },
	...{ traces: 1, traceMs: 10_000, contenders: ["adaptive", "fixed-low", "fixed-high"] },
};

export async function runReal(options: SwitchingOptions): Promise<readonly Result[]> {
	const extent = options.quick ? QUICK : WHOLE;
	const changes = await onStage("adaptive", DROP_RTT_MS, async (stage) => {
		const drops = await stage.drops(extent.drops, extent.narrowMs);
		const constant: Result[] = [];
		for (const rateBps of extent.constantBps) {
			const value = await stage.constant(rateBps, extent.constantMs);
			const name = `constant.${String(rateBps / 1e6).replace(".", "_")}M.switchesPerMin`;
			constant.push({ name, value, unit: "1/min", samples: 1 });
		}
		return [...dropResults(drops), ...constant];
	});
	return [...changes, ...(await onTraces(options, extent))];
}

async function onStage<Value>(
	policy: "adaptive" | "threshold",
	rttMs: number | undefined,
	play: (stage: Stage) => Promise<Value>,
): Promise<Value> {
	const stage = await Stage.open(policy, rttMs);
	try {
		return await play(stage);
	} finally {
		await stage.close();
	}
}

function dropResults(drops: readonly DropFigures[]): Result[] {
	const result = (name: string, share: number, of: (figures: DropFigures) => number): Result => ({
		...{ name, value: quantile(drops.map(of), share), unit: "ms", samples: drops.length },
	});
	return [
		result("drop.decisionP50Ms", 0.5, ({ decidedMs }) => decidedMs),
		result("drop.decisionP95Ms", 0.95, ({ decidedMs }) => decidedMs),
		result("drop.lowArrivedP50Ms", 0.5, ({ lowArrivedMs }) => lowArrivedMs),
		result("drop.peakDelayMs", 1, ({ peakDelayMs }) => peakDelayMs),
		result("drop.peakDelayP50Ms", 0.5, ({ peakDelayMs }) => peakDelayMs),
		result("drop.backUnder500Ms", 1, ({ backMs }) => backMs),
		result("drop.stalledMs", 1, ({ stalledMs }) => stalledMs),
		result("recover.toHighMs", 1, ({ highArrivedMs }) => highArrivedMs),
		result("recover.toHighP50Ms", 0.5, ({ highArrivedMs }) => highArrivedMs),
	];
}

/** The first of each family, as many as there are to be. */
function chosenTraces({ tracesDirectory, half, seed }: SwitchingOptions, count: number): Trace[] {
	const all = tracesDirectory === undefined ? generateTraces(seed) : loadTraces(tracesDirectory);
	const chosen = all.filter((trace) => half === "all" || halfOf(trace) === half);
	const ofFamilies = [...Map.groupBy(chosen, ({ family }) => family).values()].map((traces) => traces[0]!);
	const step = Math.max(1, ofFamilies.length / count);
	return Array.from(
		{ length: Math.min(count, ofFamilies.length) },
		(_, index) => ofFamilies[Math.floor(index * step)]!,
	);
}

async function onTraces(options: SwitchingOptions, extent: Extent): Promise<Result[]> {
	const traces = chosenTraces(options, extent.traces);
	const setting: Setting = {
		...{ ladder: REAL_LADDER, unitMs: REAL_UNIT_MS, scale: "matched", bufferMs: 1000 },
		durationMs: extent.traceMs,
	};
	const conditions = { ...DEFAULT_CONDITIONS, seed: options.seed };
	const real: RunResult[] = [];
	for (const policy of ["adaptive", "threshold"] as const) {
		const contenders = extent.contenders.filter((name) => (name === "threshold") === (policy === "threshold"));
		if (contenders.length === 0) continue;
		await onStage(policy, undefined, async (stage) => {
			for (const trace of traces) {
				const world = makeWorld(trace, setting, conditions);
				for (const contender of contenders) real.push(await stage.run(contender, world));
			}
		});
	}
	const names = extent.contenders.filter((name): name is RealContender & ContenderName => name !== "adaptive-reported");
	const simulated = await simulate({ traces, settings: [setting], conditions, contenders: specsOf(names) });
	return [
		...figures("real", real, extent.contenders),
		...figures("simulated", simulated, [...names, "oracle"]),
		...agreement(real, simulated, names),
	];
}

const MEASURED = {
	stallRatio: ["ratio", ({ stallRatio }) => stallRatio],
	meanBps: ["bit/s", ({ meanBps }) => meanBps],
	switchesPerMin: ["1/min", ({ switchesPerMin }) => switchesPerMin],
	delayP50Ms: ["ms", ({ delayP50Ms }) => delayP50Ms],
	delayP95Ms: ["ms", ({ delayP95Ms }) => delayP95Ms],
	startupMs: ["ms", ({ startupMs }) => startupMs],
} as const satisfies Record<string, readonly [unit: string, of: (run: RunResult) => number]>;

const meanOf = (runs: readonly RunResult[], of: (run: RunResult) => number): number =>
	runs.reduce((sum, run) => sum + of(run), 0) / runs.length;

function figures(group: string, runs: readonly RunResult[], contenders: readonly string[]): Result[] {
	return contenders.flatMap((contender) => {
		const own = runs.filter((run) => run.contender === contender);
		return Object.entries(MEASURED).map(([measure, [unit, of]]) => ({
			...{ name: `${contender}.${group}.${measure}`, value: meanOf(own, of), unit, samples: own.length },
		}));
	});
}

/** A difference below this is none: of means of a handful of runs. */
const TIES = { stallRatio: 0.005, meanBps: 50_000, delayP95Ms: 100 } as const;

/** Of the pairs of policies that reality tells apart, the share that the simulation puts in the same order. */
function agreement(real: readonly RunResult[], simulated: readonly RunResult[], names: readonly string[]): Result[] {
	return Object.entries(TIES).map(([measure, tie]) => {
		const of = MEASURED[measure as keyof typeof TIES][1];
		const value = (runs: readonly RunResult[], name: string): number =>
			meanOf(
				runs.filter(({ contender }) => contender === name),
				of,
			);
		let pairs = 0;
		let agreed = 0;
		for (const [index, one] of names.entries()) {
			for (const other of names.slice(index + 1)) {
				const difference = value(real, one) - value(real, other);
				if (Math.abs(difference) < tie) continue;
				pairs++;
				if (difference * (value(simulated, one) - value(simulated, other)) > 0) agreed++;
			}
		}
		return { name: `agreement.${measure}`, value: pairs === 0 ? 1 : agreed / pairs, unit: "ratio", samples: pairs };
	});
}
