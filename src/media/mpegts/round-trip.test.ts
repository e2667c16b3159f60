import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Ticks90k, ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { h264Config, joinLengthPrefixed } from "../h264.ts";
import type { Allocate, UnitHead } from "../packaging.ts";
import { mpegTs } from "./mpegts.ts";
import { NO_PCR, PACKET_BYTES, packetCounter, packetHasPayload, packetPcr, packetPid } from "./packet.ts";
import { MOST_PES_BYTES } from "./pes-assembler.ts";
import { AUDIO_PID, VIDEO_PID } from "./program.ts";
import { MpegTsReader } from "./reader.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
/** x264, Main, 25 fps: 640×360, 320×180, 160×90. */
const RENDITIONS = [
	"674d401ed900a02ff97011000003000100000300320f162e48",
	"674d400cd901419f9f011000000300100000030320f142a480",
	"674d400bd9028df93011000003000100000300320f142a48",
].map((sps) => h264Config([hex(sps)], [hex("68ebc3cb20")]));
const AAC = parseAudioSpecificConfig(hex("1190")); // LC, 48 kHz, two channels
const FRAME = 1920; // of AAC at 48 kHz, in ticks

interface Unit {
	readonly head: UnitHead;
	readonly accessUnits: readonly AccessUnit[];
}

/** Bytes that a NAL unit may hold: no start code inside, no zero at the end (ITU-T H.264, clause 7.4.1). */
function nal(type: number, length: number, seed: number): Uint8Array {
	const out = new Uint8Array(1 + length);
	out[0] = 0x60 | type;
	let state = seed | 1;
	let zeros = 0;
	for (let at = 1; at <= length; at++) {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
		let byte = (state >>> 24) & (state & 0x100 ? 0xff : 0x03); // many small values
		if ((zeros >= 2 && byte <= 3) || (at === length && byte === 0)) byte = 3 + (zeros < 2 ? 0 : 200);
		zeros = byte === 0 ? zeros + 1 : 0;
		out[at] = byte;
	}
	return out;
}

const nalSize = fc.oneof(
	{ weight: 20, arbitrary: fc.integer({ min: 1, max: 900 }) },
	{ weight: 2, arbitrary: fc.integer({ min: 65_470, max: 65_540 }) },
	{ weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }) },
);
const nals = (type: number): fc.Arbitrary<Uint8Array> =>
	fc
		.array(fc.tuple(nalSize, fc.integer()), { minLength: 1, maxLength: 3 })
		.map((list) => joinLengthPrefixed(list.map(([length, seed]) => nal(type, length, seed))));

const picture = fc.record({
	kind: fc.constant("video" as const),
	data: nals(1),
	step: fc.integer({ min: 1, max: 20_000 }),
	reorder: fc.constantFrom(0, 0, 3000, 9000),
});
const sound = fc.record({
	kind: fc.constant("audio" as const),
	data: fc.uint8Array({ minLength: 1, maxLength: 800 }),
	step: fc.constantFrom(FRAME, FRAME, 4 * FRAME),
});
const composition = fc.constantFrom("both", "both", "both", "video", "audio");
/** Times near 0 and around where 33 bits wrap. */
const anyTime = fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 2 ** 33 - 200_000, max: 2 ** 33 + 5 }));

function unitOf(
	fixed: { number?: number; time?: number; rendition?: number; tracks?: string } = {},
): fc.Arbitrary<Unit> {
	return fc
		.record({
			number: fixed.number === undefined ? fc.nat(1_000_000) : fc.constant(fixed.number),
			time: fixed.time === undefined ? anyTime : fc.constant(fixed.time),
			rendition: fixed.rendition === undefined ? fc.nat(2) : fc.constant(fixed.rendition),
			tracks: fixed.tracks === undefined ? composition : fc.constant(fixed.tracks),
			idr: nals(5),
			reorder: fc.constantFrom(0, 3000),
			rest: fc.array(fc.oneof(picture, sound), { maxLength: 14 }),
		})
		.map((made) => {
			const decode: DecodeInformation = {
				...(made.tracks !== "audio" && { video: RENDITIONS[made.rendition]! }),
				...(made.tracks !== "video" && { audio: AAC }),
			};
			const head = { number: made.number, time: ticks90k(made.time), rendition: `r${made.rendition}`, decode };
			const accessUnits: AccessUnit[] = [];
			let dts = made.time - made.reorder;
			let audio = made.time;
			if (decode.video) accessUnits.push(video(made.time, dts, true, made.idr));
			for (const next of made.rest) {
				if (next.kind === "video" && decode.video) {
					dts += next.step;
					accessUnits.push(video(dts + next.reorder, dts, false, next.data));
				} else if (next.kind === "audio" && decode.audio) {
					const pts = ticks90k(audio);
					accessUnits.push({ track: "audio", pts, dts: pts, key: true, data: next.data });
					audio += next.step;
				}
			}
			return { head, accessUnits };
		})
		.filter(({ accessUnits }) => accessUnits.length > 0);
}

function video(pts: number, dts: number, key: boolean, data: Uint8Array): AccessUnit {
	return { track: "video", pts: ticks90k(pts), dts: ticks90k(dts), key, data };
}

const fresh: Allocate = (length) => new Uint8Array(length);

function packets(unit: Unit, allocate: Allocate = fresh): Uint8Array[] {
	const writer = mpegTs.openUnit(unit.head);
	const written = unit.accessUnits.map((accessUnit) => writer.write(accessUnit, allocate));
	const closing = writer.close(allocate);
	return closing ? [...written, closing] : written;
}
const write = (...units: Unit[]): Uint8Array => Buffer.concat(units.flatMap((unit) => packets(unit)));

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: Ticks90k[];
	readonly reader: MpegTsReader;
}

function read(chunks: readonly Uint8Array[]): Seen {
	const seen = { accessUnits: [] as AccessUnit[], decodes: [] as DecodeInformation[], starts: [] as Ticks90k[] };
	const reader = new MpegTsReader({
		accessUnit: (accessUnit) => seen.accessUnits.push(accessUnit),
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: (time) => seen.starts.push(time),
	});
	for (const chunk of chunks) reader.push(chunk);
	reader.end();
	return { ...seen, reader };
}

const NO_FAULTS = {
	syncLosses: 0,
	skippedBytes: 0,
	continuityErrors: 0,
	discontinuities: 0,
	badPackets: 0,
	psiCrcErrors: 0,
	badPes: 0,
	badPayloads: 0,
};

/** Times as a reader tells them that has seen nothing before: the first one taken as it is on the wire. */
function asRead(accessUnits: readonly AccessUnit[]): AccessUnit[] {
	const first = accessUnits[0]?.dts ?? 0;
	const offset = (((first % 2 ** 33) + 2 ** 33) % 2 ** 33) - first;
	return accessUnits.map((unit) => ({
		...unit,
		pts: ticks90k(unit.pts + offset),
		dts: ticks90k(unit.dts + offset),
	}));
}

const RUNS = { numRuns: 150 };

describe("a unit that was written", () => {
	test("is read back whole: access units, times, decode information, and where it starts", () => {
		fc.assert(
			fc.property(unitOf(), (unit) => {
				const bytes = write(unit);
				const { accessUnits, decodes, starts, reader } = read([bytes]);
				const expected = asRead(unit.accessUnits);
				expect(accessUnits.length).toBe(expected.length);
				for (const [index, one] of accessUnits.entries()) {
					const { data, ...rest } = expected[index]!;
					expect(one).toMatchObject(rest);
					expect(Buffer.compare(one.data, data)).toBe(0);
				}
				expect(starts).toEqual([expected[0]!.pts]);
				const hasAudio = unit.accessUnits.some(({ track }) => track === "audio");
				expect(decodes.at(-1)?.video).toEqual(unit.head.decode.video);
				expect(decodes.at(-1)?.audio).toEqual(hasAudio ? AAC : undefined);
				expect(reader.counts).toMatchObject(NO_FAULTS);
				expect(reader.counts.packets).toBe(bytes.length / PACKET_BYTES);
			}),
			RUNS,
		);
	});

	test("gives its last access unit without waiting for the next, even above 64 KiB", () => {
		fc.assert(
			fc.property(unitOf(), (unit) => {
				const writer = mpegTs.openUnit(unit.head);
				let seen = 0;
				const reader = new MpegTsReader({ accessUnit: () => seen++ });
				unit.accessUnits.forEach((accessUnit, index) => {
					reader.push(writer.write(accessUnit, fresh));
					// The very first packets wait until sync is proven by 377 bytes.
					if (index > 0) expect(seen).toBe(index + 1);
				});
			}),
			RUNS,
		);
	});

	test("is the same bytes twice, and in memory that held something else", () => {
		const dirty: Allocate = (length) => new Uint8Array(length + 14).fill(0xa5).subarray(7, 7 + length);
		fc.assert(
			fc.property(unitOf(), (unit) => {
				const bytes = write(unit);
				expect(Buffer.compare(write(unit), bytes)).toBe(0);
				expect(Buffer.compare(Buffer.concat(packets(unit, dirty)), bytes)).toBe(0);
			}),
			RUNS,
		);
	});

	test("is read the same however it is cut", () => {
		fc.assert(
			fc.property(
				unitOf(),
				fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 5000 })), { minLength: 1 }),
				(unit, sizes) => {
					const bytes = new Uint8Array([1, 2, 0x47, ...write(unit).subarray(0, 20_000)]);
					const chunks: Uint8Array[] = [];
					for (let at = 0, i = 0; at < bytes.length; i++) {
						const size = sizes[i % sizes.length]!;
						chunks.push(bytes.slice(at, at + size));
						at += size;
					}
					const whole = read([bytes]);
					const pieces = read(chunks);
					expect(pieces.accessUnits).toEqual(whole.accessUnits);
					expect(pieces.decodes).toEqual(whole.decodes);
					expect(pieces.starts).toEqual(whole.starts);
					expect(pieces.reader.counts).toEqual(whole.reader.counts);
				},
			),
			RUNS,
		);
	});

	test("has program clock references that never go back and begin 100 ms before the first DTS", () => {
		fc.assert(
			fc.property(unitOf(), (unit) => {
				const writer = mpegTs.openUnit(unit.head);
				let last = Number.NEGATIVE_INFINITY;
				for (const accessUnit of unit.accessUnits) {
					const bytes = writer.write(accessUnit, fresh);
					for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
						const pcr = packetPcr(bytes, at);
						if (pcr === NO_PCR) continue;
						expect(packetPid(bytes, at)).toBe(unit.head.decode.video ? VIDEO_PID : AUDIO_PID);
						const near = Math.round((accessUnit.dts - pcr) / 2 ** 33) * 2 ** 33 + pcr;
						expect(near).toBeGreaterThanOrEqual(last);
						if (last === Number.NEGATIVE_INFINITY) expect(near).toBe(accessUnit.dts - 9000);
						last = near;
					}
				}
			}),
			RUNS,
		);
	});
});

describe("units of different renditions, one behind the other", () => {
	const sequence = fc
		.tuple(fc.array(fc.nat(2), { minLength: 2, maxLength: 6 }), fc.nat(40), fc.constantFrom("both", "video", "audio"))
		.chain(([renditions, number, tracks]) =>
			fc.tuple(
				...renditions.map((rendition, i) =>
					unitOf({ number: number + i, time: 300_000 * (1 + number + i), rendition, tracks }),
				),
			),
		);

	test("have not one jump of a continuity counter, and every access unit comes out", () => {
		fc.assert(
			fc.property(sequence, (units) => {
				const bytes = write(...units);
				const seen = read([bytes]);
				expect(seen.reader.counts).toMatchObject(NO_FAULTS);
				expect(seen.accessUnits.length).toBe(units.reduce((sum, unit) => sum + unit.accessUnits.length, 0));
				expect(seen.starts).toEqual(units.map(({ head }) => head.time));
				// A second opinion on the counters, without the reader.
				const next = new Map<number, number>();
				for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
					const pid = packetPid(bytes, at);
					const counter = packetCounter(bytes, at);
					const expected = next.get(pid) ?? counter;
					if (packetHasPayload(bytes, at)) expect(counter).toBe(expected);
					else expect(counter).toBe((expected + 15) % 16);
					next.set(pid, packetHasPayload(bytes, at) ? (counter + 1) % 16 : expected);
				}
			}),
			RUNS,
		);
	});

	test("close with at most 15 packets for each PID", () => {
		fc.assert(
			fc.property(unitOf(), (unit) => {
				const writer = mpegTs.openUnit(unit.head);
				for (const accessUnit of unit.accessUnits) writer.write(accessUnit, fresh);
				expect((writer.close(fresh)?.length ?? 0) / PACKET_BYTES).toBeLessThanOrEqual(30);
				expect(writer.close(fresh)).toBeUndefined();
			}),
			RUNS,
		);
	});

	test("a hole announces its jump on every PID, wherever the unit before it broke off", () => {
		fc.assert(
			fc.property(
				unitOf({ number: 3, time: 300_000, tracks: "both" }),
				unitOf({ number: 9, time: 900_000, tracks: "both" }),
				fc.nat(),
				(before, after, broke) => {
					const written = packets(before);
					const kept = written.slice(0, 1 + (broke % written.length));
					const hole = mpegTs.hole(after.head, fresh)!;
					const seen = read([...kept, hole, write(after)]);
					const delivered = kept.length === written.length ? before.accessUnits.length : kept.length;
					expect(seen.reader.counts).toMatchObject({ ...NO_FAULTS, discontinuities: 4 });
					expect(seen.accessUnits.length).toBe(
						Math.min(delivered, before.accessUnits.length) + after.accessUnits.length,
					);
				},
			),
			RUNS,
		);
	});
});

test("damaged bytes never make the reader throw, keep more than two PES packets, or give out more than came in", () => {
	const damage = fc.record({
		at: fc.nat(),
		kind: fc.constantFrom("flip", "cut", "insert", "zero"),
		value: fc.integer({ min: 0, max: 255 }),
		length: fc.integer({ min: 1, max: 400 }),
	});
	fc.assert(
		fc.property(unitOf(), unitOf(), fc.array(damage, { minLength: 1, maxLength: 20 }), (one, two, list) => {
			let bytes = new Uint8Array(write(one, two));
			for (const { at: anywhere, kind, value, length } of list) {
				const at = anywhere % (bytes.length + 1);
				if (kind === "flip") bytes[at] = value;
				else if (kind === "zero") bytes.fill(value, at, at + length);
				else {
					const [inserted, removed] = kind === "insert" ? [length, 0] : [0, length];
					const filling = new Uint8Array(inserted).fill(value);
					bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), filling, bytes.subarray(at + removed)]));
				}
			}
			let given = 0;
			const reader = new MpegTsReader({ accessUnit: ({ data }) => (given += data.length) });
			for (let at = 0; at < bytes.length; at += 5000) {
				reader.push(bytes.subarray(at, at + 5000));
				expect(reader.heldBytes).toBeLessThanOrEqual(2 * MOST_PES_BYTES);
			}
			reader.end();
			// A start code of three bytes becomes a length of four.
			expect(given).toBeLessThanOrEqual((bytes.length * 4) / 3);
		}),
		RUNS,
	);
});

test("noise never makes the reader throw", () => {
	fc.assert(
		fc.property(
			fc.array(fc.uint8Array({ minLength: 0, maxLength: 183 }), { maxLength: 60 }),
			fc.nat(3),
			(list, pid) => {
				// Every piece is made a packet, so that what is behind the sync byte is tried as well.
				const pids = [0, 0x1000, VIDEO_PID, AUDIO_PID];
				const start = unitOf({ tracks: "both" });
				const chunks = list.map((noise, index) => {
					const out = new Uint8Array(PACKET_BYTES).fill(0xff);
					out.set(noise, 4);
					out.set([0x47, 0x40 | (pids[pid]! >> 8), pids[pid]! & 0xff, 0x10 | (index & 0xf)]);
					return out;
				});
				const lead = fc.sample(start, { numRuns: 1, seed: pid })[0]!;
				read([write(lead), ...chunks]);
			},
		),
		RUNS,
	);
});
