/**
 * Recorded traces: a folder of JSON files, each an array of `{ duration_ms, bandwidth_kbps, latency_ms }` that is played
 * in order, and again from its start when a run is longer. A family is a sub-folder. A file that is not of this form
 * ends the run and is named: a benchmark on the rest would be on other traces than it says.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Trace, TraceSlot } from "./model.ts";

/** Policies are tuned on the one half and reported on the other; fixed by the id, so it is the same everywhere. */
export type Half = "tune" | "test";

/** Second parts of result names, beside families. */
const RESERVED = ["all", "tight", "matched", "ample"];

/** Every `*.json` under `directory`, in the order of names. */
export function loadTraces(directory: string): Trace[] {
	const root = resolve(directory);
	if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
		throw new Error(`--traces: ${directory} is no folder; give one with a sub-folder of *.json for each family.`);
	}
	const files = readdirSync(root, { recursive: true, withFileTypes: true })
		.filter((entry) => !entry.isDirectory() && entry.name.endsWith(".json"))
		.map((entry) => join(entry.parentPath, entry.name))
		.sort();
	if (files.length === 0) throw new Error(`--traces: no *.json in ${directory} or its sub-folders.`);
	return files.map((file) => ({ ...nameOf(root, file), slots: readSlots(file) }));
}

/** Even md5 of the trace's id, first byte: for tuning. */
export const halfOf = ({ id }: Pick<Trace, "id">): Half =>
	createHash("md5").update(id).digest()[0]! % 2 === 0 ? "tune" : "test";

/** By its folder below the root; a file in the root itself belongs to a family with the root's name. */
function nameOf(root: string, file: string): Pick<Trace, "id" | "family"> {
	const folder = relative(root, dirname(file)) || basename(root);
	// Names of results are dotted.
	const family = folder.replaceAll(/[.\\/]+/g, "-");
	if (RESERVED.includes(family)) {
		throw new Error(`--traces: a family cannot be called "${family}", which results of several use; rename ${folder}.`);
	}
	return { id: `${folder.split(sep).join("/")}/${basename(file, ".json")}`, family };
}

function readSlots(file: string): TraceSlot[] {
	const entries = parse(file);
	if (!Array.isArray(entries)) throw new Error(`${file}: is ${kindOf(entries)}, but a trace is an array of slots.`);
	if (entries.length === 0) throw new Error(`${file}: has no slots; a trace has at least one.`);
	const slots = entries.map((entry: unknown, index) => readSlot(entry, `${file}: slot ${index} of ${entries.length}`));
	if (!slots.some(({ bandwidthBps }) => bandwidthBps > 0)) {
		throw new Error(`${file}: all ${slots.length} slots have a bandwidth of 0, so it cannot be scaled to a ladder.`);
	}
	return slots;
}

function parse(file: string): unknown {
	try {
		return JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		throw new Error(`${file}: cannot be read as JSON: ${(error as Error).message}`, { cause: error });
	}
}

function readSlot(entry: unknown, where: string): TraceSlot {
	if (typeof entry !== "object" || entry === null) {
		throw new Error(`${where} is ${kindOf(entry)}, but a slot is { duration_ms, bandwidth_kbps, latency_ms }.`);
	}
	const figure = (key: string, positive: boolean): number => {
		const value = (entry as Record<string, unknown>)[key];
		if (typeof value === "number" && Number.isFinite(value) && (positive ? value > 0 : value >= 0)) return value;
		const found = value === undefined ? "missing" : typeof value === "number" ? String(value) : kindOf(value);
		throw new Error(`${where}: ${key} is ${found}, but must be a number ${positive ? "above 0" : "of 0 or more"}.`);
	};
	return {
		durationMs: figure("duration_ms", true),
		bandwidthBps: figure("bandwidth_kbps", false) * 1000,
		latencyMs: figure("latency_ms", false),
	};
}

function kindOf(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "an array";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
