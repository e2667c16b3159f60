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
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import type { Allocate } from "../packaging.ts";
import type { UnitStart } from "../stream-reader.ts";
import { mpegTs } from "./mpegts.ts";
import { NO_PCR, PACKET_BYTES, packetCounter, packetHasPayload, packetPcr, packetPid } from "./packet.ts";
import { MOST_PES_BYTES } from "./pes-assembler.ts";
import { AUDIO_PID, VIDEO_PID } from "./program.ts";
import { MpegTsReader } from "./reader.ts";

const write = (...units: RandomUnit[]): Uint8Array => Buffer.concat(units.flatMap((unit) => pieces(mpegTs, unit)));

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: UnitStart[];
	readonly faults: string[];
	readonly reader: MpegTsReader;
}

function read(chunks: readonly Uint8Array[]): Seen {
	const accessUnits: AccessUnit[] = [];
	const decodes: DecodeInformation[] = [];
	const starts: UnitStart[] = [];
	const faults: string[] = [];
	const reader = new MpegTsReader({
		accessUnit: (accessUnit) => accessUnits.push(accessUnit),
		decodeInformation: (decode) => decodes.push(decode),
		unitStart: (start) => starts.push(start),
		fault: (error) => faults.push(error.message),
	});
	for (const chunk of chunks) reader.push(chunk);
	reader.end();
	return { accessUnits, decodes, starts, faults, reader };
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
			fc.property(anyUnit(), (unit) => {
				const bytes = write(unit);
				const { accessUnits, decodes, starts, faults, reader } = read([bytes]);
				const expected = asRead(unit.accessUnits);
				expect(accessUnits.length).toBe(expected.length);
				for (const [index, one] of accessUnits.entries()) {
					const { data, ...rest } = expected[index]!;
					expect(one).toMatchObject(rest);
					expect(Buffer.compare(one.data, data)).toBe(0);
				}
				const { number, rendition } = unit.head;
				expect(starts).toEqual([{ time: expected[0]!.pts, number, rendition }]);
				expect(faults).toEqual([]);
				const hasAudio = unit.accessUnits.some(({ track }) => track === "audio");
				expect(decodes.at(-1)?.video).toEqual(unit.head.decode.video);
				expect(decodes.at(-1)?.audio).toEqual(hasAudio ? unit.head.decode.audio : undefined);
				expect(reader.counts).toMatchObject(NO_FAULTS);
				expect(reader.counts.packets).toBe(bytes.length / PACKET_BYTES);
			}),
			RUNS,
		);
	});

	test("gives its last access unit without waiting for the next, even above 64 KiB", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
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
			fc.property(anyUnit(), (unit) => {
				const bytes = write(unit);
				expect(Buffer.compare(write(unit), bytes)).toBe(0);
				expect(Buffer.compare(Buffer.concat(pieces(mpegTs, unit, dirty)), bytes)).toBe(0);
			}),
			RUNS,
		);
	});

	test("is read the same however it is cut", () => {
		fc.assert(
			fc.property(anyUnit(), anySizes, (unit, sizes) => {
				const bytes = new Uint8Array([1, 2, 0x47, ...write(unit).subarray(0, 20_000)]);
				const { reader: one, ...whole } = read([bytes]);
				const { reader: other, ...inPieces } = read(cut(bytes, sizes));
				expect(inPieces).toEqual(whole);
				expect(other.counts).toEqual(one.counts);
				expect([one.faults, other.faults]).toEqual([whole.faults.length, whole.faults.length]);
			}),
			RUNS,
		);
	});

	test("has program clock references that never go back and begin 100 ms before the first DTS", () => {
		fc.assert(
			fc.property(anyUnit(), (unit) => {
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
	test("have not one jump of a continuity counter, and every access unit comes out", () => {
		fc.assert(
			fc.property(anySequence, (units) => {
				const bytes = write(...units);
				const seen = read([bytes]);
				expect(seen.reader.counts).toMatchObject(NO_FAULTS);
				expect(seen.accessUnits.length).toBe(units.reduce((sum, unit) => sum + unit.accessUnits.length, 0));
				expect(seen.starts).toEqual(
					units.map(({ head: { time, number, rendition } }) => ({ time, number, rendition })),
				);
				expect(seen.faults).toEqual([]);
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
			fc.property(anyUnit(), (unit) => {
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
				anyUnit({ number: 3, time: 300_000, tracks: "h264+aac" }),
				anyUnit({ number: 9, time: 900_000, tracks: "h264+aac" }),
				fc.nat(),
				(before, after, broke) => {
					const written = pieces(mpegTs, before);
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
	fc.assert(
		fc.property(anyUnit(), anyUnit(), anyDamage, (one, two, list) => {
			const bytes = damaged(write(one, two), list);
			let given = 0;
			let faults = 0;
			const reader = new MpegTsReader({ accessUnit: ({ data }) => (given += data.length), fault: () => faults++ });
			for (let at = 0; at < bytes.length; at += 5000) {
				reader.push(bytes.subarray(at, at + 5000));
				expect(reader.heldBytes).toBeLessThanOrEqual(2 * MOST_PES_BYTES + 564);
			}
			reader.end();
			expect(faults).toBe(reader.faults);
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
				const start = anyUnit({ tracks: "h264+aac" });
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
