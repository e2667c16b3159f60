import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32, parsePat, parsePmt, patSection, pmtSection, SectionAssembler } from "./psi.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
/** As FFmpeg 5.1 wrote it: `-f lavfi -i testsrc … -c:v libx264 -f mpegts`. */
const FFMPEG_PAT = hex("00 b00d 0001 c1 00 00 0001 f000 2ab104b2");

test("the CRC is that of annex A: check value of CRC-32/MPEG-2, and zero over a whole section", () => {
	expect(crc32(new TextEncoder().encode("123456789"))).toBe(0x0376e6e7);
	expect(crc32(FFMPEG_PAT)).toBe(0);
});

test("the PAT of programme 1 is byte for byte the one FFmpeg writes (2.4.4.3)", () => {
	expect(patSection(1, 1, 0x1000)).toEqual(FFMPEG_PAT);
	expect(parsePat(FFMPEG_PAT)).toBe(0x1000);
});

test("the PMT names PCR PID, stream types and PIDs (2.4.4.8)", () => {
	const map = {
		version: 3,
		pcrPid: 0x100,
		streams: [
			{ streamType: 0x1b, pid: 0x100, descriptors: hex("") },
			{ streamType: 0x06, pid: 0x101, descriptors: hex("0504 4f707573 7f02 8002") },
		],
	};
	const section = pmtSection(1, map);
	expect([...section.subarray(0, -4)]).toEqual([
		...hex("02 b021 0001 c7 00 00 e100 f000"),
		...hex("1b e100 f000"),
		...hex("06 e101 f00a 0504 4f707573 7f02 8002"),
	]);
	expect(crc32(section)).toBe(0);
	expect(parsePmt(section)).toEqual(map);
});

test("a PMT with descriptors is read past them, one whose lengths do not add up is not read", () => {
	const section = hex("02 b01b 0001 c1 00 00 e100 f002 aabb 0f e101 f002 ccdd 1b e100 f000 00000000");
	expect(parsePmt(section)?.streams.map(({ pid }) => pid)).toEqual([0x101, 0x100]);
	section[section.length - 5] = 1;
	expect(parsePmt(section)).toBeUndefined();
});

describe("sections out of packets", () => {
	const collect = (): { assembler: SectionAssembler; sections: Uint8Array[] } => {
		const sections: Uint8Array[] = [];
		return { assembler: new SectionAssembler((section) => sections.push(section.slice())), sections };
	};
	const long = pmtSection(1, {
		version: 0,
		pcrPid: 0x100,
		streams: Array.from({ length: 150 }, (_, i) => ({ streamType: 6, pid: 0x200 + i, descriptors: hex("") })),
	});

	test("may be several in one packet and run over many (2.4.4.1, pointer_field)", () => {
		fc.assert(
			fc.property(fc.integer({ min: 10, max: 184 }), fc.integer({ min: 0, max: 5 }), (size, before) => {
				const { assembler, sections } = collect();
				const stream = new Uint8Array([...FFMPEG_PAT, ...long, ...FFMPEG_PAT]);
				// Cut as a multiplexer does: a packet in which a section starts says where, by its pointer_field.
				const starts = [0, FFMPEG_PAT.length, FFMPEG_PAT.length + long.length];
				assembler.push(new Uint8Array([before, ...new Uint8Array(before).fill(1), 0xff]), true); // joined in mid-section
				for (let at = 0; at < stream.length; ) {
					const start = starts.find((offset) => offset >= at && offset < at + size - 1);
					const taken = Math.min(start === undefined ? size : size - 1, stream.length - at);
					const bytes = stream.subarray(at, at + taken);
					assembler.push(start === undefined ? bytes : new Uint8Array([start - at, ...bytes]), start !== undefined);
					at += taken;
				}
				expect(sections).toEqual([FFMPEG_PAT, long, FFMPEG_PAT]);
				expect(assembler.crcErrors).toBe(0);
			}),
		);
	});

	test("are dropped and counted when the CRC is wrong, and given up when a packet is lost", () => {
		const { assembler, sections } = collect();
		const broken = FFMPEG_PAT.slice();
		broken[9]! ^= 1;
		assembler.push(new Uint8Array([0, ...broken]), true);
		expect(assembler.crcErrors).toBe(1);
		assembler.push(new Uint8Array([0, ...long.subarray(0, 100)]), true);
		assembler.reset();
		assembler.push(long.subarray(100), false);
		expect(sections).toEqual([]);
		expect(assembler.crcErrors).toBe(1);
	});
});
