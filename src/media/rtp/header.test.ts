import fc from "fast-check";
import { expect, test } from "vitest";
import { isRtcp, parseRtp, type RtpPacket, writeRtpHeader } from "./header.ts";

const uint = (bits: number): fc.Arbitrary<number> => fc.nat(2 ** bits - 1);
const anyPacket = fc.record({
	payloadType: uint(7),
	marker: fc.boolean(),
	number: uint(16),
	timestamp: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
	ssrc: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
	payload: fc.uint8Array({ maxLength: 100 }),
	csrcs: fc.nat(15),
	extension: fc.option(fc.nat(5)),
	padding: fc.nat(255),
});

test("header, CSRCs, extension and padding are read as RFC 3550 has them", () => {
	fc.assert(
		fc.property(anyPacket, ({ csrcs, extension, padding, payload, ...fields }) => {
			const head = new Uint8Array(12 + 4 * csrcs);
			writeRtpHeader(head, 0, fields.payloadType, fields.marker, fields.number, fields.timestamp, fields.ssrc);
			head[0]! |= csrcs | (extension === null ? 0 : 0x10) | (padding > 0 ? 0x20 : 0);
			const words = extension === null ? [] : [0xbe, 0xde, 0, extension, ...new Uint8Array(4 * extension).fill(7)];
			const tail = new Uint8Array(padding).fill(padding);
			const read = parseRtp(Buffer.concat([head, Uint8Array.from(words), payload, tail])) as RtpPacket;
			expect({ ...read, payload: new Uint8Array(read.payload) }).toEqual({ ...fields, payload });
		}),
	);
});

test.for([
	["80600001", "cut short"],
	["4060000100000000000000000000", "of another version"],
	["8160000100000000000000000000", "cut short"],
	["90600001000000000000000000000000", "of what is there"],
	["906000010000000000000000bede0001", "with an extension beyond its end"],
	["a06000010000000000000000ff", "with wrong padding"],
	["a0600001000000000000000000", "with wrong padding"],
	["a06000010000000000000000ffff02", "of what is there"],
] as const)("%s is %s", ([hex, flaw]) => {
	const read = parseRtp(Uint8Array.from(Buffer.from(hex, "hex")));
	if (flaw === "of what is there") expect(typeof read).toBe("object");
	else expect(read).toBe(flaw);
});

test("no bytes make it throw or read past their end", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
			const read = parseRtp(bytes);
			if (typeof read === "object") expect(read.payload.length).toBeLessThanOrEqual(bytes.length - 12);
		}),
	);
});

test("RTCP is told from RTP on one port (RFC 5761, 4)", () => {
	expect([200, 201, 202, 203, 205, 206].map((type) => isRtcp(Uint8Array.of(0x80, type)))).not.toContain(false);
	expect(
		[33, 96, 127, 0x80 | 33, 0x80 | 96, 0x80 | 127].map((type) => isRtcp(Uint8Array.of(0x80, type))),
	).not.toContain(true);
	expect(isRtcp(new Uint8Array(0))).toBe(false);
});
