import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const name = fc.string().filter((text) => text !== "__proto__");
const value = fc.letrec((tie) => ({
	value: fc.oneof(
		{ depthSize: "small", maxDepth: 5 },
		fc.constantFrom(null, true, 0, -1.5e300),
		fc.string(),
		fc.array(tie("value"), { maxLength: 4 }),
		fc.dictionary(name, tie("value"), { maxKeys: 4 }),
	),
})).value;

test("what JSON.stringify writes is read as JSON.parse reads it", () => {
	fc.assert(
		fc.property(value, fc.constantFrom(undefined, 1, "\t"), (one, indent) => {
			const text = JSON.stringify(one, null, indent);
			expect(parseStrictJson(text)).toEqual({ kind: "parsed", value: JSON.parse(text) });
		}),
	);
});

const escaped = (text: string): string =>
	`"${text
		.split("")
		.map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
		.join("")}"`;

test("SEC5: a name that stands twice is found, in every spelling of it and at every depth", () => {
	fc.assert(
		fc.property(
			fc.string({ minLength: 1, unit: "binary-ascii" }),
			value,
			fc.nat(3),
			fc.boolean(),
			(twice, one, depth, isEscaped) => {
				fc.pre(twice !== "__proto__");
				const again = isEscaped ? escaped(twice) : JSON.stringify(twice);
				const object = `{${JSON.stringify(twice)}:1,${again}:${JSON.stringify(one)}}`;
				const text = `${'{"a":['.repeat(depth)}${object}${"]}".repeat(depth)}`;
				expect(parseStrictJson(text).kind).toBe("malformed");
			},
		),
	);
});

test.for([
	['{"a":{"b":1},"c":{"b":2}}', "parsed"],
	['[{"a":1},{"a":2}]', "parsed"],
	['{"a":"\\"a\\":1,\\"a\\":2"}', "parsed"],
	['{"a":["a","a"]}', "parsed"],
	['{"__proto__":{"admin":true}}', "malformed"],
	['{"a":1,"a":2}', "malformed"],
	['{"a":1,"\\u0061":2}', "malformed"],
	["{'a':1}", "malformed"],
	["", "malformed"],
	["NaN", "malformed"],
	["[".repeat(9) + "]".repeat(9), "malformed"],
	["[".repeat(100_000), "malformed"],
	[`[${Array(600).fill(0).join()}]`, "malformed"],
] as const)("%s is %s", ([text, kind]) => expect(parseStrictJson(text).kind).toBe(kind));

test("whatever comes, nothing is thrown", () => {
	fc.assert(
		fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u01a e-'.split("")) }), (text) => {
			parseStrictJson(text);
		}),
		{ numRuns: 5000 },
	);
});
