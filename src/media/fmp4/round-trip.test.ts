/** What fragmented MP4 keeps as every packaging does, and what only its boxes have. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { anySequence, anyUnit, pieces } from "../../../test/kit/random-units.ts";
import { describeReader, expectSame, readAll } from "../../../test/kit/reader-contract.ts";
import type { StreamSink } from "../stream-reader.ts";
import { MOST_DESCRIPTION_BYTES, MOST_MESSAGE_BYTES } from "./box-scanner.ts";
import { fmp4 } from "./fmp4.ts";
import { Fmp4Reader } from "./reader.ts";

const open = (sink: StreamSink): Fmp4Reader => new Fmp4Reader(sink);

describeReader("fragmented MP4", {
	packaging: fmp4,
	open,
	codes: ["FMP4_SYNTAX", "STREAM_UNSUPPORTED"],
	mostHeld: () => 300_000 + 2 ** 20, // no sample is begun of which its mdat has not as many bytes
	heldAtRest: 1024, // a window that grows by doubling
	heldAtEnd: MOST_DESCRIPTION_BYTES,
	growth: 1,
	tick: 1,
	wrap: Number.POSITIVE_INFINITY,
	tracksAhead: true,
	carriesPreSkip: true,
	firstWaits: false,
	closesUnits: false,
	bridgesHoles: false,
	lure: Uint8Array.of(0, 0, 1),
});

test("units of different renditions have sequence numbers that go up by one", () => {
	fc.assert(
		fc.property(anySequence, (units) => {
			const numbers = units.flatMap((unit) => pieces(fmp4, unit).map(sequenceNumber));
			expect(numbers).toEqual(numbers.map((_, index) => units[0]!.head.accessUnitsBefore + 1 + index));
		}),
		{ numRuns: 150 },
	);
});

test("one byte that is damaged costs no unit that follows behind a little space", () => {
	const space = new Uint8Array(MOST_MESSAGE_BYTES);
	space.set([0, 1, 0, 0, 0x66, 0x72, 0x65, 0x65]); // a box "free" of 64 KiB
	const units = [anyUnit({ number: 1, time: 90_000 }), anyUnit({ number: 2, time: 900_000 })] as const;
	fc.assert(
		fc.property(...units, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, two, at, change) => {
			const bytes = Buffer.concat(pieces(fmp4, one));
			bytes[at % Math.min(bytes.length, 1500)]! ^= change; // most of it boxes
			const { accessUnits, starts } = readAll(open, bytes, space, Buffer.concat(pieces(fmp4, two)));
			expect(starts.at(-1)).toMatchObject({ number: 2, rendition: two.head.rendition });
			expectSame(accessUnits.slice(-two.accessUnits.length), two.accessUnits);
		}),
		{ numRuns: 300 },
	);
});

/** mfhd of the last moof in a piece. */
function sequenceNumber(piece: Uint8Array): number {
	const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
	return bytes.readUInt32BE(bytes.indexOf("mfhd", 0, "latin1") + 8);
}
