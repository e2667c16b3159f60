/**
 * The form of every benchmark's result: a table for people, JSON for machines, and the machine it ran on.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";

export interface Result {
	/** Dotted, stable, ends with the unit: `ts.p50Ms`. */
	readonly name: string;
	readonly value: number;
	readonly unit: string;
	/** Single measurements behind `value`. */
	readonly samples: number;
	/** What `ratio` compares with, and which direction is better. */
	readonly vs?: string;
	/** Ours to theirs. */
	readonly ratio?: number;
	/** 95 % interval of `value`. */
	readonly low?: number;
	readonly high?: number;
}

/** By their extensions. */
export const PACKAGINGS = ["ts", "flv", "mp4", "rtp"] as const;
export type PackagingName = (typeof PACKAGINGS)[number];

export interface BenchOptions {
	/** Ends within 60 s. */
	readonly quick: boolean;
	readonly jsonFile: string | undefined;
	/** Which to measure: all where none is named. */
	readonly packagings: readonly PackagingName[];
}

export function benchOptions(): BenchOptions {
	const { values } = parseArgs({
		options: {
			quick: { type: "boolean", default: false },
			json: { type: "string" },
			packaging: { type: "string", multiple: true, default: [...PACKAGINGS] },
		},
	});
	const packagings = PACKAGINGS.filter((packaging) => values.packaging.includes(packaging));
	if (packagings.length < values.packaging.length) throw new Error(`--packaging is one of ${PACKAGINGS.join(", ")}.`);
	return { quick: values.quick, jsonFile: values.json, packagings };
}

/** Of what a program prints; "unknown" where it is not there. */
function firstLine(command: string, args: string[]): string {
	try {
		return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0]!;
	} catch {
		return "unknown";
	}
}

/** @param show prints the results for people */
export function report(
	bench: string,
	results: readonly Result[],
	options: Pick<BenchOptions, "jsonFile">,
	show: (results: readonly Result[]) => void = showTable,
): void {
	const machine = {
		cpu: cpus()[0]?.model ?? "unknown",
		cores: cpus().length,
		kernel: release(),
		node: process.version,
		ffmpeg: firstLine("ffmpeg", ["-version"]).split(" ")[2] ?? "unknown",
	};
	const commit = firstLine("git", ["describe", "--always", "--dirty"]);
	console.log(
		`${bench} at ${commit}: ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, FFmpeg ${machine.ffmpeg}`,
	);
	show(results);
	if (options.jsonFile !== undefined) {
		writeFileSync(options.jsonFile, `${JSON.stringify({ bench, machine, commit, results }, null, "\t")}\n`);
	}
}

function showTable(results: readonly Result[]): void {
	console.table(
		Object.fromEntries(
			results.map(({ name, value, unit, samples, vs, ratio }) => [
				name,
				{
					value: Number(value.toPrecision(4)),
					unit,
					samples,
					...(vs && ratio ? { ratio: Number(ratio.toPrecision(3)), vs } : {}),
				},
			]),
		),
	);
}

/** @param share 0.5 for the median; of `values`, which are sorted in place */
export function quantile(values: number[], share: number): number {
	values.sort((a, b) => a - b);
	return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile([...values], 0.5);
