/** What the files of the project must not hold. Reads the tree as it lies, with what is not committed yet. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOT } from "./rooms.ts";

/** What builds and tools make: no part of the project, as .gitignore has it. */
const MADE = new Set([".git", "node_modules", "dist", "out", "coverage"]);
const MADE_BY_MESON = /^native\/distributor\/build/;

function filesUnder(folder: string): string[] {
	return readdirSync(`${ROOT}${folder}`, { withFileTypes: true }).flatMap((entry) => {
		const path = `${folder}${entry.name}`;
		if (MADE.has(entry.name) || MADE_BY_MESON.test(path)) return [];
		if (entry.isDirectory()) return filesUnder(`${path}/`);
		return entry.isFile() ? [path] : [];
	});
}

/** Lines of `files` that match, as `file:line: text`. */
function linesMatching(files: readonly string[], pattern: RegExp): string[] {
	return files.flatMap((file) =>
		readFileSync(`${ROOT}${file}`, "latin1")
			.split("\n")
			.flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
	);
}

const files = filesUnder("");

test("the walk sees the sources, the lock file and hidden files", () => {
	expect(files).toEqual(expect.arrayContaining(["src/base/clock.ts", "package-lock.json", ".ci/run", ".gitignore"]));
});

// Written in pieces, so that this file does not find itself.
const BOUND_TO_ONE_MACHINE = [
	["the npm registry's host", ["registry", "npmjs"].join("\\.")],
	["Debian's archive's host", ["deb", "debian"].join("\\.")],
	["an absolute path of a checkout", ["(?<![\\w.-])", "work", ""].join("/")],
	["a folder beside the checkout", ["\\.\\.", "shared"].join("/")],
] as const;

test.for(BOUND_TO_ONE_MACHINE)("no file names %s", ([, pattern]) => {
	expect(linesMatching(files, new RegExp(pattern, "i"))).toEqual([]);
});

// In pieces, too.
const KEY_MATERIAL = [
	["BEGIN ((RSA|EC|DSA|OPENSSH|ENCRYPTED) )?PRIVATE", "KEY"].join(" "),
	["AKIA", "[0-9A-Z]{16}"].join(""),
];

test.for(KEY_MATERIAL)("SEC6: no file holds a secret: %s", (pattern) => {
	expect(linesMatching(files, new RegExp(pattern))).toEqual([]);
});

test("package-lock.json has the packages of every platform, so that npm ci takes it", () => {
	const options = { cwd: ROOT, encoding: "utf8" } as const;
	const { status, stderr } = spawnSync(process.execPath, ["scripts/complete-lock.ts", "--check"], options);
	expect(stderr).toBe("");
	expect(status).toBe(0);
});

// A method of that name (`socket.setTimeout`) and a mention in a comment are no timer of ours.
const RAW_TIMER = /^(?!\s*(\*|\/\/|\/\*))(.*globalThis\.|.*[^.\w]|)set(Timeout|Interval)\b|["']node:timers/;

const TIME = ["src/server/node-time.ts", "src/player/browser-time.ts"];

test("only the two files for it set an engine's timer", () => {
	const sources = files.filter((file) => /^src\/.*(?<!\.test|\.d)\.ts$/.test(file) && !TIME.includes(file));
	expect(sources.length).toBeGreaterThan(0);
	expect(linesMatching(sources, RAW_TIMER)).toEqual([]);
});

test.for([
	["\tsetTimeout(stop, 1);", true],
	["const arm = globalThis.setInterval;", true],
	['import { setTimeout } from "node:timers/promises";', true],
	["\tsocket.setTimeout(5000);", false],
	["\t * never setTimeout itself", false],
	["const resetTimeout = 1;", false],
] as const)("%j sets a raw timer: %s", ([line, expected]) => expect(RAW_TIMER.test(line)).toBe(expected));
