/**
 * RTP packets as datagrams bring them: RFC 3550, clause 5.1, and how they are told from RTCP on one port (RFC 5761,
 * clause 4). Functions work in place.
 */
import { readUint32, writeUint32 } from "../../base/bytes.ts";

/** A header without CSRCs and extension. */
export const RTP_HEADER_BYTES = 12;
export const VERSION_2 = 0x80;
export const PADDING = 0x20;
export const EXTENSION = 0x10;
export const MARKER = 0x80;
/** Numbers and timestamps wrap at so many bits. */
export const NUMBER_BITS = 16;
export const TIMESTAMP_BITS = 32;
/** What RTCP packets have where RTP packets have marker and payload type. */
const FIRST_RTCP_TYPE = 192;
const LAST_RTCP_TYPE = 223;

export interface RtpPacket {
	readonly payloadType: number;
	readonly marker: boolean;
	/** 16 bits. */
	readonly number: number;
	/** 32 bits. */
	readonly timestamp: number;
	readonly ssrc: number;
	/** Behind CSRCs and header extension, without padding. */
	readonly payload: Uint8Array;
}

/** Why a datagram is no RTP packet. */
export type RtpFlaw = "cut short" | "of another version" | "with an extension beyond its end" | "with wrong padding";

/** @returns the packet, its payload a view on `data`; or what is wrong with it */
export function parseRtp(data: Uint8Array): RtpPacket | RtpFlaw {
	if (data.length < RTP_HEADER_BYTES) return "cut short";
	const flags = data[0]!;
	if (flags >> 6 !== 2) return "of another version";
	let start = RTP_HEADER_BYTES + 4 * (flags & 0xf); // CSRCs
	if (start > data.length) return "cut short";
	if (flags & EXTENSION) {
		if (start + 4 > data.length) return "with an extension beyond its end";
		start += 4 + 4 * ((data[start + 2]! << 8) | data[start + 3]!);
		if (start > data.length) return "with an extension beyond its end";
	}
	const padding = flags & PADDING ? data[data.length - 1]! : 0;
	if ((flags & PADDING && padding === 0) || start + padding > data.length) return "with wrong padding";
	return {
		payloadType: data[1]! & 0x7f,
		marker: (data[1]! & MARKER) !== 0,
		number: (data[2]! << 8) | data[3]!,
		timestamp: readUint32(data, 4),
		ssrc: readUint32(data, 8),
		payload: data.subarray(start, data.length - padding),
	};
}

/** Writes a header without CSRCs and extension at `at`. Number and timestamp are cut to their width. */
export function writeRtpHeader(
	out: Uint8Array,
	at: number,
	payloadType: number,
	marker: boolean,
	number: number,
	timestamp: number,
	ssrc: number,
): void {
	out[at] = VERSION_2; // no padding, no extension, no CSRC
	out[at + 1] = (marker ? MARKER : 0) | payloadType;
	writeRtpNumber(out, at, number);
	writeUint32(out, at + 4, timestamp);
	writeUint32(out, at + 8, ssrc);
}

export function writeRtpNumber(out: Uint8Array, at: number, number: number): void {
	out[at + 2] = number >> 8; // a Uint8Array keeps the low eight bits
	out[at + 3] = number;
}

/** Whether a datagram is RTCP and not RTP, where both may come on one port. */
export const isRtcp = (data: Uint8Array): boolean => data[1]! >= FIRST_RTCP_TYPE && data[1]! <= LAST_RTCP_TYPE;
