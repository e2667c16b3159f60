/** The rooms of `src/` as the table in docs/overview.md and their tsconfig.json files have them. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Room {
	readonly name: string;
	/** "pure": no node types, no packages; time, input and output are injected. "dom": a browser's types alone. */
	readonly kind: string;
	readonly mayImport: readonly string[];
}

/** The table's rows: `| channel | pure | base media | … |`, room names as code. */
export function roomsOfOverview(): Room[] {
	const rows = readFileSync(`${ROOT}docs/overview.md`, "utf8").matchAll(
		/^\| `(?<name>[a-z]+)\/` \| (?<kind>\w+) \| (?<may>[^|]*) \|/gm,
	);
	return [...rows].map(({ groups = {} }) => ({
		name: groups["name"] ?? "",
		kind: groups["kind"] ?? "",
		mayImport: groups["may"] === "nothing" ? [] : (groups["may"] ?? "").split(" "),
	}));
}

/** What the compiler is told, in the order of the directory. */
export function roomsOfCompiler(): Room[] {
	const names = readdirSync(`${ROOT}src`);
	return names.map((name) => {
		const config = JSON.parse(readFileSync(`${ROOT}src/${name}/tsconfig.json`, "utf8"));
		const references: { path: string }[] = config.references;
		const { types, lib = [] }: { types: string[]; lib?: string[] } = config.compilerOptions;
		return {
			name,
			kind: types.includes("node") ? "node" : lib.includes("DOM") ? "dom" : "pure",
			mayImport: references.map(({ path }) => path.replace("../", "")),
		};
	});
}
