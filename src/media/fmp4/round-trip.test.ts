import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	anyDamage,
	anySequence,
	anySizes,
	anyUnit,
	cut,
	damaged,
	fresh,
	pieces,
	type RandomUnit,
} from "../../../test/kit/random-units.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import type { Allocate } from "../packaging.ts";
import type { UnitStart } from "../stream-reader.ts";
import { MOST_MESSAGE_BYTES } from "./box-scanner.ts";
import { fmp4 } from "./fmp4.ts";
import { Fmp4Reader } from "./reader.ts";

const write = (...units: RandomUnit[]): Uint8Array =>
	Buffer.concat([fmp4.responseStart(units[0]!.head, fresh)!, ...units.flatMap((unit) => pieces(fmp4, unit))]);

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: UnitStart[];
	readonly faults: string[];
}

function read(chunks: readonly Uint8Array[]): Seen {
	const seen: Seen = { accessUnits: [], decodes: [], starts: [], faults: [] };
	const reader = new Fmp4Reader({
		accessUnit: (accessUnit) => seen.accessUnits.push(accessUnit),
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: (start) => seen.starts.push(start),
		fault: (error) => seen.faults.push(error.message),
	});
	for (const chunk of chunks) reader.push(chunk);
	reader.end();
	expect(reader.faults).toBe(seen.faults.length);
	return seen;
}

function expectSame(seen: readonly AccessUnit[], written: readonly AccessUnit[]): void {
	expect(seen.length).toBe(written.length);
	for (const [index, one] of seen.entries()) {
		const { data, ...rest } = written[index]!;
		expect(one).toMatchObject(rest);
		expect(Buffer.compare(one.data, data)).toBe(0);
	}
}

const RUNS = { numRuns: 150 };

describe("a unit that was written", () => {
	test("is read back whole: access units, times, decode information, and its name", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				const { accessUnits, decodes, starts, faults } = read([write(unit)]);
				expectSame(accessUnits, unit.accessUnits);
				expect(faults).toEqual([]);
				expect(decodes).toEqual([unit.head.decode]);
				const { number, rendition, time } = unit.head;
				expect(starts).toEqual([{ time, number, rendition }]);
			}),
			RUNS,
		);
	});

	test("gives each access unit with its last byte", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				const writer = fmp4.openUnit(unit.head);
				let seen = 0;
				const reader = new Fmp4Reader({ accessUnit: () => seen++ });
				unit.accessUnits.forEach((accessUnit, index) => {
					const bytes = writer.write(accessUnit, fresh);
					reader.push(bytes.subarray(0, -1));
					expect(seen).toBe(index);
					reader.push(bytes.subarray(-1));
					expect(seen).toBe(index + 1);
				});
				expect(writer.close(fresh)).toBeUndefined();
			}),
			RUNS,
		);
	});

	test("is the same bytes twice, and in memory that held something else", () => {
		const dirty: Allocate = (length) => new Uint8Array(length + 14).fill(0xa5).subarray(7, 7 + length);
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				const bytes = Buffer.concat(pieces(fmp4, unit));
				expect(Buffer.compare(Buffer.concat(pieces(fmp4, unit)), bytes)).toBe(0);
				expect(Buffer.compare(Buffer.concat(pieces(fmp4, unit, dirty)), bytes)).toBe(0);
			}),
			RUNS,
		);
	});
});

describe("units of different renditions, one behind the other", () => {
	test("come out whole, with decode information at each change and at no other place", () => {
		fc.assert(
			fc.property(anySequence, (units) => {
				const { accessUnits, decodes, starts, faults } = read([write(...units)]);
				expect(faults).toEqual([]);
				expectSame(
					accessUnits,
					units.flatMap((unit) => unit.accessUnits),
				);
				expect(starts.map(({ number }) => number)).toEqual(units.map(({ head }) => head.number));
				const all = units.map(({ head }) => head.decode);
				const video = (decode: DecodeInformation | undefined): string | undefined => decode?.video?.codecString;
				const size = (decode: DecodeInformation | undefined): number | undefined => decode?.video?.width;
				const changes = all.filter(
					(decode, i) => i === 0 || video(decode) !== video(all[i - 1]) || size(decode) !== size(all[i - 1]),
				);
				expect(decodes).toEqual(changes);
			}),
			RUNS,
		);
	});

	test("have sequence numbers that only go up", () => {
		fc.assert(
			fc.property(anySequence, (units) => {
				const numbers = units.flatMap((unit) => pieces(fmp4, unit).map(sequenceNumber));
				for (const [i, number] of numbers.slice(1).entries()) expect(number).toBeGreaterThan(numbers[i]!);
			}),
			RUNS,
		);
	});

	test("a hole needs nothing: the next unit is read whole, wherever the one before broke off", () => {
		fc.assert(
			fc.property(
				anyUnit({ number: 3, time: 300_000 }),
				anyUnit({ number: 9, time: 900_000 }),
				fc.nat(),
				(one, two, cutAt) => {
					expect(fmp4.hole(two.head, fresh)).toBeUndefined();
					const kept = pieces(fmp4, one).slice(0, 1 + (cutAt % one.accessUnits.length));
					const { accessUnits, starts, faults } = read([...kept, write(two)]);
					expect(faults).toEqual([]);
					expect(accessUnits.length).toBe(kept.length + two.accessUnits.length);
					expect(starts.map(({ number }) => number)).toEqual([3, 9]);
				},
			),
			RUNS,
		);
	});
});

describe("bytes that are cut or damaged", () => {
	test("are read the same however they are cut", () => {
		fc.assert(
			fc.property(anySequence, anySizes, anyDamage, fc.boolean(), (units, sizes, damage, isDamaged) => {
				const whole = write(...units).subarray(0, 60_000);
				const bytes = isDamaged ? damaged(whole, damage) : whole;
				expect(read(cut(bytes, sizes))).toEqual(read([bytes]));
			}),
			RUNS,
		);
	});

	test("never make the reader throw, hold more than its bound, or give out more than came in", () => {
		fc.assert(
			fc.property(anySequence, anyDamage, (units, damage) => {
				const bytes = damaged(write(...units), damage);
				let given = 0;
				const reader = new Fmp4Reader({ accessUnit: ({ data }) => (given += data.length) });
				let largest = 0;
				for (let at = 0; at < bytes.length; at += 5000) {
					reader.push(bytes.subarray(at, at + 5000));
					largest = Math.max(largest, reader.heldBytes);
				}
				reader.end();
				// No sample is begun of which its mdat has not as many bytes.
				expect(largest).toBeLessThan(300_000 + 2 ** 20);
				expect(given).toBeLessThanOrEqual(bytes.length);
			}),
			RUNS,
		);
	});

	test("cost no unit that follows behind a little space, where one byte is damaged", () => {
		const space = new Uint8Array(MOST_MESSAGE_BYTES);
		space.set([0, 1, 0, 0, 0x66, 0x72, 0x65, 0x65]); // a box "free" of 64 KiB
		const units = [anyUnit({ number: 1, time: 90_000 }), anyUnit({ number: 2, time: 900_000 })] as const;
		fc.assert(
			fc.property(...units, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, two, at, change) => {
				const bytes = Buffer.concat(pieces(fmp4, one));
				bytes[at % Math.min(bytes.length, 1500)]! ^= change; // most of it boxes
				const { accessUnits, starts } = read([bytes, space, Buffer.concat(pieces(fmp4, two))]);
				expect(starts.at(-1)).toMatchObject({ number: 2, rendition: two.head.rendition });
				expectSame(accessUnits.slice(-two.accessUnits.length), two.accessUnits);
			}),
			{ numRuns: 300 },
		);
	});
});

/** mfhd of the last moof in a piece. */
function sequenceNumber(piece: Uint8Array): number {
	const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
	return bytes.readUInt32BE(bytes.indexOf("mfhd", 0, "latin1") + 8);
}
