/** Program streams as cameras send them, made by hand from random access units. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { camera, PACK, pes, programMap } from "../../../test/kit/program-streams.ts";
import { anyDamage, anySizes, anyUnit, cut, damaged, plainUnit } from "../../../test/kit/random-units.ts";
import { expectSame, messages, readAll } from "../../../test/kit/reader-contract.ts";
import { described, openRtp, rtpPacket } from "../../../test/kit/rtp-rig.ts";
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../access-unit.ts";
import { MOST_PES_BYTES } from "../mpegts/pes-assembler.ts";
import { ProgramStreamReader } from "./program-stream.ts";

const anyCamera = anyUnit().filter(({ head: { decode } }) => decode.audio?.codec !== "opus");
/** Around where 33 bits wrap, a reader takes the first time as it stands, and sound may come first. */
const sinceWrap = (units: readonly AccessUnit[]): AccessUnit[] => {
	const shift = Math.round((units[0]?.pts ?? 0) / 2 ** 33) * 2 ** 33;
	return units.map((one) => ({ ...one, pts: ticks90k(one.pts - shift), dts: ticks90k(one.dts - shift) }));
};
/** Not so many that they are too many for a call. */
const inPieces = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
	const least = Math.ceil(bytes.length / 20_000);
	return cut(
		bytes,
		sizes.map((size) => Math.max(size, least)),
	);
};
const RUNS = { numRuns: 100 };
const open = (sink: ConstructorParameters<typeof ProgramStreamReader>[0]) => new ProgramStreamReader(sink);

test("H.264, HEVC and AAC come back as they were, whatever the bytes are cut into", () => {
	fc.assert(
		fc.property(anyCamera, anySizes, fc.constantFrom(300, 60_000), (unit, sizes, most) => {
			const { packs, expected } = camera(unit, most);
			const seen = readAll(open, ...inPieces(Buffer.concat(packs), sizes));
			expect(messages(seen)).toEqual([]);
			for (const track of ["video", "audio"] as const) {
				const ofTrack = (units: readonly AccessUnit[]) => units.filter((one) => one.track === track);
				expectSame(sinceWrap(ofTrack(seen.accessUnits)), sinceWrap(ofTrack(expected)));
			}
			const { video, audio } = unit.head.decode;
			expect(seen.decodes.at(-1)).toEqual({
				...(expected.some(({ track }) => track === "video") && { video }),
				...(expected.some(({ track }) => track === "audio") && { audio }),
			});
		}),
		RUNS,
	);
});

test("with RTP's markers nothing waits for the next one, and times are those of the program stream", () => {
	const { packs, expected } = camera(plainUnit(4, "h264+aac"));
	const rig = openRtp([described("PS", 90_000)]);
	let number = 0;
	for (const [index, pack] of packs.entries()) {
		for (const [part, payload] of cut(pack, [1000]).entries()) {
			rig.push(rtpPacket({ number: number++, timestamp: index, marker: (part + 1) * 1000 >= pack.length, payload }));
		}
		expect(rig.accessUnits.length).toBe(index + 1);
		expect(rig.session.heldBytes).toBe(0);
	}
	expectSame(rig.accessUnits, expected);
	expect(rig.faults).toEqual([]);
});

test("a picture that lost a packet is left out, and the next pack is read again", () => {
	const { packs, expected } = camera(plainUnit(4, "h264"));
	const pieces = packs.flatMap((pack, index) => cut(pack, [1000]).map((payload, part) => ({ payload, index, part })));
	for (const [lost, gone] of pieces.entries()) {
		const rig = openRtp([described("PS", 90_000)]);
		for (const [number, { payload, index, part }] of pieces.entries()) {
			const marker = (part + 1) * 1000 >= packs[index]!.length;
			if (number !== lost) rig.push(rtpPacket({ number, timestamp: index, marker, payload }));
		}
		rig.clock.advance(1000);
		rig.session.end();
		// Before the first key picture's parameter sets nothing can be decoded.
		const whole = gone.index === 0 ? [] : expected.filter((_, index) => index !== gone.index);
		if (gone.index > 0) expectSame(rig.accessUnits, whole);
		else expect(rig.accessUnits.length).toBeLessThan(packs.length);
	}
});

test("G.711 is told once, as unfit, and the picture goes on", () => {
	const unit = plainUnit(2, "h264");
	const { packs, expected } = camera(unit);
	const sound = pes(0xc0, 600_000, 600_000, new Uint8Array(320).fill(0xd5));
	const withMap = packs.map((pack) => Buffer.concat([PACK, programMap([0x1b, 0xe0], [0x90, 0xc0]), pack, sound]));
	const seen = readAll(open, ...withMap);
	expectSame(seen.accessUnits, expected);
	expect(messages(seen)).toEqual([expect.stringMatching(/^STREAM_UNSUPPORTED: .*G\.711 \(A-law\)/)]);
});

test("a PES packet that says no length ends where the next element begins", () => {
	const { packs, expected } = camera(plainUnit(2, "h264"));
	const endless = packs.map((pack) => {
		const copy = new Uint8Array(pack);
		const at = Buffer.from(copy).indexOf(Buffer.of(0, 0, 1, 0xe0));
		copy.set([0, 0], at + 4);
		return copy;
	});
	const seen = readAll(open, ...cut(Buffer.concat(endless), [700]));
	expect(messages(seen)).toEqual([]);
	expectSame(seen.accessUnits, expected);
	let most = 0;
	const reader = open({ accessUnit: () => {} });
	reader.push(
		Buffer.concat([
			PACK,
			programMap([0x1b, 0xe0]),
			Uint8Array.of(0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1),
		]),
	);
	const piece = new Uint8Array(1400).fill(0x55);
	const start = performance.now();
	for (let i = 0; i < 6000; i++) {
		reader.push(piece);
		most = Math.max(most, reader.heldBytes);
	}
	expect(most).toBeLessThanOrEqual(MOST_PES_BYTES + 2000);
	expect(performance.now() - start).toBeLessThan(5000);
});

test("never throws, keeps no more than it may, tells faults by code, and reads on behind them", () => {
	fc.assert(
		fc.property(anyCamera, anyDamage, anySizes, (unit, damage, sizes) => {
			const { packs } = camera(unit);
			const broken = damaged(Buffer.concat(packs), damage);
			const intact = camera(plainUnit(9, "h264+aac"));
			const again = Buffer.concat(intact.packs);
			const tail = Buffer.concat([...Array.from({ length: 8 }, () => again), again]);
			const seen = readAll(open, ...inPieces(broken, sizes), new Uint8Array(70_000).fill(0x55), tail);
			for (const { code } of seen.faults) expect(["MPEGPS_SYNTAX", "STREAM_UNSUPPORTED"]).toContain(code);
			expect(seen.reader.heldBytes).toBe(0);
			const lastPictures = seen.accessUnits
				.slice(-intact.expected.length)
				.map(({ data }) => Buffer.from(data).toString("hex"));
			expect(new Set(lastPictures)).toEqual(
				new Set(intact.expected.map(({ data }) => Buffer.from(data).toString("hex"))),
			);
		}),
		RUNS,
	);
});
