/**
 * The environment over the file: `PENSTOCK_HTTP_MAX_HEADER_BYTES=16384` is `http.maxHeaderBytes: 16384`. Lists are
 * separated by commas. Channels, and lists of maps, stand in the file only.
 */

import { configSchema } from "./config-schema.ts";
import { type SettablePath, settablePaths, shown, suggestion } from "./problem.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "PENSTOCK_";
/** Read elsewhere: the command line shows stacks with the one, and the other is where the native distributor is. */
const OTHERS = ["PENSTOCK_DEBUG", "PENSTOCK_DISTRIBUTOR_PATH"];

export interface EnvironmentOverlay {
	readonly data: unknown;
	/** The variable that set the value at a path, by the path's parts joined with dots. */
	readonly variables: ReadonlyMap<string, string>;
	/** Names of variables that set nothing, as sentences. */
	readonly unknown: readonly string[];
}

/** `http.maxHeaderBytes` → `PENSTOCK_HTTP_MAX_HEADER_BYTES` */
const variableName = (path: readonly string[]): string =>
	PREFIX + path.map((key) => key.replace(/[A-Z]/g, "_$&").toUpperCase()).join("_");

const SETTABLE: ReadonlyMap<string, SettablePath> = new Map(
	settablePaths(configSchema).map((settable) => [variableName(settable.path), settable]),
);

/** @param data of the file; not changed */
export function overlayEnvironment(data: unknown, environment: Environment): EnvironmentOverlay {
	const result: unknown = structuredClone(data ?? {});
	const variables = new Map<string, string>();
	const unknown: string[] = [];
	for (const [name, value] of Object.entries(environment)) {
		if (!name.startsWith(PREFIX) || value === undefined || OTHERS.includes(name)) continue;
		const settable = SETTABLE.get(name);
		if (settable === undefined) {
			const meant = suggestion(name, [...SETTABLE.keys(), ...OTHERS]);
			const hint = meant === undefined ? "channels stand in the file only" : `did you mean ${meant}?`;
			unknown.push(`environment: unknown variable ${shown(name)}; ${hint}`);
			continue;
		}
		const words = value.split(",").map((word) => word.trim());
		if (setAt(result, settable.path, settable.isList ? words.filter((word) => word !== "") : value)) {
			variables.set(settable.path.join("."), name);
		}
	}
	return { data: result, variables, unknown };
}

/** False where the file has something else than a map above; the schema tells that. */
function setAt(root: unknown, path: readonly string[], value: unknown): boolean {
	let map = root;
	for (const [index, key] of path.entries()) {
		if (typeof map !== "object" || map === null || Array.isArray(map)) return false;
		const entries = map as Record<string, unknown>;
		if (index === path.length - 1) entries[key] = value;
		else entries[key] ??= {};
		map = entries[key];
	}
	return true;
}
