/** What RTP keeps as every packaging does, and what only its packets have: numbers, and what RFC 3550 lets others add. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, plainUnit } from "../../../test/kit/random-units.ts";
import { describeReader, messages, readAll, type Seen } from "../../../test/kit/reader-contract.ts";
import { type WrittenUnit, writeResponse } from "../../../test/kit/switching-units.ts";
import { MOST_PES_BYTES } from "../mpegts/pes-assembler.ts";
import { RtpReader } from "./reader.ts";
import { rtp } from "./rtp.ts";

/** The longest packet with its length, and what the finder of transport stream packets keeps. */
const MOST_HELD = 65_537 + 2 * MOST_PES_BYTES + 564;
const NO_FAULTS = { missing: 0, duplicates: 0, restarts: 0, skips: 0, skippedBytes: 0 };
/** The transport stream's: a start code of three bytes becomes a length of four. */
const GROWTH = 4 / 3;

describeReader("RTP", {
	packaging: rtp,
	open: (sink) => new RtpReader(sink),
	codes: ["RTP_SYNTAX", "MPEGTS_SYNTAX", "STREAM_UNSUPPORTED"],
	mostHeld: (pushed) => Math.min(MOST_HELD, pushed * GROWTH),
	heldAtRest: 0,
	heldAtEnd: 0,
	growth: GROWTH,
	tick: 1,
	wrap: 2 ** 33,
	tracksAhead: false,
	carriesPreSkip: false,
	firstWaits: true, // until the transport stream's sync is proven by 377 bytes
	closesUnits: true,
	bridgesHoles: true,
	lure: Uint8Array.of(1, 2, 0x47),
	counts: ({ counts }) => counts,
	cleanCounts: () => NO_FAULTS,
});

const RUNS = { numRuns: 150 };
const unit = (number: number): WrittenUnit => plainUnit(number, "h264+aac");
const write = (units: readonly WrittenUnit[], firstNumber = 0): Uint8Array => writeResponse(rtp, units, firstNumber);

function read(chunks: readonly Uint8Array[]): Seen & Pick<RtpReader, "counts"> & { readonly told: readonly string[] } {
	const seen = readAll((sink) => new RtpReader(sink), ...chunks);
	return { ...seen, counts: seen.reader.counts, told: messages(seen) };
}

test("garbage of any length between two units is told once, with its place, and costs nothing else", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), (noise) => {
			noise[0] = 0xff; // no null packet, and no start of one
			const [before, after] = [write([unit(1)]), write([unit(2)])];
			const seen = read([before, noise, after]);
			expect(seen.accessUnits.length).toBe(unit(1).accessUnits.length + unit(2).accessUnits.length);
			expect(seen.told).toEqual([expect.stringMatching(`^RTP_SYNTAX: .*byte ${before.length}: ${noise.length} bytes`)]);
			expect(seen.counts).toMatchObject({ skips: 1, skippedBytes: noise.length });
		}),
		RUNS,
	);
});

test("a packet that is missing is counted, and the transport stream's reader tells what it cost", () => {
	const bytes = write([unit(1)]);
	const seen = read([bytes.subarray(0, 1330), bytes.subarray(2660)]);
	expect(seen.counts).toMatchObject({ ...NO_FAULTS, missing: 1 });
	expect(seen.told[0]).toMatch(/^MPEGTS_SYNTAX: .*packets of PID \d+ are missing/);
});

test("a packet sent twice is read once; numbers that begin afresh are taken", () => {
	const bytes = write([unit(1)], 500);
	const twice = read([bytes.subarray(0, 1330), bytes]);
	expect(twice.told).toEqual([]);
	expect(twice.counts).toMatchObject({ ...NO_FAULTS, duplicates: 1 });
	const afresh = read([bytes, write([unit(2)])]);
	expect(afresh.told).toEqual([]);
	expect(afresh.counts).toMatchObject({ ...NO_FAULTS, restarts: 1 });
});

test("CSRCs, a header extension, padding and null packets are read past (RFC 3550, 5.1; RFC 4571, 2)", () => {
	const bytes = write([unit(1)]);
	const plain = read([bytes]).accessUnits;
	const parts: Uint8Array[] = [Uint8Array.of(0, 0)];
	for (let at = 0, index = 0; at < bytes.length; index++) {
		const end = at + 2 + bytes[at]! * 256 + bytes[at + 1]!;
		const head = bytes.slice(at + 2, at + 14);
		const [csrcs, extends_, padding] = [index % 3, index % 2 === 1, index % 5];
		head[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extends_ ? 0x10 : 0) | csrcs;
		const body = Buffer.concat([
			head,
			new Uint8Array(4 * csrcs).fill(0x47),
			extends_ ? Uint8Array.of(0xbe, 0xde, 0, 1, 9, 9, 9, 9) : new Uint8Array(0),
			bytes.subarray(at + 14, end),
			new Uint8Array(padding).fill(padding),
		]);
		parts.push(Uint8Array.of(body.length >> 8, body.length & 0xff), body, Uint8Array.of(0, 0));
		at = end;
	}
	const seen = read(parts);
	expect(seen.told).toEqual([]);
	expect(seen.accessUnits).toEqual(plain);
	expect(read(cut(Buffer.concat(parts), [1])).accessUnits).toEqual(plain);
});

test("packets of another payload type or version, or of half a transport stream packet, are no packets", () => {
	const packet = write([unit(1)]).slice(0, 1330);
	for (const [at, value] of [
		[2, 0x40],
		[3, 0x60],
		[14, 0x46],
	] as const) {
		const changed = packet.slice();
		changed[at] = value;
		expect(read([changed]).counts, `byte ${at}`).toMatchObject({ packets: 0, skips: 1, skippedBytes: 1330 });
	}
	const half = Buffer.concat([Uint8Array.of(5, 0x2f), packet.subarray(2, -1)]);
	expect(read([half]).counts).toMatchObject({ packets: 0, skips: 1, skippedBytes: 1329 });
	expect(read([packet.subarray(0, 1000)]).told).toEqual([expect.stringMatching(/byte 0: 1000 bytes/)]);
});

test("a false start in garbage, with a length of 64 KiB, hides nothing", () => {
	const lure = new Uint8Array(20).fill(0xff);
	const length = 12 + 347 * 188;
	lure.set([length >> 8, length & 0xff, 0x80, 33, ...new Uint8Array(10), 0x47], 1);
	const units = [1, 2, 3, 4, 5, 6, 7, 8].map(unit);
	const bytes = write(units);
	for (const parts of [
		[lure, bytes],
		[bytes, lure, write([unit(9)])],
	]) {
		const seen = read(parts);
		const plain = read(parts.filter((part) => part !== lure));
		expect(seen.accessUnits).toEqual(plain.accessUnits);
		expect(seen.counts).toMatchObject({ skips: 1, skippedBytes: lure.length });
	}
});
