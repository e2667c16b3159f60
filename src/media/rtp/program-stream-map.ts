/**
 * program_stream_map() (ISO/IEC 13818-1, clause 2.5.4): which elementary stream of a program stream is of which kind.
 * Its CRC_32 is not judged: many cameras send one that is wrong, and what the map says is seen by what it brings.
 */
import { STREAM_TYPE_ADTS, STREAM_TYPE_H264, STREAM_TYPE_HEVC } from "../mpegts/psi.ts";

const HEAD_BYTES = 10;
const CRC_BYTES = 4;

export interface MappedStream {
	/** stream_id of its PES packets. */
	readonly streamId: number;
	/** stream_type, table 2-34, and what GB/T 28181, annex C, adds to it. */
	readonly streamType: number;
}

/** What GB/T 28181 has numbers for and Penstock does not carry. */
const UNFIT: ReadonlyMap<number, string> = new Map([
	[0x10, "MPEG-4 video"],
	[0x80, "SVAC video"],
	[0x90, "G.711 (A-law)"],
	[0x91, "G.711 (µ-law)"],
	[0x92, "G.722.1"],
	[0x93, "G.723.1"],
	[0x99, "G.729"],
	[0x9b, "SVAC audio"],
]);

/** @param map from its start code on. @returns undefined where its lengths do not add up */
export function parseProgramStreamMap(map: Uint8Array): MappedStream[] | undefined {
	if (map.length < HEAD_BYTES + 2 + CRC_BYTES) return undefined;
	const streams: MappedStream[] = [];
	const infoBytes = (map[8]! << 8) | map[9]!;
	let at = HEAD_BYTES + infoBytes;
	if (at + 2 + CRC_BYTES > map.length) return undefined;
	const end = at + 2 + ((map[at]! << 8) | map[at + 1]!);
	at += 2;
	if (end + CRC_BYTES > map.length) return undefined;
	while (at + 4 <= end) {
		streams.push({ streamType: map[at]!, streamId: map[at + 1]! });
		at += 4 + ((map[at + 2]! << 8) | map[at + 3]!);
	}
	return at === end ? streams : undefined;
}

export const isVideoType = (streamType: number): boolean =>
	streamType === STREAM_TYPE_H264 || streamType === STREAM_TYPE_HEVC;

export const isAudioType = (streamType: number): boolean => streamType === STREAM_TYPE_ADTS;

/** How people call a kind of stream that is not carried. */
export const unfitName = (streamType: number): string =>
	UNFIT.get(streamType) ?? `stream_type 0x${streamType.toString(16)}`;
