/**
 * Refusals of the distributor's protocol, and the reader of objects from outside that makes them: which keys, in which
 * order they are judged (docs/wire/distributor.md, "Refusals").
 */
import { shownValue } from "./viewer-report.ts";

export const REFUSAL_CODES = [
	"LINE_TOO_LONG",
	"JSON_INVALID",
	"ID_INVALID",
	"VERB_UNKNOWN",
	"HELLO_FIRST",
	"BATCH_VERB",
	"KEY_UNKNOWN",
	"KEY_MISSING",
	"VALUE_INVALID",
	"PROTOCOL_UNSUPPORTED",
	"DRAINING",
	"UNSUPPORTED",
	"RULE_UNKNOWN",
	"RULE_OLD",
	"RULE_CONFLICT",
	"RULES_LIMIT",
	"RECEIVERS_LIMIT",
	"CAPTURE_BUSY",
	"CAPTURE_FAILED",
	"ANSWER_TOO_LARGE",
	"ENGINE_FAILED",
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** From the outermost object to the value that is meant. */
export type Path = readonly (string | number)[];

/** A request that changes nothing. Thrown inside the readers; what reads a line answers with it. */
export class Refusal extends Error {
	readonly code: RefusalCode;
	/** Where in the request; empty where the whole is meant. */
	readonly path: Path;

	/** @param detail the end of a sentence that begins with the path */
	constructor(code: RefusalCode, path: Path, detail: string) {
		super(path.length === 0 ? detail : `${pathText(path)} ${detail}`);
		this.name = "Refusal";
		this.code = code;
		this.path = path;
	}
}

/** `rule.receivers[2].ttl` */
const pathText = (path: Path): string =>
	path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");

/** Reads one value. @throws Refusal */
export type Reader<Value> = (value: unknown, path: Path) => Value;

export interface Key<Value> {
	readonly read: Reader<Value>;
	readonly optional?: true;
}

type OptionalKey<Value> = Key<Value> & { readonly optional: true };

export const needed = <Value>(read: Reader<Value>): Key<Value> => ({ read });
export const optional = <Value>(read: Reader<Value>): OptionalKey<Value> => ({ read, optional: true });

type OptionalName<Keys> = { [K in keyof Keys]: Keys[K] extends { readonly optional: true } ? K : never }[keyof Keys];
type ValueOf<One> = One extends Key<infer Value> ? Value : never;
type Values<Keys> = {
	readonly [K in Exclude<keyof Keys, OptionalName<Keys>>]: ValueOf<Keys[K]>;
} & { readonly [K in OptionalName<Keys>]?: ValueOf<Keys[K]> };

/** An object of these keys and no others; an optional key that is not there is left out. */
export function objectOf<Keys extends Readonly<Record<string, Key<unknown>>>>(keys: Keys): Reader<Values<Keys>> {
	const names = Object.keys(keys);
	return (value, path) => {
		if (typeof value !== "object" || value === null || Array.isArray(value)) {
			throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be an object`);
		}
		for (const name of Object.keys(value)) {
			if (!Object.hasOwn(keys, name)) {
				const known = names.length === 0 ? "there is no further key" : `known are ${names.join(", ")}`;
				throw new Refusal("KEY_UNKNOWN", [...path, name], `is an unknown key; ${known}`);
			}
		}
		const fields = value as Readonly<Record<string, unknown>>;
		for (const name of names) {
			if (!Object.hasOwn(value, name) && keys[name]!.optional !== true) {
				throw new Refusal("KEY_MISSING", [...path, name], "is missing");
			}
		}
		const read: Record<string, unknown> = {};
		for (const name of names) {
			if (Object.hasOwn(value, name)) read[name] = keys[name]!.read(fields[name], [...path, name]);
		}
		return read as Values<Keys>;
	};
}

export const wholeNumber =
	(min: number, max: number): Reader<number> =>
	(value, path) => {
		if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
		throw new Refusal(
			"VALUE_INVALID",
			path,
			`is ${shownValue(value)} but must be a whole number from ${min} to ${max}`,
		);
	};

export const flag: Reader<boolean> = (value, path) => {
	if (typeof value === "boolean") return value;
	throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be true or false`);
};

export const oneOf =
	<Word extends string>(words: readonly Word[]): Reader<Word> =>
	(value, path) => {
		const found = words.find((word) => word === value);
		if (found !== undefined) return found;
		throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be one of ${words.join(", ")}`);
	};

/** Text that `fits`; `what` says what it must be. */
export const textOf =
	<Text extends string>(what: string, fits: (text: string) => boolean): Reader<Text> =>
	(value, path) => {
		if (typeof value === "string" && fits(value)) return value as Text;
		throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be ${what}`);
	};

export const listOf =
	<Value>(read: Reader<Value>, min: number, max: number): Reader<readonly Value[]> =>
	(value, path) => {
		if (!Array.isArray(value)) {
			throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be an array`);
		}
		if (value.length < min || value.length > max) {
			const bounds = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
			throw new Refusal("VALUE_INVALID", path, `has ${value.length} entries but must have ${bounds}`);
		}
		return value.map((entry, index) => read(entry, [...path, index]));
	};
