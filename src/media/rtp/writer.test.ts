import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anySequence, anyUnit, fresh, pieces, plainUnit } from "../../../test/kit/random-units.ts";
import { mpegTs } from "../mpegts/mpegts.ts";
import { NO_PCR, PACKET_BYTES, packetPcr } from "../mpegts/packet.ts";
import type { Allocate } from "../packaging.ts";
import { rtp } from "./rtp.ts";

interface Packet {
	/** LENGTH and the RTP header. */
	readonly head: Uint8Array;
	readonly marker: boolean;
	readonly number: number;
	readonly timestamp: number;
	readonly payload: Uint8Array;
}

/** Reads by the RFCs' words, without the reader's code. */
function packetsOf(piece: Uint8Array): Packet[] {
	const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
	const packets: Packet[] = [];
	for (let at = 0; at < piece.length; ) {
		const end = at + 2 + view.getUint16(at);
		expect(end).toBeLessThanOrEqual(piece.length);
		packets.push({
			head: piece.subarray(at, at + 14),
			marker: (piece[at + 3]! & 0x80) !== 0,
			number: view.getUint16(at + 4),
			timestamp: view.getUint32(at + 6),
			payload: piece.subarray(at + 14, end),
		});
		at = end;
	}
	return packets;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const RUNS = { numRuns: 150 };

test("a packet is a length, 12 bytes of header and whole transport stream packets", () => {
	const [first] = packetsOf(pieces(rtp, plainUnit(7, "h264+aac"))[0]!);
	// LENGTH 1328; version 2, no padding, extension or CSRC; no marker, type 33; number 0; time; source.
	const timestamp = packetPcr(first!.payload, 2 * PACKET_BYTES)
		.toString(16)
		.padStart(8, "0");
	expect(hex(first!.head)).toBe(`0530${"80210000"}${timestamp}${"504e5354"}`);
	expect(hex(first!.payload.subarray(0, 4))).toBe("47400017"); // the PAT of unit 7
});

test("the transport stream is that of a .ts response, seven packets at a time, less in a piece's last", () => {
	fc.assert(
		fc.property(anyUnit(), (unit) => {
			const expected = pieces(mpegTs, unit);
			for (const [index, piece] of pieces(rtp, unit).entries()) {
				const packets = packetsOf(piece);
				expect(Buffer.compare(Buffer.concat(packets.map(({ payload }) => payload)), expected[index]!)).toBe(0);
				for (const { payload } of packets.slice(0, -1)) expect(payload.length).toBe(7 * PACKET_BYTES);
				expect(packets.length).toBe(Math.ceil(expected[index]!.length / PACKET_BYTES / 7));
			}
		}),
		RUNS,
	);
});

test("numbers run from 0 through a unit, the source is one, and no packet has the marker", () => {
	fc.assert(
		fc.property(anyUnit(), (unit) => {
			const packets = pieces(rtp, unit).flatMap(packetsOf);
			expect(packets.map(({ number }) => number)).toEqual(packets.map((_, index) => index % 65_536));
			expect(new Set(packets.map(({ head }) => hex(head.subarray(10)))).size).toBe(1);
			expect(packets.some(({ marker }) => marker)).toBe(false);
		}),
		RUNS,
	);
});

test("timestamps are the program clock, never go back, and are one through a piece", () => {
	fc.assert(
		fc.property(anySequence, (units) => {
			let last: number | undefined;
			for (const piece of units.flatMap((unit) => pieces(rtp, unit))) {
				const packets = packetsOf(piece);
				const [{ timestamp }] = packets as [Packet];
				expect(new Set(packets.map((packet) => packet.timestamp))).toEqual(new Set([timestamp]));
				const pcrs = packets.flatMap(({ payload }) =>
					Array.from({ length: payload.length / PACKET_BYTES }, (_, i) => packetPcr(payload, i * PACKET_BYTES)),
				);
				const pcr = pcrs.findLast((value) => value !== NO_PCR);
				if (pcr !== undefined) expect(timestamp).toBe(pcr % 2 ** 32);
				else expect(timestamp).toBe(last);
				if (last !== undefined && pcr === undefined) expect(timestamp).toBe(last);
				last = timestamp;
			}
		}),
		RUNS,
	);
});

test("within a unit the clock goes on, however pictures are reordered", () => {
	fc.assert(
		fc.property(anyUnit({ time: 900_000 }), (unit) => {
			const times = pieces(rtp, unit).flatMap((piece) => packetsOf(piece).map(({ timestamp }) => timestamp));
			expect(times).toEqual(times.toSorted((a, b) => a - b));
		}),
		RUNS,
	);
});

describe("numbering", () => {
	const { count, shift } = rtp.numbering!;

	test("counts the packets of a piece by its length", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				for (const piece of pieces(rtp, unit)) expect(count(piece)).toBe(packetsOf(piece).length);
			}),
			RUNS,
		);
	});

	test("shifts every number by what was sent before, modulo 2^16, and changes nothing else", () => {
		fc.assert(
			fc.property(anyUnit(), fc.oneof(fc.nat(70_000), fc.nat(), fc.integer({ max: -1 })), (unit, offset) => {
				for (const piece of pieces(rtp, unit)) {
					const before = packetsOf(piece.slice());
					shift(piece, offset);
					for (const [index, { number, payload }] of packetsOf(piece).entries()) {
						expect(number).toBe((((before[index]!.number + offset) % 65_536) + 65_536) % 65_536);
						expect(Buffer.compare(payload, before[index]!.payload)).toBe(0);
					}
					shift(piece, -offset);
					expect(packetsOf(piece)).toEqual(before);
				}
			}),
			RUNS,
		);
	});
});

test("a hole is one packet with the marker, whose timestamp is the PCR that it carries", () => {
	for (const tracks of ["h264+aac", "aac"] as const) {
		const [packet, ...rest] = packetsOf(rtp.hole(plainUnit(7, tracks).head, fresh)!);
		expect(rest).toEqual([]);
		expect([packet!.marker, packet!.number, packet!.timestamp]).toEqual([true, 0, 2_100_000 - 27_000]);
		expect(Buffer.compare(packet!.payload, mpegTs.hole(plainUnit(7, tracks).head, fresh)!)).toBe(0);
	}
});

test("the same bytes twice, and in memory that held something else and begins anywhere", () => {
	const dirty: Allocate = (length) => new Uint8Array(length + 14).fill(0xa5).subarray(7, 7 + length);
	fc.assert(
		fc.property(anyUnit(), (unit) => {
			const bytes = Buffer.concat(pieces(rtp, unit));
			expect(Buffer.compare(Buffer.concat(pieces(rtp, unit)), bytes)).toBe(0);
			expect(Buffer.compare(Buffer.concat(pieces(rtp, unit, dirty)), bytes)).toBe(0);
		}),
		RUNS,
	);
});

test("an access unit that is refused takes no number and leaves the unit as it was", () => {
	const unit = plainUnit(7, "h264+aac");
	const writer = rtp.openUnit(unit.head);
	const broken = { ...unit.accessUnits[0]!, data: Uint8Array.of(0, 0, 0, 9, 0x65) };
	expect(() => writer.write(broken, fresh)).toThrow(/^STREAM_UNSUPPORTED: .*unit 7 of rendition "r1"/);
	const written = unit.accessUnits.map((accessUnit) => writer.write(accessUnit, fresh));
	expect(Buffer.compare(Buffer.concat(written), Buffer.concat(pieces(rtp, unit).slice(0, written.length)))).toBe(0);
});
