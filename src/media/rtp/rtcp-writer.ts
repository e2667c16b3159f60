/** RTCP to be sent (RFC 3550, clause 6): the packets, and the compound that a datagram must be. */
import { concatenate, writeUint24, writeUint32 } from "../../base/bytes.ts";
import type { EpochMs } from "../../base/units.ts";
import {
	type NtpTime,
	REPORT_BLOCK_BYTES,
	type ReportBlock,
	RTCP_GOODBYE,
	RTCP_HEAD_BYTES,
	RTCP_RECEIVER_REPORT,
	RTCP_SENDER_REPORT,
	RTCP_SOURCE_DESCRIPTION,
	SDES_CNAME,
	SENDER_INFO_BYTES,
	type SenderReport,
} from "./rtcp.ts";

/** A count of five bits says no more. */
const MOST_BLOCKS = 31;
/** From 1900, where NTP begins, to 1970. */
const NTP_SECONDS_AT_EPOCH = 2_208_988_800;
/** An item's length is one byte. */
const LONGEST_NAME = 255;

/** NTP's way to write a time of the wall clock; over 2036 it begins at 0 again. */
export function ntpOf(wall: EpochMs): NtpTime {
	const seconds = Math.floor(wall / 1000);
	return {
		seconds: (seconds + NTP_SECONDS_AT_EPOCH) % 2 ** 32,
		fraction: Math.floor(((wall - seconds * 1000) / 1000) * 2 ** 32),
	};
}

/** A receiver's compound: its report, and its name. @param blocks at most 31 are written */
export const receiverCompound = (ssrc: number, blocks: readonly ReportBlock[], cname: string): Uint8Array =>
	concatenate(receiverReport(ssrc, blocks), sourceDescription(ssrc, cname));

/** A sender's compound: its report, and its name. */
export const senderCompound = (report: Omit<SenderReport, "kind">, cname: string): Uint8Array =>
	concatenate(senderReport(report), sourceDescription(report.ssrc, cname));

/** What a sender says at its end: its last report, its name, and good-bye. */
export const goodbyeCompound = (report: Omit<SenderReport, "kind">, cname: string): Uint8Array =>
	concatenate(senderCompound(report, cname), goodbye(report.ssrc));

/** Good-bye in the name of a source, by one who hands its packets on and knows nothing of its counts. */
export const receiverGoodbyeCompound = (ssrc: number, cname: string): Uint8Array =>
	concatenate(receiverCompound(ssrc, [], cname), goodbye(ssrc));

function receiverReport(ssrc: number, blocks: readonly ReportBlock[]): Uint8Array {
	const kept = blocks.slice(0, MOST_BLOCKS);
	const out = packet(RTCP_RECEIVER_REPORT, kept.length, RTCP_HEAD_BYTES + kept.length * REPORT_BLOCK_BYTES);
	writeUint32(out, 4, ssrc);
	writeBlocks(out, RTCP_HEAD_BYTES, kept);
	return out;
}

function senderReport(report: Omit<SenderReport, "kind">): Uint8Array {
	const kept = report.blocks.slice(0, MOST_BLOCKS);
	const from = RTCP_HEAD_BYTES + SENDER_INFO_BYTES;
	const out = packet(RTCP_SENDER_REPORT, kept.length, from + kept.length * REPORT_BLOCK_BYTES);
	writeUint32(out, 4, report.ssrc);
	writeUint32(out, 8, report.ntp.seconds);
	writeUint32(out, 12, report.ntp.fraction);
	writeUint32(out, 16, report.rtpTimestamp);
	writeUint32(out, 20, report.packetCount);
	writeUint32(out, 24, report.octetCount);
	writeBlocks(out, from, kept);
	return out;
}

function writeBlocks(out: Uint8Array, from: number, blocks: readonly ReportBlock[]): void {
	for (const [index, block] of blocks.entries()) {
		const at = from + index * REPORT_BLOCK_BYTES;
		writeUint32(out, at, block.ssrc);
		out[at + 4] = block.fractionLost;
		writeUint24(out, at + 5, block.cumulativeLost);
		writeUint32(out, at + 8, block.extendedHighest);
		writeUint32(out, at + 12, block.interarrivalJitter);
		writeUint32(out, at + 16, block.lastSenderReport);
		writeUint32(out, at + 20, block.delaySinceSenderReport);
	}
}

function sourceDescription(ssrc: number, cname: string): Uint8Array {
	const text = new TextEncoder().encode(cname).subarray(0, LONGEST_NAME);
	const end = RTCP_HEAD_BYTES + 2 + text.length;
	const out = packet(RTCP_SOURCE_DESCRIPTION, 1, end + 4 - (end % 4)); // at least one zero ends the chunk
	writeUint32(out, 4, ssrc);
	out[RTCP_HEAD_BYTES] = SDES_CNAME;
	out[RTCP_HEAD_BYTES + 1] = text.length;
	out.set(text, RTCP_HEAD_BYTES + 2);
	return out;
}

function goodbye(ssrc: number): Uint8Array {
	const out = packet(RTCP_GOODBYE, 1, RTCP_HEAD_BYTES);
	writeUint32(out, 4, ssrc);
	return out;
}

/** @param byteLength a multiple of four */
function packet(type: number, count: number, byteLength: number): Uint8Array {
	const out = new Uint8Array(byteLength);
	const words = byteLength / 4 - 1;
	out[0] = 0x80 | count; // version 2, no padding
	out[1] = type;
	out[2] = words >> 8;
	out[3] = words & 0xff;
	return out;
}
