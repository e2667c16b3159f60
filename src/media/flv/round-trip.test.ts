import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	anyDamage,
	anySequence,
	anySizes,
	anyUnit,
	cut,
	damaged,
	pieces,
	type RandomUnit,
} from "../../../test/kit/random-units.ts";
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { parseAv1C } from "../av1.ts";
import type { Allocate } from "../packaging.ts";
import type { UnitStart } from "../stream-reader.ts";
import { flv } from "./flv.ts";
import { FLV_MAX_TAG_BYTES, FLV_TIME_BITS, FlvReader } from "./reader.ts";

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: UnitStart[];
	readonly faults: string[];
}

function read(chunks: readonly Uint8Array[]): Seen {
	const seen: Seen = { accessUnits: [], decodes: [], starts: [], faults: [] };
	const reader = new FlvReader({
		accessUnit: (accessUnit) => seen.accessUnits.push(accessUnit),
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: (start) => seen.starts.push(start),
		fault: ({ message }) => seen.faults.push(message),
	});
	for (const chunk of chunks) reader.push(chunk);
	reader.end();
	return seen;
}

const fresh: Allocate = (length) => new Uint8Array(length);
const write = (...units: readonly RandomUnit[]): Uint8Array =>
	Buffer.concat([flv.responseStart(units[0]!.head, fresh)!, ...units.flatMap((unit) => pieces(flv, unit))]);

/** A time as FLV can say it, and as a reader tells it that has seen nothing before: the first as it is on the wire. */
function asRead(units: readonly RandomUnit[]): (ticks: number) => number {
	const modulus = 2 ** FLV_TIME_BITS;
	const toMs = (ticks: number): number => Math.round(ticks / 90);
	const first = toMs(units[0]!.accessUnits[0]!.dts);
	const offset = (((first % modulus) + modulus) % modulus) - first;
	return (ticks) => ticks90k((toMs(ticks) + offset) * 90);
}

const RUNS = { numRuns: 150 };

describe("a unit that was written", () => {
	test("is read back whole: access units, decode information, its name, and times to the nearest millisecond", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				const { accessUnits, decodes, starts, faults } = read([write(unit)]);
				const time = asRead([unit]);
				expect(faults).toEqual([]);
				expect(accessUnits.length).toBe(unit.accessUnits.length);
				for (const [index, { data, ...rest }] of unit.accessUnits.entries()) {
					const one = accessUnits[index]!;
					expect(one).toMatchObject({ ...rest, pts: time(rest.pts), dts: time(rest.dts) });
					expect(Math.abs(rest.pts - rest.dts - (one.pts - one.dts))).toBeLessThanOrEqual(90);
					expect(Buffer.compare(one.data, data)).toBe(0);
				}
				const { number, rendition, decode } = unit.head;
				expect(starts).toEqual([{ time: time(unit.accessUnits[0]!.pts), number, rendition }]);
				expect(decodes).toEqual([decode]);
			}),
			RUNS,
		);
	});

	test("gives each access unit with its own last byte, without waiting for the next", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				let seen = 0;
				const reader = new FlvReader({ accessUnit: () => seen++ });
				for (const [index, piece] of pieces(flv, unit).entries()) {
					reader.push(piece);
					expect([seen, reader.heldBytes]).toEqual([index + 1, 0]);
				}
			}),
			RUNS,
		);
	});

	test("is the same bytes twice, in one piece of memory for each access unit, whatever was in it", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
				let asked = 0;
				const dirty: Allocate = (length) => {
					asked++;
					return new Uint8Array(length + 14).fill(0xa5).subarray(7, 7 + length);
				};
				const first = pieces(flv, unit);
				const second = pieces(flv, unit, dirty);
				expect(Buffer.compare(Buffer.concat(second), Buffer.concat(first))).toBe(0);
				expect([asked, second.length]).toEqual([unit.accessUnits.length, unit.accessUnits.length]);
			}),
			RUNS,
		);
	});

	test("has times that never go back where DTS does not", () => {
		fc.assert(
			fc.property(anyUnit({ tracks: "h264" }), (unit) => {
				const { accessUnits } = read([write(unit)]);
				for (const [index, { dts }] of accessUnits.entries()) {
					if (index > 0) expect(dts).toBeGreaterThanOrEqual(accessUnits[index - 1]!.dts);
				}
			}),
			RUNS,
		);
	});

	test("is read the same however it is cut", () => {
		fc.assert(
			fc.property(anyUnit(), anySizes, (unit, sizes) => {
				const bytes = new Uint8Array([9, 0, 0, ...write(unit).subarray(0, 20_000)]);
				expect(read(cut(bytes, sizes))).toEqual(read([bytes]));
			}),
			RUNS,
		);
	});
});

test("units of any renditions, one behind the other, each come out with their names: a switch is tags only", () => {
	fc.assert(
		fc.property(anySequence, (units) => {
			const { accessUnits, decodes, starts, faults } = read([write(...units)]);
			const time = asRead(units);
			expect(faults).toEqual([]);
			expect(accessUnits.length).toBe(units.reduce((sum, unit) => sum + unit.accessUnits.length, 0));
			expect(starts).toEqual(
				units.map(({ head: { number, rendition }, accessUnits: [first] }) => ({
					number,
					rendition,
					time: time(first!.pts),
				})),
			);
			const changes = units.filter(({ head }, i) => i === 0 || head.decode.video !== units[i - 1]!.head.decode.video);
			expect(decodes).toEqual(changes.map(({ head }) => head.decode));
		}),
		RUNS,
	);
});

test("AV1 is read back: the sequence header in the tag of each key picture, and not in its data", () => {
	const video = parseAv1C(Buffer.from("81000c000a0b000000043d06d402f80040", "hex"));
	const head = {
		number: 3,
		time: ticks90k(9000),
		pictureDuration: ticks90k(3600),
		rendition: "low",
		decode: { video },
	};
	// OBU_FRAME with a size: show_existing_frame 0, KEY_FRAME, show_frame 1; and one of another frame_type.
	const frame = (time: number, key: boolean): AccessUnit => ({
		track: "video",
		pts: ticks90k(time),
		dts: ticks90k(time),
		key,
		data: Uint8Array.of(0x32, 4, key ? 0x10 : 0x30, 1, 2, 3),
	});
	const unit: RandomUnit = { head, accessUnits: [frame(9000, true), frame(12_600, false)] };
	const sequenceHeader = Buffer.from(video.sequenceHeader);
	const inTags = pieces(flv, unit).map((piece) => Buffer.from(piece).lastIndexOf(sequenceHeader));
	expect(inTags.map((at) => at > 0)).toEqual([true, false]);
	const { accessUnits, decodes, starts, faults } = read([write(unit)]);
	expect(faults).toEqual([]);
	expect(accessUnits).toEqual(unit.accessUnits);
	expect(decodes).toEqual([{ video }]);
	expect(starts).toEqual([{ time: 9000, number: 3, rendition: "low" }]);
});

test("damaged bytes never make the reader throw, keep more than a tag, or give out more than came in", () => {
	fc.assert(
		fc.property(anyUnit(), anyUnit(), anyDamage, (one, two, list) => {
			const bytes = damaged(write(one, two), list);
			let given = 0;
			const reader = new FlvReader({ accessUnit: ({ data }) => (given += data.length) });
			for (let at = 0; at < bytes.length; at += 5000) {
				reader.push(bytes.subarray(at, at + 5000));
				expect(reader.heldBytes).toBeLessThanOrEqual(Math.min(bytes.length, FLV_MAX_TAG_BYTES + 65_540));
			}
			reader.end();
			expect(reader.heldBytes).toBe(0);
			expect(given).toBeLessThanOrEqual(bytes.length);
		}),
		{ numRuns: 500 },
	);
});
