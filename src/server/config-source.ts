/**
 * The YAML text of a configuration: its data, and where in the text each key and value stands.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, visit } from "yaml";
import { messageOf } from "../base/errors.ts";
import type { Path, Problem } from "./problem.ts";

/** An alias repeats what its anchor holds; a few lines of nested ones would fill the memory. */
const MAX_ALIASES = 100;

export interface ConfigSource {
	readonly data: unknown;
	readonly problems: readonly SyntaxProblem[];
	/** Of what is at the path, or of the nearest thing above it that is there. */
	positionOf(path: Path, at: "key" | "value"): Position;
}

/** From 1. */
export interface Position {
	readonly line: number;
	readonly column: number;
}

export interface SyntaxProblem extends Omit<Problem, "path" | "at"> {
	readonly position: Position;
}

export function readConfigSource(text: string): ConfigSource {
	const lines = new LineCounter();
	const document = parseDocument(text, {
		lineCounter: lines,
		prettyErrors: false,
		uniqueKeys: true,
		logLevel: "error",
	});
	const positionAt = (offset: number): Position => {
		const { line, col } = lines.linePos(offset);
		return { line: Math.max(1, line), column: Math.max(1, col) };
	};
	const problems: SyntaxProblem[] = document.errors.map((error) => ({
		code: "CONFIG_SYNTAX",
		position: positionAt(error.pos[0]),
		text: sentence(error.message),
	}));
	visit(document, {
		Pair(_, { key }) {
			if (!isScalar(key) || key.value !== "__proto__") return;
			problems.push({
				code: "CONFIG_KEY",
				position: positionAt(key.range?.[0] ?? 0),
				text: 'the key "__proto__" is not allowed',
			});
		},
	});
	let data: unknown;
	if (problems.length === 0) {
		try {
			data = document.toJS({ maxAliasCount: MAX_ALIASES });
		} catch (thrown) {
			problems.push({ code: "CONFIG_SYNTAX", position: positionAt(0), text: sentence(messageOf(thrown)) });
		}
	}
	return {
		data,
		problems,
		positionOf: (path, at) => positionAt(offsetOf(document.contents, path, at)),
	};
}

function offsetOf(contents: Node | null, path: Path, at: "key" | "value"): number {
	let node: unknown = contents;
	let offset = contents?.range?.[0] ?? 0;
	for (const [index, step] of path.entries()) {
		const pair = isMap(node) ? node.items.find(({ key }) => keyText(key) === String(step)) : undefined;
		const next: unknown = isMap(node)
			? pair?.value
			: isSeq(node) && typeof step === "number"
				? node.items[step]
				: undefined;
		if (next === undefined && pair === undefined) return offset;
		const wantsKey = index < path.length - 1 || at === "key" || startOf(next) === undefined;
		offset = (wantsKey ? startOf(pair?.key) : undefined) ?? startOf(next) ?? offset;
		node = next;
	}
	return offset;
}

const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key);

const startOf = (node: unknown): number | undefined => {
	const { range } = (node ?? {}) as { range?: Pair | readonly number[] | null };
	return Array.isArray(range) ? range[0] : undefined;
};

/** The parser's own words, on one line and without a full stop. */
const sentence = (text: string): string => text.replace(/\s+/g, " ").replace(/[.:]? *$/, "");
