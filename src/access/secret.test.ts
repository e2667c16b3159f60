import { readdirSync, readFileSync } from "node:fs";
import { format, inspect } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf, Secret } from "./secret.ts";

const CANARY = "canary-3f9a2b7c";

test("SEC14: a secret says nothing of itself, however it is printed", () => {
	const one = new Secret(CANARY);
	const holder = { one, list: [one], map: new Map([["one", one]]) };
	const printed = [
		`${one}`,
		String(one),
		JSON.stringify(holder),
		inspect(holder, { depth: 9, showHidden: true, getters: true }),
		format("%s %o %O %j", one, one, one, one),
		JSON.stringify(Object.entries(one)),
		Object.getOwnPropertyNames(one).join(),
		inspect(new Error("x", { cause: holder }), { depth: 9 }),
	];
	for (const text of printed) expect(text).not.toContain("canary");
	expect(() => structuredClone(one)).not.toThrow();
	expect(inspect(structuredClone(one), { showHidden: true })).not.toContain("canary");
	expect(one.reveal()).toBe(CANARY);
});

test("SEC15: a secret matches itself and nothing else", () => {
	fc.assert(
		fc.property(fc.string(), fc.string(), (text, other) => {
			const one = new Secret(text);
			expect(one.matches(text)).toBe(true);
			expect(one.matches(other)).toBe(other === text);
		}),
	);
});

test("a digest tells where one text ends and the next begins", () => {
	expect(digestOf("ab", "c")).not.toEqual(digestOf("a", "bc"));
	expect(digestOf("ab", "c")).toEqual(digestOf("ab", "c"));
	expect(digestOf("")).not.toEqual(digestOf());
});

// A comparison that stops at the first difference tells how far somebody has guessed.
const UNEVEN =
	/reveal\(\)\s*[!=]=|[!=]==?\s*[\w.!?]*reveal\(\)|(?:expected|signature|digest)\b(?:\.equals\(|\s*[!=]==)/i;

test("SEC15: nothing in the sources compares a secret or a signature with ===", () => {
	const folder = new URL("./", import.meta.url);
	const sources = readdirSync(folder).filter((file) => /(?<!\.test)\.ts$/.test(file));
	expect(sources.length).toBeGreaterThan(20);
	const lines = sources.flatMap((file) =>
		readFileSync(new URL(file, folder), "utf8")
			.split("\n")
			.filter((line) => UNEVEN.test(line))
			.map((line) => `${file}: ${line.trim()}`),
	);
	expect(lines).toEqual([]);
	expect(UNEVEN.test("if (key.reveal() === token) return;")).toBe(true);
	expect(UNEVEN.test("return given.sign === expected.sign || signature === given;")).toBe(true);
});
