/**
 * RTCP as it comes: compound packets of sender reports, receiver reports, names and good-byes (RFC 3550, clause 6).
 * Bounds: at most `MOST_RTCP_PACKETS` of a datagram are read, and nothing is kept that is longer than its field.
 */
import { readUint32 } from "../../base/bytes.ts";

export const RTCP_SENDER_REPORT = 200;
export const RTCP_RECEIVER_REPORT = 201;
export const RTCP_SOURCE_DESCRIPTION = 202;
export const RTCP_GOODBYE = 203;
/** Header and SSRC. */
export const RTCP_HEAD_BYTES = 8;
/** NTP timestamp, RTP timestamp, packets and octets. */
export const SENDER_INFO_BYTES = 20;
export const REPORT_BLOCK_BYTES = 24;
export const SDES_CNAME = 1;
const MOST_RTCP_PACKETS = 64;
/** The feedback packets of RFC 4585 and others that are none of these are read past. */
const FIRST_TYPE = 192;
const LAST_TYPE = 223;

/** What a receiver says of one source, clause 6.4.1. */
export interface ReportBlock {
	readonly ssrc: number;
	/** Since the block before, in 256ths. */
	readonly fractionLost: number;
	/** 24 bits, signed. */
	readonly cumulativeLost: number;
	readonly extendedHighest: number;
	/** In units of the source's timestamps. */
	readonly interarrivalJitter: number;
	/** The middle 32 bits of the last sender report's NTP timestamp; 0 where none has come. */
	readonly lastSenderReport: number;
	/** From its arrival to this block, in 65536ths of a second. */
	readonly delaySinceSenderReport: number;
}

/** Seconds since 1900 and 2^32ths of a second; both 0 where the sender has no wall clock. */
export interface NtpTime {
	readonly seconds: number;
	readonly fraction: number;
}

export interface SenderReport {
	readonly kind: "senderReport";
	readonly ssrc: number;
	readonly ntp: NtpTime;
	/** 32 bits: what the source's RTP clock says at `ntp`. */
	readonly rtpTimestamp: number;
	readonly packetCount: number;
	readonly octetCount: number;
	readonly blocks: readonly ReportBlock[];
}

export interface ReceiverReport {
	readonly kind: "receiverReport";
	readonly ssrc: number;
	readonly blocks: readonly ReportBlock[];
}

export type RtcpPacket =
	| SenderReport
	| ReceiverReport
	/** Of each source that is named: its CNAME, whose characters beyond ASCII's printable ones are "?". */
	| { readonly kind: "sourceDescription"; readonly names: readonly { readonly ssrc: number; readonly cname: string }[] }
	| { readonly kind: "goodbye"; readonly ssrcs: readonly number[] }
	/** Feedback, and what an application says to its like. */
	| { readonly kind: "other"; readonly type: number };

/** Why a datagram is no RTCP. */
export type RtcpFlaw = "cut short" | "of another version" | "with a packet of another type" | "with too many packets";

/** The middle 32 bits, by which reports refer to each other. */
export const ntpMiddle = ({ seconds, fraction }: NtpTime): number =>
	(((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;

/** @returns all packets of the datagram; or what is wrong with it, and then none of it is to be believed */
export function parseRtcp(data: Uint8Array): readonly RtcpPacket[] | RtcpFlaw {
	const packets: RtcpPacket[] = [];
	for (let at = 0; at < data.length; ) {
		if (at + 4 > data.length) return "cut short";
		if (data[at]! >> 6 !== 2) return "of another version";
		const type = data[at + 1]!;
		if (type < FIRST_TYPE || type > LAST_TYPE) return "with a packet of another type";
		const next = at + 4 + 4 * ((data[at + 2]! << 8) | data[at + 3]!);
		if (next > data.length) return "cut short";
		if (packets.length === MOST_RTCP_PACKETS) return "with too many packets";
		const packet = readPacket(type, data[at]! & 0x1f, data.subarray(at, withoutPadding(data, at, next)));
		if (packet === undefined) return "cut short";
		packets.push(packet);
		at = next;
	}
	return packets.length > 0 ? packets : "cut short";
}

/** The end of a packet's content: the last packet of a datagram may be padded. */
function withoutPadding(data: Uint8Array, at: number, next: number): number {
	if ((data[at]! & 0x20) === 0) return next;
	const padding = data[next - 1]!;
	return Math.max(at + 4, next - padding);
}

/** @returns undefined where it is shorter than its count says */
function readPacket(type: number, count: number, packet: Uint8Array): RtcpPacket | undefined {
	switch (type) {
		case RTCP_SENDER_REPORT:
			return readSenderReport(count, packet);
		case RTCP_RECEIVER_REPORT: {
			const blocks = readBlocks(packet, RTCP_HEAD_BYTES, count);
			return blocks && { kind: "receiverReport", ssrc: readUint32(packet, 4), blocks };
		}
		case RTCP_SOURCE_DESCRIPTION:
			return readNames(count, packet);
		case RTCP_GOODBYE:
			if (packet.length < 4 + 4 * count) return undefined;
			return { kind: "goodbye", ssrcs: Array.from({ length: count }, (_, i) => readUint32(packet, 4 + 4 * i)) };
		default:
			return { kind: "other", type };
	}
}

function readSenderReport(count: number, packet: Uint8Array): SenderReport | undefined {
	const blocks = readBlocks(packet, RTCP_HEAD_BYTES + SENDER_INFO_BYTES, count);
	return (
		blocks && {
			kind: "senderReport",
			ssrc: readUint32(packet, 4),
			ntp: { seconds: readUint32(packet, 8), fraction: readUint32(packet, 12) },
			rtpTimestamp: readUint32(packet, 16),
			packetCount: readUint32(packet, 20),
			octetCount: readUint32(packet, 24),
			blocks,
		}
	);
}

function readBlocks(packet: Uint8Array, from: number, count: number): ReportBlock[] | undefined {
	if (from + count * REPORT_BLOCK_BYTES > packet.length) return undefined;
	return Array.from({ length: count }, (_, i) => {
		const at = from + i * REPORT_BLOCK_BYTES;
		return {
			ssrc: readUint32(packet, at),
			fractionLost: packet[at + 4]!,
			cumulativeLost: (readUint32(packet, at + 4) << 8) >> 8, // the shifts carry the sign
			extendedHighest: readUint32(packet, at + 8),
			interarrivalJitter: readUint32(packet, at + 12),
			lastSenderReport: readUint32(packet, at + 16),
			delaySinceSenderReport: readUint32(packet, at + 20),
		};
	});
}

/** Chunks of an SSRC and items, the last of which is 0, up to a multiple of four bytes (clause 6.5). */
function readNames(count: number, packet: Uint8Array): RtcpPacket | undefined {
	const names: { ssrc: number; cname: string }[] = [];
	let at = 4;
	for (let chunk = 0; chunk < count; chunk++) {
		if (at + 4 > packet.length) return undefined;
		const ssrc = readUint32(packet, at);
		at += 4;
		while (at < packet.length && packet[at] !== 0) {
			const end = at + 2 + (packet[at + 1] ?? 0);
			if (end > packet.length) return undefined;
			if (packet[at] === SDES_CNAME) names.push({ ssrc, cname: printable(packet.subarray(at + 2, end)) });
			at = end;
		}
		at += 4 - (at % 4);
	}
	return { kind: "sourceDescription", names };
}

const printable = (bytes: Uint8Array): string =>
	Array.from(bytes, (byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?")).join("");
