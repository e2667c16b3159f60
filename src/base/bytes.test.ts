import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatenate, readUint24, readUint32, sameBytes, writeUint24, writeUint32 } from "./bytes.ts";

describe("whole numbers", () => {
	it("stand with their most significant byte first, where they are told to", () => {
		const out = new Uint8Array(9).fill(0xee);
		writeUint24(out, 1, 0x01_0203);
		writeUint32(out, 4, 0xfffe_fdfc);
		expect([...out]).toEqual([0xee, 1, 2, 3, 0xff, 0xfe, 0xfd, 0xfc, 0xee]);
		expect([readUint24(out, 1), readUint32(out, 4)]).toEqual([0x01_0203, 0xfffe_fdfc]);
	});

	it("are read as a DataView reads them, up to the largest", () => {
		const anyPlace = fc.uint8Array({ minLength: 4, maxLength: 12 }).chain((bytes) =>
			fc.record({
				bytes: fc.constant(bytes),
				at: fc.nat({ max: bytes.length - 4 }),
			}),
		);
		const highest = { bytes: new Uint8Array(4).fill(0xff), at: 0 };
		fc.assert(
			fc.property(anyPlace, ({ bytes, at }) => {
				const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
				expect([readUint32(bytes, at), readUint24(bytes, at)]).toEqual([expected, Math.floor(expected / 256)]);
			}),
			{ examples: [[highest]] },
		);
	});

	it.each([
		[-1, 0xffff_ffff],
		[-(2 ** 31), 0x8000_0000],
		[2 ** 32 + 5, 5],
		[2 ** 40 - 1, 0xffff_ffff],
		[-(2 ** 33) - 2, 0xffff_fffe],
	])("are cut to their width: of %d, the low bits %d", (value, low) => {
		const out = new Uint8Array(7);
		writeUint32(out, 0, value);
		writeUint24(out, 4, value);
		expect([readUint32(out, 0), readUint24(out, 4)]).toEqual([low, low & 0xff_ffff]);
	});

	it("count as zeros past the end", () => {
		const bytes = Uint8Array.of(1, 2);
		expect([readUint32(bytes, 0), readUint24(bytes, 1), readUint32(bytes, 2)]).toEqual([0x0102_0000, 0x02_0000, 0]);
	});
});

describe("bytes", () => {
	it.each([
		[[], [], true],
		[[1, 2], [1, 2], true],
		[[1, 2], [1, 3], false],
		[[0, 2], [1, 2], false],
		[[1, 2], [1, 2, 0], false],
		[[1, 2, 0], [1, 2], false],
	])("%j and %j are the same: %s", (one, other, expected) => {
		expect(sameBytes(Uint8Array.from(one), Uint8Array.from(other))).toBe(expected);
	});

	it("are the same wherever in memory they lie", () => {
		expect(sameBytes(Uint8Array.of(9, 1, 2).subarray(1), Uint8Array.of(1, 2, 9).subarray(0, 2))).toBe(true);
	});

	it("are joined in their order, in memory of their own", () => {
		const first = Uint8Array.of(9, 1, 2, 3).subarray(1);
		const whole = concatenate(first, new Uint8Array(0), Uint8Array.of(4, 5));
		first[0] = 7;
		expect(whole).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
		expect(concatenate()).toEqual(new Uint8Array(0));
	});
});
