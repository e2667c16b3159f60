import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MOST_SCRIPT_BYTES, parseScript, scriptCall } from "./amf0.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
/** "f" as the name of a call. */
const NAME = "02 0001 66";

describe("script tags", () => {
	it("are written as the tables of AMF0 say", () => {
		expect(Buffer.from(scriptCall("f", { a: 1, b: undefined, c: "é", d: true }, "object")).toString("hex")).toBe(
			`${NAME} 03 000161 003ff0000000000000 000163 020002c3a9 000164 0101 000009`.replaceAll(" ", ""),
		);
		expect(Buffer.from(scriptCall("f", { a: false }, "ecma-array")).toString("hex")).toBe(
			`${NAME} 08 00000001 000161 0100 000009`.replaceAll(" ", ""),
		);
	});

	it("are read back as they were written", () => {
		const value = fc.oneof(fc.string({ unit: "grapheme" }), fc.boolean(), fc.double({ noNaN: true }));
		fc.assert(
			fc.property(fc.dictionary(fc.string({ unit: "grapheme", minLength: 1 }), value), (properties) => {
				for (const form of ["object", "ecma-array"] as const) {
					const { name, argument } = parseScript(scriptCall("onRendition", properties, form))!;
					expect(name).toBe("onRendition");
					expect([...(argument as Map<string, unknown>)]).toEqual(Object.entries(properties));
				}
			}),
		);
	});

	it("of others are read with every type that FLV has", () => {
		const array = "0a 00000002 05 06";
		const date = "0b 0000000000000000 0000";
		const nested = `03 000161 ${array} 000162 ${date} 000163 0c 00000001 7a 000009`;
		expect(parseScript(hex(`${NAME} ${nested}`))).toEqual({
			name: "f",
			argument: new Map<string, unknown>([
				["a", [null, null]],
				["b", 0],
				["c", "z"],
			]),
		});
		expect(parseScript(hex(NAME))).toEqual({ name: "f", argument: null });
	});

	it.each<[string, Uint8Array]>([
		["a name that is no text", hex("00 0000000000000000")],
		["text past the end", hex("02 ffff 66")],
		["an object without an end", hex(`${NAME} 03 000161 05`)],
		["a type that FLV has not", hex(`${NAME} 11 00`)],
		["depth without end", hex(`${NAME} ${"0a 00000001".repeat(20)} 05`)],
		["an array of 2³² values", hex(`${NAME} 0a ffffffff ${"05".repeat(2000)}`)],
		["more bytes than are read", new Uint8Array(MOST_SCRIPT_BYTES + 1)],
		["nothing", new Uint8Array(0)],
	])("with %s are not read", (_, body) => {
		expect(parseScript(body)).toBeUndefined();
	});

	it("any bytes are read or not, and nothing is thrown", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
				parseScript(Uint8Array.of(...hex(`${NAME} 03`), ...tail));
				parseScript(tail);
			}),
			{ numRuns: 1000 },
		);
	});
});
