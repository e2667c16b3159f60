/**
 * Rules in a file, YAML or JSON: `rules:` with a list, endpoints as text or as objects. What is wrong is told with line
 * and column.
 */
import { open, readFile, rename, rm } from "node:fs/promises";
import { isMap, isNode, LineCounter, type Node, parseDocument } from "yaml";
import { messageOf, PenstockError } from "../base/errors.ts";
import { type Path, Refusal } from "../wire/distributor-refusal.ts";
import { type RuleDraft, readRuleDraft } from "../wire/distributor-rule.ts";
import { spelledOutRule } from "./rule-text.ts";

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** @throws PenstockError RULES_FILE */
export async function loadRules(file: string): Promise<readonly RuleDraft[]> {
	let text: string;
	try {
		text = await readFile(file, "utf8");
	} catch (thrown) {
		throw new PenstockError("RULES_FILE", `${file} cannot be read: ${messageOf(thrown)}.`, { cause: thrown });
	}
	return parseRules(text, file);
}

/**
 * @param file for messages
 * @throws PenstockError RULES_FILE
 */
export function parseRules(text: string, file: string): readonly RuleDraft[] {
	const at = (line: number, column: number, what: string): PenstockError =>
		new PenstockError("RULES_FILE", `${file}:${line}:${column}: ${what}.`);
	if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw at(1, 1, `the file has more than ${MAX_FILE_BYTES} bytes`);
	const lineCounter = new LineCounter();
	const document = parseDocument(text, { lineCounter, prettyErrors: false });
	const [fault] = document.errors;
	if (fault !== undefined) {
		const { line, col } = lineCounter.linePos(fault.pos[0]);
		throw at(line, col, fault.message);
	}
	if (!isMap(document.contents)) throw at(1, 1, "the file must be a map with the key rules");
	try {
		return draftsOf(document.toJS({ maxAliasCount: 100 }));
	} catch (thrown) {
		if (!(thrown instanceof Refusal)) throw at(1, 1, messageOf(thrown));
		const { line, col } = lineCounter.linePos(startOf(document.contents, thrown.path));
		throw at(line, col, thrown.message);
	}
}

/** Written whole or not at all, so that a power cut leaves the old one. @throws PenstockError RULES_FILE */
export async function saveRules(file: string, rules: readonly RuleDraft[]): Promise<void> {
	const text = `${JSON.stringify({ rules: rules.map(withoutGeneration) }, undefined, "\t")}\n`;
	const beside = `${file}.new`;
	try {
		const handle = await open(beside, "w", 0o600);
		try {
			await handle.writeFile(text);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(beside, file);
	} catch (thrown) {
		await rm(beside, { force: true }).catch(() => undefined);
		throw new PenstockError("RULES_FILE", `${file} cannot be written: ${messageOf(thrown)}.`, { cause: thrown });
	}
}

const withoutGeneration = ({ name, match, media, permanent, receivers }: RuleDraft): RuleDraft => ({
	...{ name, match, media, permanent, receivers },
});

/** @throws Refusal */
function draftsOf(value: unknown): readonly RuleDraft[] {
	const { rules, ...others } = value as Readonly<Record<string, unknown>>;
	const [other] = Object.keys(others);
	if (other !== undefined) throw new Refusal("KEY_UNKNOWN", [other], "is an unknown key; known is rules");
	if (rules === undefined || rules === null) return [];
	if (!Array.isArray(rules)) throw new Refusal("VALUE_INVALID", ["rules"], "must be a list");
	const drafts = rules.map((rule, index) => readRuleDraft(spelledOutRule(rule, ["rules", index]), ["rules", index]));
	for (const [index, { name }] of drafts.entries()) {
		const first = drafts.findIndex((draft) => draft.name === name);
		if (first !== index) throw new Refusal("VALUE_INVALID", ["rules", index, "name"], `is ${name} a second time`);
	}
	return drafts;
}

/** Where in the text the value of a path begins; where it has no place of its own, what is around it. */
function startOf(contents: Node, path: Path): number {
	for (let length = path.length; length > 0; length--) {
		const found = isMap(contents) ? contents.getIn(path.slice(0, length), true) : undefined;
		if (isNode(found) && found.range) return found.range[0];
	}
	return contents.range?.[0] ?? 0;
}
