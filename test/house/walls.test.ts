/**
 * The walls between the rooms hold: the compiler and the linter each refuse what docs/overview.md forbids, and let
 * pass what it allows. Every refusal has its control, so that a tool which checks nothing cannot pass.
 */
import { expect, test } from "vitest";
import { type Room, roomsOfCompiler, roomsOfOverview } from "./rooms.ts";
import { Scratch } from "./scratch.ts";

const rooms = roomsOfCompiler();
const byName = (a: Room, b: Room): number => (a.name < b.name ? -1 : 1);
const pairs = rooms.flatMap((from) =>
	rooms
		.filter((to) => to.name !== from.name)
		.map((to) => ({ from: from.name, to: to.name, allowed: from.mayImport.includes(to.name) })),
);
const sorted = (lines: readonly string[]): string[] => [...new Set(lines)].sort();
const forbidden = pairs.filter((pair) => !pair.allowed);
const filesOf = (some: readonly { from: string; to: string }[]): string[] =>
	sorted(some.map(({ from, to }) => `src/${from}/to-${to}.ts`));

/** Whether `to` is a reference of `from` or of one of its references: so far the compiler follows them. */
const reaches = (from: string, to: string): boolean =>
	(rooms.find(({ name }) => name === from)?.mayImport ?? []).some((next) => next === to || reaches(next, to));

/** All rooms with one file for each other room, which imports it. */
function houseWithAllImports(): Scratch {
	const configs = rooms.map(({ name }) => `src/${name}/tsconfig.json`);
	const house = new Scratch([
		"package.json",
		"tsconfig.json",
		"tsconfig.base.json",
		"biome.json",
		".gitignore",
		"src/base/globals.d.ts",
		...configs,
	]);
	for (const { name } of rooms) house.write(`src/${name}/mark.ts`, `export const mark = "${name}";\n`);
	for (const { from, to } of pairs) {
		house.write(`src/${from}/to-${to}.ts`, `import { mark } from "../${to}/mark.ts";\n\nexport const copy = mark;\n`);
	}
	return house;
}

/** Projects at the same time, on a busy machine, do now and then not find what another has (TypeScript 7.0). */
const BUILD = ["-b", "--pretty", "false", "--singleThreaded"];

test("docs/overview.md and the project references tell the same walls", () => {
	expect(roomsOfOverview().sort(byName)).toEqual(rooms.toSorted(byName));
});

test("the compiler refuses every import of a room that no chain of references leads to, and no other", () => {
	const { status, output } = houseWithAllImports().run("tsc", ...BUILD);
	const refused = [...output.matchAll(/^(\S+?)\(\d+,\d+\): error TS6307/gm)].map((match) => match[1] ?? "");
	expect(status).not.toBe(0);
	expect(sorted(refused)).toEqual(filesOf(forbidden.filter(({ from, to }) => !reaches(from, to))));
	expect(output.split("\n").filter((line) => /error TS(?!6307)/.test(line))).toEqual([]);
});

test("the linter refuses every import that crosses a wall, and no other, and names the page to read", () => {
	const { status, output } = houseWithAllImports().run("biome", "lint", "--reporter=github", "--max-diagnostics=none");
	const walls = [...output.matchAll(/noRestrictedImports,file=(\S+?),.*::(?<message>.*)$/gm)];
	const refused = walls.map((match) => (match[1] ?? "").replace(/^.*(?=src\/)/, ""));
	expect(status).not.toBe(0);
	expect(sorted(refused)).toEqual(filesOf(forbidden));
	for (const { groups } of walls) expect(groups?.["message"]).toMatch(/^[a-z]+\/ .*; see docs\/overview\.md\.$/);
});

test("the linter refuses a crossing from a folder inside a room too", () => {
	const house = houseWithAllImports();
	house.write("src/media/mpegts/deep.ts", 'export { mark } from "../../server/mark.ts";\n');
	house.write("src/media/mpegts/fine.ts", 'export { mark } from "../../base/mark.ts";\nexport * from "../mark.ts";\n');
	const { output } = house.run("biome", "lint", "--reporter=github", "src/media/mpegts");
	expect(output).toContain("deep.ts,line=1");
	expect(output).not.toContain("fine.ts");
});

/** What Node has alone, and what browsers have, too. */
const OF_NODE = [
	'import { readFileSync } from "node:fs";',
	'import { setTimeout as sleep } from "node:timers/promises";',
	"export const bytes = Buffer.from([1]);",
	"export const pid = process.pid;",
];
const IMPURITIES = [
	...OF_NODE,
	"setTimeout(() => {}, 1);",
	"setInterval(() => {}, 1);",
	"console.log(readFileSync, sleep);",
	"export const now = performance.now();",
	'export const page = fetch("/");',
];
const REFUSED: Readonly<Record<string, number>> = { pure: IMPURITIES.length, dom: OF_NODE.length, node: 0 };

test("a timer, a socket, a Buffer or the console does not type-check in a pure room, and does in the others", () => {
	const house = houseWithAllImports();
	for (const { name } of rooms) house.write(`src/${name}/impure.ts`, `${IMPURITIES.join("\n")}\n`);
	const { output } = house.run("tsc", ...BUILD);
	for (const { name, kind } of rooms) {
		const lines = [...output.matchAll(/^src\/(\w+)\/impure\.ts\((\d+),/gm)].filter((match) => match[1] === name);
		const refused = new Set(lines.map((match) => Number(match[2])));
		expect([...refused], `${name}/`).toEqual(Array.from({ length: REFUSED[kind]! }, (_, index) => index + 1));
	}
});

test("the linter refuses packages and node modules in a pure room, even for their types", () => {
	const house = houseWithAllImports();
	const source = 'import type { Logger } from "pino";\nimport { x } from "node:fs";\n\nexport type L = Logger;\nx();\n';
	for (const { name } of rooms) house.write(`src/${name}/impure.ts`, source);
	const { output } = house.run("biome", "lint", "--reporter=github", "--max-diagnostics=none");
	const lines = [...output.matchAll(/noRestrictedImports,file=\S*src\/(\w+)\/impure\.ts,line=(\d)/g)];
	const refused = lines.map((match) => `${match[1]}:${match[2]}`);
	const pure = rooms.filter(({ kind }) => kind === "pure").flatMap(({ name }) => [`${name}:1`, `${name}:2`]);
	expect(sorted(refused)).toEqual(sorted(pure));
});

test("the linter refuses a raw timer outside the two files for it, and leaves tests alone", () => {
	const house = houseWithAllImports();
	const source = "export const timer = setTimeout(() => {}, 1);\n";
	for (const file of [
		"delivery/late",
		"server/late",
		"server/node-time",
		"delivery/late.test",
		"player/browser-time",
		"player/late",
	]) {
		house.write(`src/${file}.ts`, source);
	}
	const { output } = house.run("biome", "lint", "--reporter=github", "--max-diagnostics=none");
	const files = [...output.matchAll(/noRestrictedGlobals,file=\S*(src\/\S+?),/g)].map((match) => match[1] ?? "");
	expect(sorted(files)).toEqual(["src/delivery/late.ts", "src/player/late.ts", "src/server/late.ts"]);
});

test("the type-aware linter finds a floating promise, a misused one and a switch with a hole", () => {
	const house = new Scratch([".oxlintrc.json", "package.json"]);
	house.write(
		"tsconfig.json",
		'{ "compilerOptions": { "strict": true, "module": "NodeNext" }, "include": ["*.ts"] }\n',
	);
	const faults = [
		"declare function later(): Promise<boolean>;",
		"export function float(): void { later(); }",
		'export function misuse(): string { if (later()) return "always"; return ""; }',
		'export function hole(x: "a" | "b"): void { switch (x) { case "a": float(); } }',
		"export async function wait(): Promise<void> { await 1; }",
	];
	house.write("faults.ts", `${faults.join("\n")}\n`);
	const { status, output } = house.run("oxlint", "--type-aware", "--deny-warnings");
	expect(status).not.toBe(0);
	for (const rule of ["no-floating-promises", "no-misused-promises", "switch-exhaustiveness-check", "await-thenable"]) {
		expect(output).toContain(rule);
	}
});
