import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitReader } from "./bits.ts";

/** Bits as text, filled up with zeros. */
const pack = (bits: string): Uint8Array =>
	Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => Number.parseInt(byte.padEnd(8, "0"), 2));

/** ue(v) as ITU-T H.264 clause 9.1 writes it: as many zeros as bits follow the leading one. */
const unsignedCode = (value: number): string => {
	const binary = (value + 1).toString(2);
	return "0".repeat(binary.length - 1) + binary;
};

describe("a bit reader", () => {
	it("reads most significant bit first, over byte boundaries", () => {
		const reader = new BitReader(Uint8Array.of(0b1010_0101, 0b1100_0011, 0xff));
		expect([reader.bit(), reader.bits(3), reader.bits(8), reader.bits(0)]).toEqual([1, 0b010, 0b0101_1100, 0]);
		expect(reader.bitsLeft).toBe(12);
		reader.skip(4);
		expect([reader.bits(8), reader.bitsLeft]).toEqual([0xff, 0]);
	});

	it("reads 32 bits as a number above zero", () => {
		expect(new BitReader(Uint8Array.of(255, 255, 255, 255)).bits(32)).toBe(2 ** 32 - 1);
	});

	it("gives zeros past the end, and tells how far", () => {
		const reader = new BitReader(Uint8Array.of(0xff));
		expect(reader.bits(12)).toBe(0xff0);
		expect(reader.bitsLeft).toBe(-4);
	});

	it.each([
		["1", 0, 0],
		["010", 1, 1],
		["011", 2, -1],
		["00100", 3, 2],
		["00101", 4, -2],
		["00110", 5, 3],
		["00111", 6, -3],
		["0001000", 7, 4],
	])("reads Exp-Golomb %s as the standard's table has it: %d unsigned, %d signed", (code, unsigned, signed) => {
		expect(new BitReader(pack(code)).unsignedExpGolomb()).toBe(unsigned);
		expect(new BitReader(pack(code)).signedExpGolomb() + 0).toBe(signed);
	});

	it("reads any row of Exp-Golomb codes back", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 31 - 2 })), (values) => {
				const reader = new BitReader(pack(values.map(unsignedCode).join("")));
				expect(values.map(() => reader.unsignedExpGolomb())).toEqual(values);
			}),
		);
	});

	it("comes to an end in any bytes", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
				const reader = new BitReader(bytes);
				while (reader.bitsLeft > 0) expect(reader.unsignedExpGolomb()).toBeGreaterThanOrEqual(0);
			}),
		);
	});
});
