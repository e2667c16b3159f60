/**
 * Packetized elementary streams: the header that gives an access unit its times, and putting one together again.
 * Follows ISO/IEC 13818-1, clauses 2.4.3.6 and 2.4.3.7.
 */
import { wrapTime } from "./packet.ts";

/** stream_id, table 2-22. */
export const STREAM_ID_VIDEO = 0xe0;
export const STREAM_ID_AUDIO = 0xc0;
export const STREAM_ID_PADDING = 0xbe;
export const STREAM_ID_PRIVATE_1 = 0xbd;
/** packet_start_code_prefix, stream_id, PES_packet_length. */
export const PES_START_BYTES = 6;
/** The longest that PES_packet_length can say; beyond it video says 0, "until the next one begins". */
export const LONGEST_PES_LENGTH = 0xffff;
/** stream_ids whose packets have no header beyond the first six bytes (clause 2.4.3.7, the last two branches). */
const HEADERLESS = new Set([0xbc, STREAM_ID_PADDING, 0xbf, 0xf0, 0xf1, 0xff, 0xf2, 0xf8]);

/** Bytes of the PES header: PTS alone where it equals the DTS, both where pictures are reordered. */
export const pesHeaderBytes = (pts: number, dts: number): number => (pts === dts ? 14 : 19);

/** packet_start_code_prefix, stream_id and PES_packet_length. */
export function writePesStart(out: Uint8Array, at: number, streamId: number, packetLength: number): void {
	out[at] = 0;
	out[at + 1] = 0;
	out[at + 2] = 1;
	out[at + 3] = streamId;
	out[at + 4] = packetLength >> 8;
	out[at + 5] = packetLength & 0xff;
}

/**
 * Writes the header of a PES packet that holds one whole access unit (data_alignment_indicator is set).
 * @param pts unwrapped; cut to 33 bits here, as is `dts`
 * @param payloadBytes of the access unit; PES_packet_length is 0 where it does not fit
 * @returns where the payload starts
 */
export function writePesHeader(
	out: Uint8Array,
	at: number,
	streamId: number,
	pts: number,
	dts: number,
	payloadBytes: number,
): number {
	const headerBytes = pesHeaderBytes(pts, dts);
	const packetLength = headerBytes - PES_START_BYTES + payloadBytes;
	writePesStart(out, at, streamId, packetLength <= LONGEST_PES_LENGTH ? packetLength : 0);
	out[at + 6] = 0x84; // '10', no scrambling, no priority, data_alignment_indicator
	out[at + 7] = pts === dts ? 0x80 : 0xc0; // PTS_DTS_flags
	out[at + 8] = headerBytes - 9; // PES_header_data_length
	writeTime(out, at + 9, pts === dts ? 2 : 3, wrapTime(pts));
	if (pts !== dts) writeTime(out, at + 14, 1, wrapTime(dts));
	return at + headerBytes;
}

/** Four bits of prefix, then 33 bits of time with a marker bit after the 3rd, 18th and 33rd. */
function writeTime(out: Uint8Array, at: number, prefix: number, time: number): void {
	const low = time % 2 ** 30;
	out[at] = (prefix << 4) | (Math.floor(time / 2 ** 30) << 1) | 1;
	out[at + 1] = low >> 22;
	out[at + 2] = ((low >> 14) & 0xfe) | 1;
	out[at + 3] = (low >> 7) & 0xff;
	out[at + 4] = ((low << 1) & 0xfe) | 1;
}

export interface PesPacket {
	readonly streamId: number;
	/** 33 bits as read; undefined where the header has none. */
	readonly pts: number | undefined;
	/** 33 bits as read; the PTS where the header has no DTS of its own. */
	readonly dts: number | undefined;
	/** A view on the data given. */
	readonly payload: Uint8Array;
}

/** Reads a whole PES packet; undefined where its header is broken or runs past its end. */
export function parsePes(data: Uint8Array): PesPacket | undefined {
	if (data.length < PES_START_BYTES || data[0] !== 0 || data[1] !== 0 || data[2] !== 1) return undefined;
	const streamId = data[3]!;
	if (HEADERLESS.has(streamId)) {
		return { streamId, pts: undefined, dts: undefined, payload: data.subarray(PES_START_BYTES) };
	}
	if (data.length < 9 || data[6]! >> 6 !== 2) return undefined;
	const flags = data[7]! >> 6;
	const start = 9 + data[8]!;
	if (start > data.length || start < [9, 9, 14, 19][flags]!) return undefined;
	const pts = flags >= 2 ? readTime(data, 9) : undefined;
	return { streamId, pts, dts: flags === 3 ? readTime(data, 14) : pts, payload: data.subarray(start) };
}

/** Marker bits are not judged: what a demultiplexer can read, it reads. */
function readTime(data: Uint8Array, at: number): number {
	const high = (data[at]! >> 1) & 7;
	return (
		high * 2 ** 30 +
		((data[at + 1]! << 22) | ((data[at + 2]! >> 1) << 15) | (data[at + 3]! << 7) | (data[at + 4]! >> 1))
	);
}
