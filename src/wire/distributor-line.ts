/**
 * Lines of the distributor's protocol: one JSON object each, no key twice, not too deep (docs/wire/distributor.md,
 * "Transport"). JSON.parse lets the last of two equal keys win; here such a line is refused, as in the native reader.
 */
import { messageOf } from "../base/errors.ts";
import { Refusal } from "./distributor-refusal.ts";
import { shownValue } from "./viewer-report.ts";

/** Objects and arrays in each other. */
const MAX_DEPTH = 32;

/** @throws Refusal JSON_INVALID */
export function readLine(line: Uint8Array): Readonly<Record<string, unknown>> {
	const text = textOfLine(line);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (thrown) {
		throw new Refusal("JSON_INVALID", [], `the line is not JSON: ${messageOf(thrown).slice(0, 200)}`);
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw new Refusal("JSON_INVALID", [], `the line is ${shownValue(value)} but must be an object`);
	}
	checkNesting(text);
	return value as Readonly<Record<string, unknown>>;
}

function textOfLine(line: Uint8Array): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(line);
	} catch {
		throw new Refusal("JSON_INVALID", [], "the line is not UTF-8");
	}
}

/** A string with what tells that it is a key, or a bracket. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** @param text valid JSON */
function checkNesting(text: string): void {
	/** Keys of each open object; undefined for an open array. */
	const open: (Set<string> | undefined)[] = [];
	for (const [token, word, colon] of text.matchAll(TOKEN)) {
		if (token === "}" || token === "]") open.pop();
		else if (token === "{") open.push(new Set());
		else if (token === "[") open.push(undefined);
		else if (colon !== undefined) {
			const key: string = JSON.parse(word!);
			const keys = open.at(-1)!;
			if (keys.has(key)) throw new Refusal("JSON_INVALID", [], `the line has the key ${shownValue(key)} twice`);
			keys.add(key);
		}
		if (open.length > MAX_DEPTH) throw new Refusal("JSON_INVALID", [], `the line is deeper than ${MAX_DEPTH}`);
	}
}
