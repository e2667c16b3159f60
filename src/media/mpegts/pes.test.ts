import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePes, STREAM_ID_AUDIO, STREAM_ID_VIDEO, writePesHeader, writePesStart } from "./pes.ts";

const header = (pts: number, dts: number, payload: number, streamId = STREAM_ID_VIDEO): Uint8Array => {
	const out = new Uint8Array(32);
	return out.subarray(0, writePesHeader(out, 0, streamId, pts, dts, payload));
};

test("PTS alone where it equals the DTS: prefix 0010, marker bits (2.4.3.6)", () => {
	expect(Buffer.from(header(90_000, 90_000, 10)).toString("hex")).toBe("000001e00012" + "848005" + "210005bf21");
});

test("PTS and DTS where they differ: prefixes 0011 and 0001 (2.4.3.6)", () => {
	expect(Buffer.from(header(2 ** 33 - 1, 0, 10)).toString("hex")).toBe(
		"000001e00017" + "84c00a" + "3fffffffff" + "1100010001",
	);
});

test("PES_packet_length counts from behind itself, and is 0 where 16 bits do not hold it (2.4.3.7)", () => {
	const length = (out: Uint8Array): number => out[4]! * 256 + out[5]!;
	expect(length(header(0, 0, 0xffff - 8))).toBe(0xffff);
	expect(length(header(0, 0, 0xffff - 7))).toBe(0);
	expect(length(header(1, 0, 0xffff - 13))).toBe(0xffff);
});

test("what is written is read", () => {
	const time = fc.maxSafeNat().map((value) => value % 2 ** 33);
	fc.assert(
		fc.property(time, time, fc.uint8Array(), (pts, dts, payload) => {
			const pes = new Uint8Array([...header(pts, dts, payload.length, STREAM_ID_AUDIO), ...payload]);
			expect(parsePes(pes)).toEqual({ streamId: STREAM_ID_AUDIO, pts, dts, payload });
		}),
	);
});

test("a padding stream has no header (2.4.3.7), a broken header is not read", () => {
	const padding = new Uint8Array(10).fill(0xff);
	writePesStart(padding, 0, 0xbe, 4);
	expect(parsePes(padding)).toMatchObject({ streamId: 0xbe, pts: undefined });
	const pes = new Uint8Array([...header(1, 0, 1), 7]);
	for (const [at, value] of [
		[2, 2],
		[6, 0x44],
		[8, 200],
		[8, 3],
	] as const) {
		const broken = pes.slice();
		broken[at] = value;
		expect(parsePes(broken), `byte ${at} = ${value}`).toBeUndefined();
	}
	for (let length = 0; length < 19; length++) expect(parsePes(pes.subarray(0, length))).toBeUndefined();
});
