/**
 * RTP packets of MPEG-TS behind their length: RFC 3550, clause 5.1 (header), RFC 2250, clause 2 (whole transport stream
 * packets, 90 kHz, marker), RFC 3551, clause 6 (payload type 33), RFC 4571, clause 2 (length). Functions work in place.
 */
import { PACKET_BYTES, SYNC_BYTE } from "../mpegts/packet.ts";
import { EXTENSION, PADDING, RTP_HEADER_BYTES, VERSION_2, writeRtpHeader, writeRtpNumber } from "./header.ts";

/** RFC 4571's LENGTH. */
export const LENGTH_BYTES = 2;
/** What stands before the transport stream packets: LENGTH and the RTP header. */
export const HEAD_BYTES = LENGTH_BYTES + RTP_HEADER_BYTES;
/** Seven fill an Ethernet frame of 1500 bytes as well as they can. */
export const TS_PER_PACKET = 7;
/** A full packet with its length. */
export const STRIDE_BYTES = HEAD_BYTES + TS_PER_PACKET * PACKET_BYTES;
/** RFC 3551, table 5: "MP2T". */
const PAYLOAD_TYPE = 33;

/** Writes LENGTH and RTP header at `at`, for a packet of `payloadBytes`. Number and timestamp are cut to their width. */
export function writeHead(
	out: Uint8Array,
	at: number,
	payloadBytes: number,
	marker: boolean,
	number: number,
	timestamp: number,
	ssrc: number,
): void {
	const length = RTP_HEADER_BYTES + payloadBytes;
	out[at] = length >> 8;
	out[at + 1] = length & 0xff;
	writeRtpHeader(out, at + LENGTH_BYTES, PAYLOAD_TYPE, marker, number, timestamp, ssrc);
}

/** The sequence number of the packet whose LENGTH is at `at`; 16 bits. */
export const readNumber = (data: Uint8Array, at: number): number => (data[at + 4]! << 8) | data[at + 5]!;

export const writeNumber = (out: Uint8Array, at: number, number: number): void =>
	writeRtpNumber(out, at + LENGTH_BYTES, number);

/** Where the transport stream packets of an RTP packet are. */
export interface Payload {
	readonly start: number;
	readonly end: number;
	/** Behind the packet, and its padding where it has some. */
	readonly next: number;
}

/**
 * Judges what stands at `at` by as much of it as is there, up to `end`.
 * @param strict every transport stream packet must begin with 0x47, not just the first: for searching
 * @returns where the payload is, once all of the packet is there; "cut" while what is there may be one; "null" for RFC
 * 4571's null packet, which is its length alone; "broken" for what is no RTP packet of MPEG-TS
 */
export function judgePacket(
	data: Uint8Array,
	at: number,
	end: number,
	strict: boolean,
): Payload | "null" | "cut" | "broken" {
	if (at + LENGTH_BYTES > end) return "cut";
	const length = (data[at]! << 8) | data[at + 1]!;
	if (length === 0) return "null";
	if (length < RTP_HEADER_BYTES + PACKET_BYTES) return "broken";
	const flags = at + 2 < end ? data[at + 2]! : VERSION_2;
	const type = at + 3 < end ? data[at + 3]! : PAYLOAD_TYPE;
	if (flags >> 6 !== 2 || (type & 0x7f) !== PAYLOAD_TYPE) return "broken";
	if (at + HEAD_BYTES > end) return "cut";
	const payload = judgePayload(data, at, end, at + LENGTH_BYTES + length);
	return strict && typeof payload === "object" && !inSync(data, payload) ? "broken" : payload;
}

/** @param next where the packet ends */
function judgePayload(data: Uint8Array, at: number, end: number, next: number): Payload | "cut" | "broken" {
	const flags = data[at + LENGTH_BYTES]!;
	let start = at + HEAD_BYTES + 4 * (flags & 0xf); // CSRCs
	if (flags & EXTENSION) {
		if (start + 4 > next) return "broken";
		if (start + 4 > end) return "cut";
		start += 4 + 4 * ((data[start + 2]! << 8) | data[start + 3]!);
	}
	if (start + PACKET_BYTES > next) return "broken";
	if (start < end && data[start] !== SYNC_BYTE) return "broken";
	const isPadded = (flags & PADDING) !== 0;
	if (!isPadded && (next - start) % PACKET_BYTES !== 0) return "broken";
	if (next > end) return "cut";
	const padding = isPadded ? data[next - 1]! : 0;
	const payloadBytes = next - padding - start;
	const isWhole = payloadBytes >= PACKET_BYTES && payloadBytes % PACKET_BYTES === 0;
	return isWhole && padding > 0 === isPadded ? { start, end: next - padding, next } : "broken";
}

function inSync(data: Uint8Array, { start, end }: Payload): boolean {
	for (let at = start; at < end; at += PACKET_BYTES) if (data[at] !== SYNC_BYTE) return false;
	return true;
}
