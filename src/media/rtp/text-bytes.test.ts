import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64, fromHex, toBase64, toHex } from "./text-bytes.ts";

test("Base64 and hexadecimal digits are those of everybody else, both ways", () => {
	fc.assert(
		fc.property(fc.uint8Array(), (bytes) => {
			expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
			expect(fromBase64(toBase64(bytes))).toEqual(bytes);
			expect(fromBase64(toBase64(bytes).replaceAll("=", ""))).toEqual(bytes);
			expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
			expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
		}),
	);
});

test("text that is none is not read", () => {
	for (const text of ["A", "AAAAA", "A=AA", "AA-A", "ÄÄÄÄ", "AA AA"]) expect(fromBase64(text), text).toBeUndefined();
	for (const text of ["1", "12x4", "0x12", "12 34"]) expect(fromHex(text), text).toBeUndefined();
});
