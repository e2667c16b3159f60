import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../base/errors.ts";

const PAGE = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const ROWS = [...PAGE.matchAll(/^\| `(\w+)` \| (.+?) \| (.+?) \|$/gm)].map(([, code, meaning, advice]) => ({
	code: code!,
	meaning: meaning!,
	advice: advice!,
}));

test("docs/errors.md lists every code with its meaning, in the order of the alphabet, and nothing else", () => {
	expect(Object.fromEntries(ROWS.map(({ code, meaning }) => [code, meaning]))).toEqual(ERROR_CODES);
	expect(ROWS.map(({ code }) => code)).toEqual(Object.keys(ERROR_CODES));
	expect(Object.keys(ERROR_CODES)).toEqual(Object.keys(ERROR_CODES).toSorted());
});

test("docs/errors.md says what to do about each", () => {
	expect(ROWS.filter(({ advice }) => !/\w.*\.$/.test(advice))).toEqual([]);
});
