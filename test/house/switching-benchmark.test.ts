/**
 * The switching benchmark around its simulator: traces are read or refused by name, made ones resemble what they were
 * fitted to, statistics are right where the answer is known, client-driven contenders behave on a link that holds, and
 * every result that is promised is there.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bba, hls, las, mpc } from "../../bench/switching/baselines.ts";
import { CONTENDERS, planOf, specsOf } from "../../bench/switching/field.ts";
import { figuresOf } from "../../bench/switching/figures.ts";
import { LADDERS, type RunResult, type Setting, type Trace } from "../../bench/switching/model.ts";
import { switchingOptions } from "../../bench/switching/options.ts";
import { simulate } from "../../bench/switching/simulate.ts";
import { MEASURES, Statistics, verdictOf } from "../../bench/switching/statistics.ts";
import { generateTraces } from "../../bench/switching/trace-generator.ts";
import { halfOf, loadTraces } from "../../bench/switching/traces.ts";
import { makeWorld } from "../../bench/switching/world.ts";

const constant = (mbps: number, id = "constant/test"): Trace => ({
	id,
	family: id.split("/")[0]!,
	slots: [{ durationMs: 60_000, bandwidthBps: mbps * 1e6, latencyMs: 20 }],
});

describe("a folder of traces", () => {
	let directory: string;
	beforeAll(() => {
		directory = mkdtempSync(join(tmpdir(), "penstock-traces-"));
	});
	afterAll(() => rmSync(directory, { recursive: true }));

	/** A folder of its own with one file. */
	const folderWith = (file: string, content: string): string => {
		const folder = mkdtempSync(join(directory, "folder-"));
		const path = join(folder, file);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, content);
		return folder;
	};

	test("is read to families by its sub-folders, in bits per second", () => {
		const folder = folderWith("bus/one.json", `[{"duration_ms": 500, "bandwidth_kbps": 1200, "latency_ms": 30}]`);
		mkdirSync(join(folder, "far.away/north"), { recursive: true });
		const outage = `{"duration_ms": 1000, "bandwidth_kbps": 0, "latency_ms": 0}`;
		const slot = `{"duration_ms": 1000, "bandwidth_kbps": 5.5, "latency_ms": 100, "note": "kept out"}`;
		writeFileSync(join(folder, "far.away/north/two.json"), `[${outage}, ${slot}]`);
		writeFileSync(join(folder, "README.md"), "not a trace");
		expect(loadTraces(folder)).toEqual([
			{ id: "bus/one", family: "bus", slots: [{ durationMs: 500, bandwidthBps: 1_200_000, latencyMs: 30 }] },
			{
				id: "far.away/north/two",
				family: "far-away-north",
				slots: [
					{ durationMs: 1000, bandwidthBps: 0, latencyMs: 0 },
					{ durationMs: 1000, bandwidthBps: 5500, latencyMs: 100 },
				],
			},
		]);
	});

	const good = `{"duration_ms": 1000, "bandwidth_kbps": 900, "latency_ms": 20}`;
	test.each([
		["no JSON", `[${good}`, /one\.json: cannot be read as JSON: .+/],
		["an object", `{"slots": []}`, /one\.json: is an object, but a trace is an array/],
		["no slots", "[]", /one\.json: has no slots/],
		["a slot that is none", `[${good}, 17]`, /one\.json: slot 1 of 2 is a number, but a slot is \{/],
		["a figure that is missing", `[{"duration_ms": 1000, "latency_ms": 1}]`, /slot 0 of 1: bandwidth_kbps is missing/],
		[
			"text in place of a figure",
			`[${good.replace("900", `"900"`)}]`,
			/bandwidth_kbps is a string, but must be a number/,
		],
		[
			"a negative bandwidth",
			`[${good.replace("900", "-1")}]`,
			/bandwidth_kbps is -1, but must be a number of 0 or more/,
		],
		["no time at all", `[${good.replace("1000", "0")}]`, /duration_ms is 0, but must be a number above 0/],
		["nothing but outages", `[${good.replace("900", "0")}]`, /all 1 slots have a bandwidth of 0/],
	])("with %s is refused, and the file named", (_, content, message) => {
		expect(() => loadTraces(folderWith("bus/one.json", content))).toThrow(message);
	});

	test("that is none, is empty or has a family called like a group of results is refused", () => {
		expect(() => loadTraces(join(directory, "nowhere"))).toThrow(/nowhere is no folder/);
		expect(() => loadTraces(folderWith("bus/one.txt", "[]"))).toThrow(/no \*\.json in/);
		expect(() => loadTraces(folderWith("tight/one.json", `[${good}]`))).toThrow(/family cannot be called "tight"/);
	});

	test("has two halves, told by md5 of the id", () => {
		// By `printf bus/1 | md5sum` and so on: d9…, 00…, 6b…, 06….
		const half = (id: string): string => halfOf({ id });
		expect([half("bus/1"), half("bus/2"), half("bus/3"), half("bus/4")]).toEqual(["test", "tune", "test", "tune"]);
	});
});

describe("made traces", () => {
	test("are the same for the same seed, and others for another", () => {
		expect(generateTraces(3)).toEqual(generateTraces(3));
		const [some, other] = [generateTraces(3), generateTraces(4)];
		expect(some.map(({ id }) => id)).toEqual(other.map(({ id }) => id));
		const changed = some.filter(({ slots }, index) => JSON.stringify(slots) !== JSON.stringify(other[index]!.slots));
		// All but the constant ones.
		expect(changed).toHaveLength(some.length - some.filter(({ family }) => family === "constant").length);
	});

	test("are six of each of eight families, 300 s or a little more, and never without bandwidth", () => {
		const families = Map.groupBy(generateTraces(), ({ family }) => family);
		expect([...families.keys()]).toEqual("steps cascade spikes jitter 3g lte fixed-line constant".split(" "));
		for (const trace of [...families.values()].flat()) {
			const seconds = trace.slots.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
			expect(seconds, trace.id).toBeGreaterThanOrEqual(300);
			expect(seconds, trace.id).toBeLessThan(420);
			expect(Math.min(...trace.slots.map(({ bandwidthBps }) => bandwidthBps)), trace.id).toBeGreaterThan(0);
		}
		for (const [family, traces] of families) expect(traces, family).toHaveLength(6);
	});

	// Medians of recordings cut into 300 s, with about as much room as their quartiles have.
	test.each([
		[
			"3g",
			{ variation: [0.45, 0.7], after1: [0.7, 0.92], after5: [0.42, 0.7], after20: [0.05, 0.42], low: [0.02, 0.15] },
		],
		[
			"lte",
			{ variation: [0.45, 0.7], after1: [0.65, 0.88], after5: [0.4, 0.65], after20: [0.05, 0.4], low: [0.02, 0.12] },
		],
		[
			"fixed-line",
			{ variation: [0.35, 0.8], after1: [0.9, 1], after5: [0.6, 0.9], after20: [0.2, 0.65], low: [0, 0.35] },
		],
	])("of %s vary as recorded ones do", (family, bounds) => {
		const shapes = Array.from({ length: 20 }, (_, seed) => generateTraces(seed))
			.flat()
			.filter((trace) => trace.family === family)
			.map(shapeOf);
		for (const [key, [least, most]] of Object.entries(bounds) as [keyof Shape, [number, number]][]) {
			const sorted = shapes.map((shape) => shape[key]).sort((a, b) => a - b);
			const middle = sorted[sorted.length >> 1]!;
			expect(middle, `${key} of ${family}`).toBeGreaterThanOrEqual(least);
			expect(middle, `${key} of ${family}`).toBeLessThanOrEqual(most);
		}
	});
});

interface Shape {
	/** Coefficient of variation. */
	readonly variation: number;
	/** Autocorrelation after so many seconds. */
	readonly after1: number;
	readonly after5: number;
	readonly after20: number;
	/** Share of the time below a fifth of the mean. */
	readonly low: number;
}

function shapeOf(trace: Trace): Shape {
	const seconds = trace.slots.flatMap((slot) => Array<number>(slot.durationMs / 1000).fill(slot.bandwidthBps));
	const mean = seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
	const away = seconds.map((value) => value - mean);
	const square = away.reduce((sum, value) => sum + value ** 2, 0);
	const after = (lag: number): number =>
		away.reduce((sum, value, index) => sum + value * (away[index + lag] ?? 0), 0) / square;
	return {
		variation: Math.sqrt(square / seconds.length) / mean,
		after1: after(1),
		after5: after(5),
		after20: after(20),
		low: seconds.filter((value) => value < mean / 5).length / seconds.length,
	};
}

/** A run with the figures that matter; the others are 0. */
function madeRun(contender: string, trace: number, figures: Partial<RunResult>): RunResult {
	return {
		contender,
		traceId: `family/${trace}`,
		family: "family",
		ladder: "design",
		unitMs: 1000,
		scale: "matched",
		bufferMs: 1000,
		seed: 1,
		durationMs: 180_000,
		startupMs: 0,
		stallMs: 0,
		stallCount: 0,
		stallRatio: 0,
		meanBps: 1e6,
		meanQuality: 0,
		qualityChangePerS: 0,
		switches: 0,
		switchesPerMin: 0,
		delayP50Ms: 0,
		delayP95Ms: 0,
		skippedFrames: 0,
		skippedPerMin: 0,
		u: 0,
		deliveredBytes: 0,
		...figures,
	};
}

/** Of each trace: the references, and one run for each contender with what `figures` gives. */
function madeRuns(traces: number, figures: Record<string, (trace: number) => Partial<RunResult>>): RunResult[] {
	return Array.from({ length: traces }, (_, trace) => [
		madeRun("fixed-low", trace, { stallRatio: 0.01 }),
		madeRun("oracle", trace, { meanBps: 4e6 }),
		...Object.entries(figures).map(([name, of]) => madeRun(name, trace, of(trace))),
	]).flat();
}

describe("statistics", () => {
	test("excess is above the lowest rung's stall, share is a quotient of sums", () => {
		const runs = madeRuns(6, { adaptive: (trace) => ({ stallRatio: 0.03, meanBps: trace < 3 ? 1e6 : 3e6 }) });
		const statistics = new Statistics(runs);
		expect(statistics.estimate("adaptive", "all", "excessStallRatio").value).toBeCloseTo(0.02);
		expect(statistics.estimate("adaptive", "matched", "shareOfOracle")).toMatchObject({
			value: 0.5,
			runs: 6,
			traces: 6,
		});
		expect(statistics.excessQuantile("adaptive", "family", 0.9)).toBeCloseTo(0.02);
	});

	test("the interval of a mean of normal values is the textbook's", () => {
		// 400 values, evenly spread over [0, 1): deviation 1/√12, so that the mean's is 0.0144.
		const runs = madeRuns(400, { adaptive: (trace) => ({ switchesPerMin: (trace + 0.5) / 400 }) });
		const [low, high] = new Statistics(runs).estimate("adaptive", "all", "switchesPerMin").interval!;
		expect(low).toBeCloseTo(0.5 - 1.96 * 0.01443, 2);
		expect(high).toBeCloseTo(0.5 + 1.96 * 0.01443, 2);
	});

	test("traces are drawn, not runs: ten runs on each of ten traces are ten, not a hundred", () => {
		const repeated = Array.from({ length: 10 }, (_, seed) =>
			madeRuns(10, { adaptive: (trace) => ({ switchesPerMin: trace }) }).map((run) => ({ ...run, seed })),
		).flat();
		const once = madeRuns(10, { adaptive: (trace) => ({ switchesPerMin: trace }) });
		const wide = new Statistics(once).estimate("adaptive", "all", "switchesPerMin").interval!;
		const interval = new Statistics(repeated).estimate("adaptive", "all", "switchesPerMin").interval!;
		expect(interval[0]).toBeCloseTo(wide[0]);
		expect(interval[1]).toBeCloseTo(wide[1]);
	});

	test("a difference is paired: small against what the traces differ by, and shown all the same", () => {
		const runs = madeRuns(20, {
			adaptive: (trace) => ({ stallRatio: 0.1 * trace + 0.001 * (1 + (trace % 3)) }),
			mpc: (trace) => ({ stallRatio: 0.1 * trace }),
			hls: (trace) => ({ stallRatio: 0.1 * trace + 0.001 * (trace % 5) }),
		});
		const statistics = new Statistics(runs);
		const toMpc = statistics.difference("adaptive", "mpc", "all", "excessStallRatio");
		expect(toMpc.value).toBeCloseTo(0.00195);
		expect(verdictOf(toMpc, "excessStallRatio")).toBe("worse");
		const toHls = statistics.difference("adaptive", "hls", "all", "excessStallRatio");
		expect(verdictOf(toHls, "excessStallRatio")).toBe("no difference shown");
		const fromMpc = statistics.difference("mpc", "adaptive", "all", "stallRatio");
		expect(verdictOf(fromMpc, "stallRatio")).toBe("better");
	});

	test("four traces have no interval, and nothing is claimed of them", () => {
		const statistics = new Statistics(
			madeRuns(4, { adaptive: () => ({ meanBps: 3e6 }), las: () => ({ meanBps: 1e6 }) }),
		);
		const difference = statistics.difference("adaptive", "las", "all", "meanBps");
		expect(difference.interval).toBeUndefined();
		expect(verdictOf(difference, "meanBps")).toBe("too few traces");
	});

	test("a run without its references is an error", () => {
		expect(() => new Statistics([madeRun("adaptive", 0, {})])).toThrow(/fixed-low or oracle did not/);
	});
});

describe("client-driven contenders on a constant link", () => {
	const ample: Setting = { ladder: LADDERS[0]!, unitMs: 1000, scale: "ample", bufferMs: 1000, durationMs: 60_000 };
	const matched: Setting = { ...ample, scale: "matched" };
	const contenders = [las(), hls(), bba(), mpc()];

	test.each(contenders)("$name: at twice the best rung it takes the best, without a stall", (contender) => {
		const run = contender.run(makeWorld(constant(16), ample));
		expect(run.contender).toBe(contender.name);
		expect(run.stallMs).toBe(0);
		expect(run.skippedFrames).toBe(0);
		// Of 8 Mbit/s, less a start in the lowest rung and what is still buffered at the end.
		expect(run.meanBps).toBeGreaterThan(6.5e6);
		expect(run.switchesPerMin).toBeLessThanOrEqual(3);
	});

	test.each([las(), hls(), mpc()])("$name: where the best rung just does not fit it stays below", (contender) => {
		const run = contender.run(makeWorld(constant(8), matched));
		expect(run.stallRatio).toBeLessThan(0.01);
		expect(run.meanBps).toBeGreaterThan(3e6);
		expect(run.meanBps).toBeLessThan(5.5e6);
	});

	test("a push viewer is less behind than one that waits for whole segments", () => {
		const world = makeWorld(constant(16), ample);
		const [push, segments] = [las().run(world), hls().run(world)];
		expect(push.delayP50Ms).toBeLessThan(1150);
		expect(segments.delayP50Ms).toBeGreaterThan(push.delayP50Ms + 300);
	});

	test("the same world gives the same run", () => {
		for (const contender of contenders) {
			const world = makeWorld(generateTraces()[24]!, matched);
			expect(contender.run(world)).toEqual(contender.run(world));
		}
	});
});

describe("the benchmark", () => {
	test("has every result that is promised, by its name", async () => {
		const traces = [constant(4, "one/a"), constant(4, "two/b")];
		const { settings, conditions } = planOf(traces, true, 1);
		const short = settings.map((setting) => ({ ...setting, durationMs: 5000 }));
		const runs = await simulate({ traces, settings: short, conditions, contenders: specsOf(CONTENDERS), threads: 1 });
		const results = new Map(figuresOf(new Statistics(runs)).map((result) => [result.name, result]));
		for (const policy of CONTENDERS) {
			for (const group of ["one", "two", "all", "tight", "matched", "ample"]) {
				for (const measure of Object.keys(MEASURES)) {
					const result = results.get(`${policy}.${group}.${measure}`);
					expect(result, `${policy}.${group}.${measure}`).toBeDefined();
					expect(Number.isFinite(result!.value), result!.name).toBe(true);
				}
			}
		}
		const promised = "stallRatio excessStallRatio meanBps shareOfOracle switchesPerMin delayP95Ms".split(" ");
		expect(Object.keys(MEASURES)).toEqual(expect.arrayContaining(promised));
		expect(results.get("adaptive.all.stallRatio")!.samples).toBe(2 * settings.length);
		expect(results.get("oracle.all.shareOfOracle")!.value).toBe(1);
		expect(results.get("fixed-low.all.excessStallRatio")!.value).toBe(0);
		expect(results.get("vs.mpc.all.shareOfOracle")!.vs).toContain("too few traces");
	});

	test("takes all of made traces, and the test half of recorded ones unless it is told otherwise", () => {
		expect(switchingOptions([]).half).toBe("all");
		expect(switchingOptions(["--traces", "x"]).half).toBe("test");
		expect(switchingOptions(["--traces", "x", "--half", "tune"]).half).toBe("tune");
		expect(switchingOptions(["--policies", "mpc,adaptive"]).contenders).toEqual(["adaptive", "mpc"]);
		expect(() => switchingOptions(["--policies", "adaptve"])).toThrow(/--policies names adaptve, but knows adaptive/);
		expect(() => switchingOptions(["--half", "first"])).toThrow(/--half is "first"/);
		expect(() => switchingOptions(["--seed", "1.5"])).toThrow(/--seed is "1.5"/);
	});

	test("a quick run is on few traces of every family, and on one length of units", () => {
		const { traces, settings } = planOf(generateTraces(), true, 1);
		expect(new Set(traces.map(({ family }) => family)).size).toBe(8);
		expect(traces).toHaveLength(16);
		expect(settings).toHaveLength(6);
		expect(planOf(generateTraces(), false, 1).settings).toHaveLength(12);
	});
});
