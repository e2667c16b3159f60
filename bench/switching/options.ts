/** The command line of `npm run bench:switching`. */
import { parseArgs } from "node:util";
import type { Result } from "../kit/report.ts";
import { CONTENDERS, type ContenderName } from "./field.ts";
import type { Half } from "./traces.ts";

export interface SwitchingOptions {
	/** Ends within 60 s. */
	readonly quick: boolean;
	readonly jsonFile: string | undefined;
	/** Undefined: the generator's. */
	readonly tracesDirectory: string | undefined;
	readonly half: Half | "all";
	readonly plotsDirectory: string | undefined;
	/** Beside `fixed-low` and `oracle`, to which everything is relative. */
	readonly contenders: readonly ContenderName[];
	readonly seed: number;
	/** On real links, in place of simulated ones. */
	readonly real: boolean;
}

/** What `bench/switching-real.ts` exports. */
export interface RealPart {
	runReal(options: SwitchingOptions): Promise<readonly Result[]>;
}

const HALVES = ["tune", "test", "all"] as const;

export function switchingOptions(args: readonly string[] = process.argv.slice(2)): SwitchingOptions {
	const { values } = parseArgs({
		args: [...args],
		options: {
			quick: { type: "boolean", default: false },
			json: { type: "string" },
			traces: { type: "string" },
			half: { type: "string" },
			plots: { type: "string" },
			policies: { type: "string" },
			seed: { type: "string", default: "1" },
			real: { type: "boolean", default: false },
		},
	});
	// Recorded traces have tuned the policies; on the others there was nothing to tune.
	const half = HALVES.find((one) => one === (values.half ?? (values.traces === undefined ? "all" : "test")));
	if (half === undefined) throw new Error(`--half is "${values.half}", but must be one of ${HALVES.join(", ")}.`);
	const seed = Number(values.seed);
	if (!Number.isInteger(seed)) throw new Error(`--seed is "${values.seed}", but must be a whole number.`);
	return {
		quick: values.quick,
		jsonFile: values.json,
		tracesDirectory: values.traces,
		half,
		plotsDirectory: values.plots,
		contenders: chosenContenders(values.policies),
		seed,
		real: values.real,
	};
}

function chosenContenders(text: string | undefined): ContenderName[] {
	if (text === undefined) return [...CONTENDERS];
	const chosen = text.split(",").map((part) => part.trim());
	const unknown = chosen.filter((part) => !CONTENDERS.some((name) => name === part));
	if (unknown.length > 0) {
		throw new Error(`--policies names ${unknown.join(", ")}, but knows ${CONTENDERS.join(", ")}.`);
	}
	return CONTENDERS.filter((name) => chosen.includes(name));
}
