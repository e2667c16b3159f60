/**
 * One fragment for one access unit: `moof` and the header of its `mdat` (ISO/IEC 14496-12, clauses 8.8.4 to 8.8.8 and
 * 8.8.12), written in place. Every offset is from the start of its own `moof` (default-base-is-moof), and every time is
 * absolute, so that a fragment says nothing of the one before.
 */
import { writeUint32 } from "../../base/bytes.ts";
import { boxType, putUint64 } from "./box.ts";

/** What a fragment of one sample says of it. Times are on the track's timescale. */
export interface FragmentHead {
	readonly sequenceNumber: number;
	readonly trackId: number;
	readonly decodeTime: number;
	readonly duration: number;
	readonly compositionOffset: number;
	/** Sample flags; undefined where they are what `trex` says. */
	readonly flags: number | undefined;
	readonly dataBytes: number;
}

const [MOOF, MFHD, TRAF, TFHD, TFDT, TRUN, MDAT] = ["moof", "mfhd", "traf", "tfhd", "tfdt", "trun", "mdat"].map(
	boxType,
) as [number, number, number, number, number, number, number];

const MFHD_BYTES = 16;
const TFHD_BYTES = 16;
const TFDT_BYTES = 20;
/** With data_offset; without the sample. */
const TRUN_BYTES = 20;
const MDAT_HEADER_BYTES = 8;
/** From the `moof` to where the sample's own fields begin. */
const FIXED_BYTES = 8 + MFHD_BYTES + 8 + TFHD_BYTES + TFDT_BYTES + TRUN_BYTES;

const DEFAULT_BASE_IS_MOOF = 0x02_0000;
/** data-offset-present, sample-duration-present, sample-size-present. */
const RUN_FLAGS = 0x301;
const SAMPLE_FLAGS_PRESENT = 0x400;
const COMPOSITION_OFFSETS_PRESENT = 0x800;

const sampleFieldBytes = (head: FragmentHead): number =>
	8 + (head.flags === undefined ? 0 : 4) + (head.compositionOffset === 0 ? 0 : 4);

/** What stands in front of the data. */
export const fragmentHeadBytes = (head: FragmentHead): number =>
	FIXED_BYTES + sampleFieldBytes(head) + MDAT_HEADER_BYTES;

/** Writes `moof` and the `mdat`'s header into `out` at `at`; the data follows where this ends. */
export function writeFragmentHead(out: Uint8Array, at: number, head: FragmentHead): void {
	const moofBytes = FIXED_BYTES + sampleFieldBytes(head);
	let to = putBox(out, at, moofBytes, MOOF);
	to = putBox(out, to, MFHD_BYTES, MFHD);
	writeUint32(out, to, 0);
	writeUint32(out, to + 4, head.sequenceNumber);
	to = putBox(out, to + 8, moofBytes - 8 - MFHD_BYTES, TRAF);
	to = putBox(out, to, TFHD_BYTES, TFHD);
	writeUint32(out, to, DEFAULT_BASE_IS_MOOF);
	writeUint32(out, to + 4, head.trackId);
	to = putBox(out, to + 8, TFDT_BYTES, TFDT);
	writeUint32(out, to, 0x0100_0000); // version 1: 64 bits
	putUint64(out, to + 4, head.decodeTime);
	putRun(out, to + 12, moofBytes, head);
	putBox(out, at + moofBytes, MDAT_HEADER_BYTES + head.dataBytes, MDAT);
}

function putRun(out: Uint8Array, at: number, moofBytes: number, head: FragmentHead): void {
	const { flags, compositionOffset } = head;
	const present =
		RUN_FLAGS |
		(flags === undefined ? 0 : SAMPLE_FLAGS_PRESENT) |
		(compositionOffset === 0 ? 0 : COMPOSITION_OFFSETS_PRESENT);
	let to = putBox(out, at, TRUN_BYTES + sampleFieldBytes(head), TRUN);
	writeUint32(out, to, 0x0100_0000 | present); // version 1: composition offsets may be negative
	writeUint32(out, to + 4, 1); // sample_count
	writeUint32(out, to + 8, moofBytes + MDAT_HEADER_BYTES); // data_offset
	writeUint32(out, to + 12, head.duration);
	writeUint32(out, to + 16, head.dataBytes);
	to += 20;
	if (flags !== undefined) {
		writeUint32(out, to, flags);
		to += 4;
	}
	if (compositionOffset !== 0) writeUint32(out, to, compositionOffset);
}

/** @returns where the box's payload begins */
function putBox(out: Uint8Array, at: number, byteLength: number, type: number): number {
	writeUint32(out, at, byteLength);
	writeUint32(out, at + 4, type);
	return at + 8;
}
