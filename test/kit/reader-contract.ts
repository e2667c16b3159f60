/**
 * What the writer and the reader of every packaging keep together, whatever the container: units come back as they were
 * written, each with its name, however the bytes are cut, over switches and over holes; and broken bytes are told and
 * read past, never thrown, in bounded memory. `describeReader` declares one test for each of these sentences; where
 * packagings differ by their nature, `ReaderContract` says how.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ErrorCode, PenstockError } from "../../src/base/errors.ts";
import { type Ticks90k, ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import type { Allocate, Packaging } from "../../src/media/packaging.ts";
import type { StreamReader, StreamSink, UnitStart } from "../../src/media/stream-reader.ts";
import { anyDamage, anySequence, anySizes, anyUnit, cut, damaged, fresh, pieces } from "./random-units.ts";
import { type SentUnit, type WrittenUnit, writeResponse } from "./switching-units.ts";

/** What a reader has to give back of what the writer was given. */
export interface ReadingBack<Reader extends StreamReader = StreamReader> {
	readonly packaging: Packaging;
	readonly open: (sink: StreamSink) => Reader;
	/** The step of its times in ticks of 90 kHz: what is written comes back rounded to it. */
	readonly tick: number;
	/** Its times wrap at so many ticks of 90 kHz: a reader that has seen nothing before takes the first as it stands. */
	readonly wrap: number;
	/** A unit says ahead what tracks it has; if not, a track is told with its first access unit. */
	readonly tracksAhead: boolean;
	/** It has a field for the pre-skip of Opus and for the rate of what was encoded; if not, they come back as 0. */
	readonly carriesPreSkip: boolean;
}

export interface ReaderContract<Reader extends StreamReader> extends ReadingBack<Reader> {
	/** Of the faults that it may tell; the first for bytes that are not its packaging's at all. */
	readonly codes: readonly [ErrorCode, ...ErrorCode[]];
	/** The most that it may keep of so many bytes pushed. */
	readonly mostHeld: (pushed: number) => number;
	/** What it keeps where nothing has begun, and the most that it keeps of what the end cut off. */
	readonly heldAtRest: number;
	readonly heldAtEnd: number;
	/** So many bytes come out for each that goes in, at the most. */
	readonly growth: number;
	/** Its first access unit waits until more proves where packets begin. */
	readonly firstWaits: boolean;
	/** Something is written behind a unit's last access unit. */
	readonly closesUnits: boolean;
	/** Something is written before a unit that is reached over a hole. */
	readonly bridgesHoles: boolean;
	/** Garbage that looks like a beginning. */
	readonly lure: Uint8Array;
	/** What it counts beside faults. */
	readonly counts?: (reader: Reader) => object;
	/** The counts (or some of them) after a response in which nothing is wrong. */
	readonly cleanCounts?: (response: Uint8Array, units: readonly SentUnit[]) => object;
}

/** What a reader gave, in the order in which it did. */
export interface Seen<Reader extends StreamReader = StreamReader> {
	readonly accessUnits: AccessUnit[];
	/** For each access unit the decode information that held when it came. */
	readonly decodesOf: DecodeInformation[];
	readonly decodes: DecodeInformation[];
	readonly starts: UnitStart[];
	readonly faults: PenstockError[];
	readonly reader: Reader;
}

export function readAll<Reader extends StreamReader>(
	open: (sink: StreamSink) => Reader,
	...chunks: readonly Uint8Array[]
): Seen<Reader> {
	const seen: Omit<Seen, "reader"> = { accessUnits: [], decodesOf: [], decodes: [], starts: [], faults: [] };
	const reader = open({
		accessUnit: (accessUnit) => {
			seen.accessUnits.push(accessUnit);
			seen.decodesOf.push(seen.decodes.at(-1)!);
		},
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: (start) => seen.starts.push(start),
		fault: (error) => seen.faults.push(error),
	});
	for (const chunk of chunks) reader.push(chunk);
	reader.end();
	expect(reader.faults).toBe(seen.faults.length);
	return { ...seen, reader };
}

export const messages = ({ faults }: Pick<Seen, "faults">): string[] => faults.map(({ message }) => message);

/** The same access units; compares data as bytes, which is faster by far than number by number. */
export function expectSame(seen: readonly AccessUnit[], expected: readonly AccessUnit[]): void {
	expect(seen.length).toBe(expected.length);
	for (const [index, { data, ...rest }] of expected.entries()) {
		const { data: read, ...others } = seen[index]!;
		expect(others).toEqual(rest);
		expect(Buffer.compare(read, data)).toBe(0);
	}
}

/** Throws unless all that was written came back, each unit with its name, and nothing else, without a fault. */
export function expectReadBack(back: ReadingBack, seen: Seen, units: readonly WrittenUnit[]): void {
	expect(messages(seen)).toEqual([]);
	const time = timesAsRead(back, units[0]!.accessUnits[0]!.dts);
	const written = units.flatMap(({ accessUnits }) => accessUnits);
	expectSame(
		seen.accessUnits,
		written.map((one) => ({ ...one, pts: time(one.pts), dts: time(one.dts) })),
	);
	expect(seen.starts).toEqual(
		units.map(({ head: { number, rendition }, accessUnits: [first] }) => {
			return { time: time(first!.pts), number, rendition };
		}),
	);
	expectDecodes(back, seen, units);
}

function timesAsRead({ tick, wrap }: ReadingBack, firstDts: number): (time: number) => Ticks90k {
	const rounded = (time: number): number => Math.round(time / tick) * tick;
	const first = rounded(firstDts);
	const offset = Number.isFinite(wrap) ? (((first % wrap) + wrap) % wrap) - first : 0;
	return (time) => ticks90k(rounded(time) + offset);
}

function expectDecodes(back: ReadingBack, { decodes, decodesOf }: Seen, units: readonly WrittenUnit[]): void {
	let index = 0;
	let told: DecodeInformation = {};
	for (const { head, accessUnits } of units) {
		const decode = decodeAsRead(back, head.decode);
		// A track that the unit has not is gone; one of which it has no access unit yet stays as it was told.
		const { video, audio } = told;
		told = {
			...(video?.codec === decode.video?.codec && { video }),
			...(audio?.codec === decode.audio?.codec && { audio }),
		};
		for (const { track } of accessUnits) {
			expect(decodesOf[index++]![track]).toEqual(decode[track]);
			told = { ...told, [track]: decode[track] };
		}
	}
	const texts = decodes.map((decode) => JSON.stringify(decode));
	expect(texts.filter((text, at) => text === texts[at - 1])).toEqual([]);
	const heads = units.map(({ head }) => decodeAsRead(back, head.decode));
	const changes = heads.filter((head, at) => JSON.stringify(head) !== JSON.stringify(heads[at - 1]));
	expect(back.tracksAhead ? decodes : decodes.at(-1)).toEqual(back.tracksAhead ? changes : told);
}

function decodeAsRead({ carriesPreSkip }: ReadingBack, decode: DecodeInformation): DecodeInformation {
	const { audio } = decode;
	if (carriesPreSkip || audio?.codec !== "opus") return decode;
	return { ...decode, audio: { ...audio, preSkip: 0, inputSampleRateHz: 0 } };
}

const RUNS = 150;
const MANY_RUNS = 200;
/** As one viewer gets them; some begin with a number from which 16 bits soon wrap. */
const anyFirstNumber = fc.constantFrom(0, 65_530, 200_000);
const anyUnits = fc.oneof(
	anySequence,
	fc.tuple(anyUnit(), anyUnit()),
	anyUnit().map((unit) => [unit]),
);

/** Declares the tests. */
export function describeReader<Reader extends StreamReader>(name: string, contract: ReaderContract<Reader>): void {
	describe(`of a unit that was written as ${name}, the reader`, () => testUnits(contract));
	describe(`of units written as ${name} one behind the other, the reader`, () => testSequences(contract));
	describe(`of broken ${name}, the reader`, () => testDamage(contract));
}

function testAll<T>(name: string, numRuns: number, arbitrary: fc.Arbitrary<T>, holds: (made: T) => void): void {
	test(name, () => fc.assert(fc.property(arbitrary, holds), { numRuns }));
}

function expectClean<Reader extends StreamReader>(
	contract: ReaderContract<Reader>,
	units: readonly SentUnit[],
	firstNumber = 0,
): void {
	const response = writeResponse(contract.packaging, units, firstNumber);
	const seen = readAll(contract.open, response);
	expectReadBack(contract, seen, units);
	const counts = contract.counts?.(seen.reader) ?? {};
	expect(counts).toMatchObject(contract.cleanCounts?.(response, units) ?? {});
}

function testUnits<Reader extends StreamReader>(contract: ReaderContract<Reader>): void {
	const { packaging, open, firstWaits, closesUnits, heldAtRest } = contract;

	testAll("gives everything back: access units, times, decode information, its name", RUNS, anyUnit(), (unit) => {
		expectClean(contract, [unit]);
	});

	testAll("gives each access unit with its last byte, however large, and keeps none of it", RUNS, anyUnit(), (unit) => {
		let seen = 0;
		const reader = open({ accessUnit: () => seen++ });
		for (const [index, piece] of pieces(packaging, unit).slice(0, unit.accessUnits.length).entries()) {
			reader.push(piece.subarray(0, -1));
			expect(seen).toBeLessThanOrEqual(index);
			reader.push(piece.subarray(-1));
			if (index > 0 || !firstWaits) expect([seen, reader.heldBytes]).toEqual([index + 1, heldAtRest]);
		}
	});

	testAll("is given the same bytes each time, each piece in memory asked for once", RUNS, anyUnit(), (unit) => {
		let asked = 0;
		const dirty: Allocate = (length) => {
			asked++;
			return new Uint8Array(length + 14).fill(0xa5).subarray(7, 7 + length);
		};
		const [first, again, elsewhere] = [
			pieces(packaging, unit),
			pieces(packaging, unit),
			pieces(packaging, unit, dirty),
		];
		for (const other of [again, elsewhere]) expect(Buffer.compare(Buffer.concat(other), Buffer.concat(first))).toBe(0);
		expect(asked).toBe(elsewhere.length);
		if (!closesUnits) expect(elsewhere.length).toBe(unit.accessUnits.length);
	});
}

function testSequences<Reader extends StreamReader>(contract: ReaderContract<Reader>): void {
	const { packaging, bridgesHoles } = contract;

	const sent = fc.tuple(anySequence, anyFirstNumber);
	testAll("tells each switch with rendition and number, and gives everything back", RUNS, sent, ([units, first]) => {
		expectClean(contract, units, first);
	});

	const before = anyUnit({ number: 3, time: 300_000 });
	const after = anyUnit({ number: 9, time: 900_000 });
	const hole = fc.tuple(before, after, fc.nat(), anyFirstNumber);
	testAll("gives all that was sent before a hole, wherever it broke off, and behind", RUNS, hole, (made) => {
		const [{ head, accessUnits }, next, at, first] = made;
		expect(packaging.hole(next.head, fresh) !== undefined).toBe(bridgesHoles);
		// One more than there are: then it is closed as well.
		const kept = 1 + (at % (accessUnits.length + 1));
		const broken = { head, accessUnits: accessUnits.slice(0, kept), brokeOff: kept <= accessUnits.length };
		expectClean(contract, [broken, { ...next, overHole: true }], first);
	});
}

function testDamage<Reader extends StreamReader>(contract: ReaderContract<Reader>): void {
	const { packaging, open, codes, growth, mostHeld, heldAtEnd, lure } = contract;

	const inPieces = fc.tuple(anyUnits, anySizes, fc.option(anyDamage));
	testAll("gives and counts the same however the bytes are cut", RUNS, inPieces, ([units, sizes, damage]) => {
		const whole = Buffer.concat([lure, writeResponse(packaging, units)]).subarray(0, 60_000);
		const bytes = damage === null ? whole : damaged(whole, damage);
		const [expected, seen] = [readAll(open, bytes), readAll(open, ...cut(bytes, sizes))];
		expectSame(seen.accessUnits, expected.accessUnits);
		const told = (one: Seen): unknown[] => [messages(one), one.starts, one.decodes];
		expect(told(seen)).toEqual(told(expected));
		expect(contract.counts?.(seen.reader)).toEqual(contract.counts?.(expected.reader));
	});

	const broken = fc.tuple(anyUnits, anyDamage);
	testAll(
		"never throws, keeps and gives no more than it may, tells faults by code",
		MANY_RUNS,
		broken,
		([units, damage]) => {
			const bytes = damaged(writeResponse(packaging, units), damage);
			let given = 0;
			const faults: unknown[] = [];
			const reader = open({
				accessUnit: ({ data }) => (given += data.length),
				fault: (error) => faults.push(error instanceof PenstockError ? error.code : error),
			});
			for (let at = 0; at < bytes.length; at += 5000) {
				reader.push(bytes.subarray(at, at + 5000));
				expect(reader.heldBytes).toBeLessThanOrEqual(mostHeld(Math.min(at + 5000, bytes.length)));
			}
			reader.end();
			expect(reader.heldBytes).toBeLessThanOrEqual(heldAtEnd);
			expect(given).toBeLessThanOrEqual(bytes.length * growth);
			expect(faults.filter((code) => !codes.some((one) => one === code))).toEqual([]);
			expect(reader.faults).toBe(faults.length);
		},
	);

	const noisy = fc.tuple(anyUnit(), anyUnit(), fc.uint8Array({ minLength: 1, maxLength: 3000 }));
	testAll(
		"tells garbage between units by the packaging's code, and where it begins",
		RUNS,
		noisy,
		([one, two, noise]) => {
			noise[0] = 0xff; // nothing that a packaging knows begins with it
			const before = writeResponse(packaging, [one]);
			const { faults } = readAll(open, before, noise, writeResponse(packaging, [two]));
			expect(faults[0]?.code).toBe(codes[0]);
			expect(faults[0]!.message).toContain(`byte ${before.length}`);
		},
	);
}
