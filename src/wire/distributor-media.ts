/**
 * What medium a UDP payload is, by its header alone (docs/wire/distributor.md, "Classifying"). A total function over
 * any bytes. What SRTP encrypts (padding of RTP, what follows the first RTCP header) is not looked at.
 */

export type MediaClass = "rtp" | "rtcp" | "ts";

const TS_PACKET_BYTES = 188;
const TS_SYNC = 0x47;
const RTP_HEADER_BYTES = 12;
const RTCP_HEADER_BYTES = 8;

/** @returns undefined where it is no medium */
export function mediaClassOf(payload: Uint8Array): MediaClass | undefined {
	const first = payload[0];
	if (first === undefined) return undefined;
	if (first >> 6 === 2) return isRtcp(payload) ? "rtcp" : isRtp(payload) ? "rtp" : undefined;
	return first === TS_SYNC && isTransportStream(payload) ? "ts" : undefined;
}

const uint16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

function isRtcp(payload: Uint8Array): boolean {
	if (payload.length < RTCP_HEADER_BYTES) return false;
	const type = payload[1]!;
	return type >= 192 && type <= 223 && 4 * (uint16(payload, 2) + 1) <= payload.length;
}

function isRtp(payload: Uint8Array): boolean {
	if (payload.length < RTP_HEADER_BYTES) return false;
	const type = payload[1]! & 0x7f;
	// RFC 5761: with the marker these would be RTCP's.
	if (type >= 64 && type <= 95) return false;
	const extension = RTP_HEADER_BYTES + 4 * (payload[0]! & 0x0f);
	if ((payload[0]! & 0x10) === 0) return extension <= payload.length;
	return extension + 4 <= payload.length && extension + 4 + 4 * uint16(payload, extension + 2) <= payload.length;
}

function isTransportStream(payload: Uint8Array): boolean {
	if (payload.length % TS_PACKET_BYTES !== 0) return false;
	for (let at = 0; at < payload.length; at += TS_PACKET_BYTES) if (payload[at] !== TS_SYNC) return false;
	return true;
}
