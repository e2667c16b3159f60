/**
 * What is wrong with data that came from outside (a configuration, the body of a request), told for people: which
 * value, what was found, what is allowed, and what was perhaps meant.
 */
import leven from "leven";
import * as z from "zod";
import type { ErrorCode } from "../base/errors.ts";
import { withoutSecrets } from "../ladder/source-arguments.ts";

export type Path = readonly (string | number)[];

export interface Problem {
	readonly code: Extract<ErrorCode, "CONFIG_KEY" | "CONFIG_SYNTAX" | "CONFIG_VALUE">;
	readonly path: Path;
	/** Whether the key at the path is at fault, or its value. */
	readonly at: "key" | "value";
	/** A sentence without its full stop. */
	readonly text: string;
}

const LONGEST_SHOWN = 60;

/** `channels.cam1.renditions[1].width` */
export const pathText = (path: Path): string =>
	path.reduce<string>((text, step) => {
		if (typeof step === "number") return `${text}[${step}]`;
		if (!/^[A-Za-z0-9_-]+$/.test(step)) return `${text}[${shown(step)}]`;
		return text === "" ? step : `${text}.${step}`;
	}, "");

/** A value as people may see it: short, on one line, without passwords. */
export function shown(value: unknown): string {
	if (value === null) return "empty";
	if (Array.isArray(value)) return `a list of ${value.length}`;
	if (typeof value === "object") return "a map";
	if (typeof value === "number" || typeof value === "boolean") return String(value);
	if (typeof value !== "string") return `of type ${typeof value}`;
	const text = JSON.stringify(withoutSecrets(value));
	return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** `path is … but must be …` */
export function wrongValue(path: Path, value: unknown, allowed: string): Problem {
	const subject = path.length === 0 ? "it" : pathText(path);
	const found = value === undefined ? "is missing; it" : `is ${shown(value)} but`;
	return { code: "CONFIG_VALUE", path, at: "value", text: `${subject} ${found} must be ${allowed}` };
}

/** The word that was perhaps meant. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
	const lower = word.toLowerCase();
	const ranked = known
		.map((candidate) => ({ candidate, distance: leven(lower, candidate.toLowerCase()) }))
		.sort((a, b) => a.distance - b.distance);
	const best = ranked[0];
	return best !== undefined && best.distance <= Math.min(4, Math.max(1, Math.floor(word.length / 3)))
		? best.candidate
		: undefined;
}

function unknownKey(path: Path, known: readonly string[]): Problem {
	const key = String(path.at(-1));
	const meant = suggestion(key, known);
	const where = path.length > 1 ? ` in ${pathText(path.slice(0, -1))}` : "";
	const hint = meant === undefined ? `known here: ${known.join(", ")}` : `did you mean "${meant}"?`;
	return { code: "CONFIG_KEY", path, at: "key", text: `unknown key ${shown(key)}${where}; ${hint}` };
}

/** All that a schema has against a value, in the order of the schema. */
export function problemsOf(schema: z.ZodType, value: unknown): Problem[] {
	const result = schema.safeParse(value);
	return result.success ? [] : result.error.issues.flatMap((issue) => fromIssue(schema, value, issue, []));
}

function fromIssue(schema: z.ZodType, root: unknown, issue: z.core.$ZodIssue, above: Path): Problem[] {
	const path = [...above, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
	const found = valueAt(root, path);
	switch (issue.code) {
		case "unrecognized_keys":
			return issue.keys.map((key) => unknownKey([...path, key], keysAt(schema, path)));
		case "invalid_union":
			return fromUnion(issue.errors, (one) => fromIssue(schema, root, one, path), path, found);
		case "invalid_type":
		case "invalid_value":
			return [wrongValue(path, found, kindText(issue))];
		case "too_small":
		case "too_big":
			return [wrongValue(path, found, boundText(issue))];
		default:
			return [wrongValue(path, found, issue.message)];
	}
}

const TYPES: Readonly<Record<string, string>> = {
	array: "a list",
	boolean: "true or false",
	int: "a whole number",
	null: "null",
	number: "a number",
	object: "a map of keys and values",
	record: "a map of keys and values",
	string: "text",
};

const kindText = (issue: z.core.$ZodIssueInvalidType | z.core.$ZodIssueInvalidValue): string =>
	issue.code === "invalid_type"
		? (TYPES[issue.expected] ?? `of type ${issue.expected}`)
		: issue.values.map((one) => JSON.stringify(one)).join(" or ");

function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
	const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
	switch (issue.origin) {
		case "array":
			return `a list of ${bound}`;
		case "string":
			return `text of ${bound} characters`;
		default:
			return bound;
	}
}

/** Of several forms that a value may have, what the one lacks that its writer seems to have meant. */
function fromUnion(
	branches: readonly (readonly z.core.$ZodIssue[])[],
	read: (issue: z.core.$ZodIssue) => Problem[],
	path: Path,
	found: unknown,
): Problem[] {
	const fitting = branches.filter((issues) => !issues.some((issue) => isOfOtherKind(issue)));
	if (fitting.length === 0) {
		const kinds = branches.flatMap((issues) =>
			issues.flatMap((issue) => (isOfOtherKind(issue) ? kindText(issue) : [])),
		);
		return [wrongValue(path, found, [...new Set(kinds)].join(" or "))];
	}
	const strange = fitting.map((issues) => issues.filter(({ code }) => code === "unrecognized_keys"));
	const least = Math.min(...strange.map((issues) => issues.length));
	const closest = least > 0 ? strange[0]! : fitting[strange.findIndex((issues) => issues.length === least)]!;
	return closest.flatMap(read);
}

const isOfOtherKind = (issue: z.core.$ZodIssue): issue is z.core.$ZodIssueInvalidType | z.core.$ZodIssueInvalidValue =>
	issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");

function valueAt(root: unknown, path: Path): unknown {
	let value = root;
	for (const step of path) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
		value = (value as Record<string | number, unknown>)[step];
	}
	return value;
}

/** The schemas that a path leads to, through all forms of a union. */
function schemasAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType[] {
	if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return schemasAt(schema.unwrap(), path);
	if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => schemasAt(option, path));
	const [step, ...rest] = path;
	if (step === undefined) return [schema];
	if (schema instanceof z.ZodRecord) return schemasAt(schema.valueType, rest);
	if (schema instanceof z.ZodArray) return schemasAt(schema.element, rest);
	if (!(schema instanceof z.ZodObject)) return [];
	const next: z.core.$ZodType | undefined = schema.shape[step];
	return next === undefined ? [] : schemasAt(next, rest);
}

/** The keys of the map at a path. */
const keysAt = (schema: z.core.$ZodType, path: Path): string[] =>
	schemasAt(schema, path).flatMap((one) => (one instanceof z.ZodObject ? Object.keys(one.shape) : []));

/** The paths of all values that one word can set, or a list of words; nothing inside lists and free maps. */
export function settablePaths(schema: z.core.$ZodType, above: readonly string[] = []): SettablePath[] {
	if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return settablePaths(schema.unwrap(), above);
	if (schema instanceof z.ZodObject) {
		return Object.entries(schema.shape).flatMap(([key, next]) => settablePaths(next, [...above, key]));
	}
	if (schema instanceof z.ZodRecord) return [];
	const isList = schema instanceof z.ZodArray;
	if (isList && schema.element instanceof z.ZodObject) return [];
	return [{ path: above, isList }];
}

export interface SettablePath {
	readonly path: readonly string[];
	readonly isList: boolean;
}
