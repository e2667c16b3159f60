/**
 * AMF0, as far as script tags of FLV and the commands of RTMP need it (Action Message Format 0, clause 2; FLV 10.1, annex
 * E.4.4): values one behind the other; in FLV, a call of a name with one argument. What is read is bounded in size, depth
 * and number of values, whatever the bytes say.
 */

export type AmfValue = number | boolean | string | null | readonly AmfValue[] | ReadonlyMap<string, AmfValue>;

/** A script tag's body. */
export interface ScriptCall {
	readonly name: string;
	/** Null where there is none. */
	readonly argument: AmfValue;
}

/** Properties, in the order in which they are written; those that are undefined are left out. */
export type Properties = Readonly<Record<string, string | number | boolean | undefined>>;

/** Larger bodies are not read. */
export const MOST_SCRIPT_BYTES = 65_536;

/** What is read at the most; values count wherever they stand. */
export interface AmfLimits {
	readonly depth: number;
	readonly values: number;
}

const SCRIPT_LIMITS: AmfLimits = { depth: 8, values: 1024 };

const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const ECMA_ARRAY = 8;
const OBJECT_END = 9;
const STRICT_ARRAY = 10;
const DATE = 11;
const LONG_STRING = 12;

/**
 * Builds a script tag's body.
 * @param form an ECMA array is what `onMetaData` must have; an object says how many properties it has by its end alone
 */
export function scriptCall(name: string, properties: Properties, form: "object" | "ecma-array"): Uint8Array {
	const entries = Object.entries(properties).filter(([, value]) => value !== undefined);
	const count = form === "object" ? [OBJECT] : [ECMA_ARRAY, ...uint32(entries.length)];
	const body = entries.flatMap(([key, value]) => [...text(key), ...scalar(value!)]);
	return Uint8Array.from([STRING, ...text(name), ...count, ...body, 0, 0, OBJECT_END]);
}

/** Values, one behind the other; a Map becomes an object. */
export const writeValues = (values: readonly AmfValue[]): Uint8Array => Uint8Array.from(values.flatMap(anyValue));

function anyValue(value: AmfValue): number[] {
	if (value === null) return [NULL];
	if (typeof value !== "object") return scalar(value);
	if (value instanceof Map) {
		const properties = value as ReadonlyMap<string, AmfValue>;
		const body = [...properties].flatMap(([key, one]) => [...text(key), ...anyValue(one)]);
		return [OBJECT, ...body, 0, 0, OBJECT_END];
	}
	const list = value as readonly AmfValue[];
	return [STRICT_ARRAY, ...uint32(list.length), ...list.flatMap(anyValue)];
}

function scalar(value: string | number | boolean): number[] {
	if (typeof value === "string") return [STRING, ...text(value)];
	if (typeof value === "boolean") return [BOOLEAN, value ? 1 : 0];
	const number = new Uint8Array(8);
	new DataView(number.buffer).setFloat64(0, value);
	return [NUMBER, ...number];
}

/** UTF-8 behind its length in 16 bits: ours are short. */
function text(value: string): number[] {
	const bytes = new TextEncoder().encode(value).subarray(0, 0xffff);
	return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
}

const uint32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** Reads a script tag's body; undefined where it is broken, too large, or has types that FLV does not. */
export function parseScript(body: Uint8Array): ScriptCall | undefined {
	if (body.length > MOST_SCRIPT_BYTES) return undefined;
	const reader = new AmfReader(body, SCRIPT_LIMITS);
	const name = reader.value(0);
	const argument = reader.atEnd ? null : reader.value(0);
	return reader.isBroken || typeof name !== "string" ? undefined : { name, argument };
}

/** Reads values to the last byte; undefined where they are broken or go beyond the limits. */
export function readValues(bytes: Uint8Array, limits: AmfLimits): AmfValue[] | undefined {
	const reader = new AmfReader(bytes, limits);
	const values: AmfValue[] = [];
	while (!reader.atEnd && !reader.isBroken) values.push(reader.value(0));
	return reader.isBroken ? undefined : values;
}

class AmfReader {
	readonly #limits: AmfLimits;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	#at = 0;
	#values = 0;
	#broken = false;

	constructor(bytes: Uint8Array, limits: AmfLimits) {
		this.#limits = limits;
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/** A value ran past the end or past a limit; nothing that was read counts. */
	get isBroken(): boolean {
		return this.#broken;
	}

	get atEnd(): boolean {
		return this.#at >= this.#bytes.length;
	}

	value(depth: number): AmfValue {
		const type = this.#uint(1);
		if (++this.#values > this.#limits.values || depth > this.#limits.depth) return this.#break();
		switch (type) {
			case NUMBER:
				return this.#double();
			case BOOLEAN:
				return this.#uint(1) !== 0;
			case STRING:
				return this.#text(2);
			case LONG_STRING:
				return this.#text(4);
			case OBJECT:
				return this.#properties(depth);
			case ECMA_ARRAY:
				this.#uint(4); // an approximation of how many there are
				return this.#properties(depth);
			case STRICT_ARRAY:
				return this.#array(depth);
			case DATE: {
				const time = this.#double();
				this.#uint(2); // time zone, reserved
				return time;
			}
			case NULL:
			case UNDEFINED:
				return null;
			default:
				return this.#break();
		}
	}

	#properties(depth: number): AmfValue {
		const properties = new Map<string, AmfValue>();
		while (!this.#broken) {
			const key = this.#text(2);
			if (key === "" && this.#bytes[this.#at] === OBJECT_END) {
				this.#at++;
				break;
			}
			properties.set(key, this.value(depth + 1));
		}
		return properties;
	}

	#array(depth: number): AmfValue {
		const values: AmfValue[] = [];
		for (let left = this.#uint(4); left > 0 && !this.#broken; left--) values.push(this.value(depth + 1));
		return values;
	}

	#double(): number {
		const at = this.#take(8);
		return this.#broken ? 0 : this.#view.getFloat64(at);
	}

	#text(lengthBytes: number): string {
		const length = this.#uint(lengthBytes);
		const at = this.#take(length);
		return this.#broken ? "" : new TextDecoder().decode(this.#bytes.subarray(at, at + length));
	}

	#uint(byteLength: number): number {
		const at = this.#take(byteLength);
		let value = 0;
		for (let i = 0; i < byteLength; i++) value = value * 256 + (this.#bytes[at + i] ?? 0);
		return value;
	}

	/** @returns where the bytes are that are taken */
	#take(byteLength: number): number {
		const at = this.#at;
		if (byteLength > this.#bytes.length - at) this.#break();
		else this.#at += byteLength;
		return at;
	}

	#break(): null {
		this.#broken = true;
		return null;
	}
}
