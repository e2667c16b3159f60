/**
 * FLV's framing: the file header, and tags with their sizes before and behind them (Adobe Flash Video File Format
 * Specification 10.1, annex E.2 to E.4.1).
 */
import { readUint24, writeUint24, writeUint32 } from "../../base/bytes.ts";
import { TICKS_PER_MS, type Ticks90k } from "../../base/units.ts";

/** Behind the header stands PreviousTagSize0. */
export const FILE_HEADER_BYTES = 9;
export const TAG_HEADER_BYTES = 11;
/** PreviousTagSize. */
export const TAG_SIZE_BYTES = 4;
/** What a tag takes beside its body, PreviousTagSize included. */
export const TAG_FRAME_BYTES = TAG_HEADER_BYTES + TAG_SIZE_BYTES;
/** DataSize has 24 bits. */
export const LONGEST_TAG_BODY = 0xff_ffff;

export const TAG_AUDIO = 8;
export const TAG_VIDEO = 9;
export const TAG_SCRIPT = 18;

export const FLAG_AUDIO = 4;
export const FLAG_VIDEO = 1;

/** The nearest millisecond: what goes forward in ticks never goes back in these. */
export const tagMs = (time: Ticks90k): number => Math.round(time / TICKS_PER_MS);

/** Writes the header (E.2) and PreviousTagSize0. */
export function writeFileHeader(out: Uint8Array, at: number, flags: number): void {
	out.set([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, FILE_HEADER_BYTES, 0, 0, 0, 0], at);
}

/**
 * Writes what stands before and behind a tag's body (E.3, E.4.1).
 * @param ms any whole number; its low 32 bits are written
 * @returns where the body goes
 */
export function writeTagFrame(out: Uint8Array, at: number, type: number, ms: number, bodyBytes: number): number {
	const low = (ms % 2 ** 32) >>> 0;
	out[at] = type;
	writeUint24(out, at + 1, bodyBytes);
	writeUint24(out, at + 4, low); // Timestamp
	out[at + 7] = low >>> 24; // TimestampExtended
	writeUint24(out, at + 8, 0); // StreamID
	const body = at + TAG_HEADER_BYTES;
	writeUint32(out, body + bodyBytes, TAG_HEADER_BYTES + bodyBytes);
	return body;
}

/** SI24. */
export const readInt24 = (bytes: Uint8Array, at: number): number => (readUint24(bytes, at) << 8) >> 8;
