/**
 * Contenders × traces × settings, over all cores. In each world the lowest rung alone and the oracle run, too: every
 * figure is relative to them. They depend on the world only, so a folder can keep them from one call to the next.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { floorOf } from "./contenders.ts";
import {
	type Conditions,
	type Contender,
	DEFAULT_CONDITIONS,
	type RunResult,
	type Setting,
	type Trace,
} from "./model.ts";
import { oracleResult } from "./oracle.ts";
import { makeWorld } from "./world.ts";

/** A contender that a worker can make: `make(settings)` of `module`. */
export interface ContenderSpec {
	/** Of a file, absolute: `new URL("./contenders.ts", import.meta.url).href`. */
	readonly module: string;
	/** An exported function that gives a `Contender`. */
	readonly make: string;
	/** Plain data. */
	readonly settings?: unknown;
}

export interface Simulation {
	readonly traces: readonly Trace[];
	readonly settings: readonly Setting[];
	/** Beside `fixed-low` and `oracle`, which always run. */
	readonly contenders: readonly ContenderSpec[];
	readonly conditions?: Partial<Conditions>;
	/** Where results of the lowest rung and the oracle are kept. */
	readonly cache?: string;
	readonly threads?: number;
	/** Fills `RunResult.timeline`; nothing is taken from the cache then. */
	readonly wantsTimeline?: boolean;
}

/** What a worker is given once. */
export interface WorkerTask {
	readonly simulation: Simulation;
	/** Each is the index of a trace × number of settings + index of a setting. */
	readonly next: SharedArrayBuffer;
}

/** What ran in one world, first the lowest rung and the oracle. */
export interface WorldResults {
	readonly index: number;
	readonly results: readonly RunResult[];
}

/** Files whose change makes the kept results of the lowest rung and the oracle stale. */
const MODEL_FILES = ["model", "random", "link", "congestion", "tcp", "media", "player", "world", "push-run", "oracle"];

/** In the order of traces, then settings, then contenders. */
export async function simulate(simulation: Simulation): Promise<RunResult[]> {
	const count = simulation.traces.length * simulation.settings.length;
	const threads = Math.min(simulation.threads ?? availableParallelism(), count);
	const next = new SharedArrayBuffer(4);
	const results: (readonly RunResult[])[] = new Array(count);
	const work = async (): Promise<void> => {
		const workerData: WorkerTask = { simulation, next };
		const worker = new Worker(new URL("./simulate-worker.ts", import.meta.url), { workerData });
		await new Promise<void>((resolve, reject) => {
			worker.on("message", (done: WorldResults) => {
				results[done.index] = done.results;
			});
			worker.once("error", reject);
			worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`A worker ended with ${code}.`))));
		});
	};
	await Promise.all(Array.from({ length: threads }, work));
	return results.flat();
}

/** One world after another, each the next that nobody has taken. */
export function* runWorlds(
	{ simulation, next }: WorkerTask,
	contenders: readonly Contender[],
): Generator<WorldResults> {
	const { traces, settings } = simulation;
	const counter = new Int32Array(next);
	for (;;) {
		const index = Atomics.add(counter, 0, 1);
		const trace = traces[Math.floor(index / settings.length)];
		if (trace === undefined) return;
		yield { index, results: runWorld(trace, settings[index % settings.length]!, simulation, contenders) };
	}
}

type WorldOptions = Pick<Simulation, "conditions" | "cache" | "wantsTimeline">;

/** The lowest rung, the oracle and all contenders in one world. */
export function runWorld(
	trace: Trace,
	setting: Setting,
	options: WorldOptions,
	contenders: readonly Contender[],
): RunResult[] {
	const conditions = { ...DEFAULT_CONDITIONS, ...options.conditions };
	const world = makeWorld(trace, setting, conditions, options.wantsTimeline === true);
	const make = (): RunResult[] => {
		const floor = floorOf(world);
		return [floor.result, oracleResult(world, floor)];
	};
	const keep = options.cache !== undefined && !world.wantsTimeline;
	const references = keep ? kept(options.cache!, [trace, setting, conditions], make) : make();
	return [...references, ...contenders.map((contender) => contender.run(world))];
}

let modelText: string | undefined;

function kept(directory: string, key: unknown, make: () => RunResult[]): RunResult[] {
	modelText ??= MODEL_FILES.map((file) => readFileSync(new URL(`./${file}.ts`, import.meta.url), "utf8")).join("");
	const hash = createHash("sha256").update(modelText).update(JSON.stringify(key)).digest("hex").slice(0, 32);
	const file = join(directory, `${hash}.json`);
	try {
		return JSON.parse(readFileSync(file, "utf8")) as RunResult[];
	} catch {
		// Not kept yet.
	}
	const results = make();
	mkdirSync(directory, { recursive: true });
	const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
	writeFileSync(draft, JSON.stringify(results));
	renameSync(draft, file);
	return results;
}
