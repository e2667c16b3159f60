import { expect, test } from "vitest";
import {
	DISCONTINUITY,
	NO_PCR,
	PACKET_BYTES,
	packetCounter,
	packetFlags,
	packetHasPayload,
	packetPcr,
	packetPid,
	packetStartsUnit,
	payloadOffset,
	RANDOM_ACCESS,
	wrapTime,
	writePacketHead,
} from "./packet.ts";

const packet = (...args: [number, boolean, number, number, number, number]): Uint8Array => {
	const out = new Uint8Array(PACKET_BYTES);
	writePacketHead(out, 0, ...args);
	return out;
};

test("a packet full of payload has a header of four bytes and no adaptation field (2.4.3.2)", () => {
	const out = packet(0x1abc, true, 21, 184, 0, NO_PCR);
	expect([...out.subarray(0, 5)]).toEqual([0x47, 0x5a, 0xbc, 0x15, 0]);
	expect(payloadOffset(out, 0)).toBe(4);
	expect(packetPid(out, 0)).toBe(0x1abc);
	expect(packetStartsUnit(out, 0)).toBe(true);
	expect(packetCounter(out, 0)).toBe(5);
});

test("one byte of stuffing is an adaptation field of length 0 (2.4.3.5)", () => {
	const out = packet(0x100, false, 0, 183, 0, NO_PCR);
	expect([...out.subarray(0, 6)]).toEqual([0x47, 0x01, 0x00, 0x30, 0, 0]);
	expect(packetFlags(out, 0)).toBe(0);
});

test("more stuffing is flags of 0 and bytes of 0xff (2.4.3.5)", () => {
	const out = packet(0x100, false, 0, 100, 0, NO_PCR);
	expect([...out.subarray(3, 6)]).toEqual([0x30, 83, 0]);
	expect(out.subarray(6, 88).every((byte) => byte === 0xff)).toBe(true);
	expect(out.subarray(88).every((byte) => byte === 0)).toBe(true);
});

test("a packet without payload has an adaptation field of 183 bytes (2.4.3.5)", () => {
	const out = packet(0x100, false, -1, 0, DISCONTINUITY, NO_PCR);
	expect([...out.subarray(3, 6)]).toEqual([0x2f, 183, 0x80]);
	expect(packetHasPayload(out, 0)).toBe(false);
});

test("the PCR is 33 bits of base, six ones, nine bits of extension (2.4.3.4)", () => {
	const out = packet(0x100, true, 0, 176, RANDOM_ACCESS, 2 ** 33 - 1);
	expect([...out.subarray(4, 12)]).toEqual([7, 0x50, 0xff, 0xff, 0xff, 0xff, 0xfe, 0]);
	const odd = packet(0x100, true, 0, 176, 0, 0x1_2345_6789);
	expect([...odd.subarray(6, 12)]).toEqual([0x91, 0xa2, 0xb3, 0xc4, 0xfe, 0]);
	for (const pcr of [0, 1, 90_000, 2 ** 32 - 1, 2 ** 32, 2 ** 33 - 1]) {
		expect(packetPcr(packet(0x100, true, 0, 176, 0, pcr), 0)).toBe(pcr);
	}
});

test("times wrap at 2^33 and before 0", () => {
	expect(wrapTime(2 ** 33 + 5)).toBe(5);
	expect(wrapTime(-9000)).toBe(2 ** 33 - 9000);
	expect(wrapTime(3 * 2 ** 33)).toBe(0);
});
