import fc from "fast-check";
import { expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { parseUnitName, unitNameField } from "./unit-name.ts";

const field = (number: number, rendition: string): Uint8Array =>
	unitNameField({
		number,
		time: ticks90k(0),
		pictureDuration: ticks90k(0),
		accessUnitsBefore: 0,
		rendition,
		decode: {},
	});
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

test("what is written is read, behind data fields of others too", () => {
	const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/);
	fc.assert(
		fc.property(fc.nat({ max: 2 ** 32 - 1 }), name, fc.uint8Array({ maxLength: 40 }), (number, rendition, other) => {
			const own = field(number, rendition);
			const before = Uint8Array.of(0x03, other.length, ...other);
			const foreign = bytes("df 08 4142434400000001");
			expect(parseUnitName(new Uint8Array([...before, ...foreign, ...own]))).toEqual({ number, rendition });
		}),
	);
});

test("cut fields, foreign ones and what is no name say nothing", () => {
	const own = field(5, "low");
	for (let length = 0; length < own.length; length++) expect(parseUnitName(own.subarray(0, length))).toBeUndefined();
	expect(parseUnitName(bytes("df 08 504e5354 00000005"))).toBeUndefined(); // no name
	expect(parseUnitName(bytes("df 0a 504e5354 00000005 2f2e"))).toBeUndefined(); // "/."
	expect(parseUnitName(bytes("df 0a 41424344 00000005 6c6f"))).toBeUndefined();
});

test("noise says nothing and never throws", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 183 }), (noise) => {
			expect(parseUnitName(noise)).toBeUndefined();
		}),
	);
});
