/**
 * Where the parts of a stream lie, for mutations that mean something to a reader: packets, tags and boxes, and the
 * length fields that hold them together. Walks only what is intact.
 */
import { crc32, PAT_PID } from "../../src/media/mpegts/psi.ts";
import type { Draft } from "./draft.ts";

/** A packet of a container: TS packet, RTP packet with its length, FLV tag with its PreviousTagSize, or box. */
export interface Part {
	readonly at: number;
	/** Exclusive. */
	readonly end: number;
	/** Where its length stands, and how many bytes wide; of width 0 where the container has none. */
	readonly lengthAt: number;
	readonly lengthBytes: number;
	/** A second field of four bytes that says the length (PreviousTagSize). */
	readonly echoAt?: number;
}

export type Container = "ts" | "rtp" | "mp4" | "flv";

const TS_PACKET_BYTES = 188;
const RTP_HEAD_BYTES = 14;
const PMT_PID = 0x1000;
/** Boxes of boxes (ISO/IEC 14496-12). */
const PARENTS = new Set(["moov", "trak", "mdia", "minf", "stbl", "mvex", "moof", "traf", "edts", "dinf", "udta"]);

export function partsOf(container: Container, bytes: Uint8Array): Part[] {
	switch (container) {
		case "ts":
			return tsParts(bytes, 0, bytes.length);
		case "rtp":
			return rtpParts(bytes);
		case "flv":
			return flvParts(bytes);
		case "mp4":
			return boxes(bytes, 0, bytes.length);
	}
}

function tsParts(bytes: Uint8Array, from: number, to: number): Part[] {
	const parts: Part[] = [];
	for (let at = from; at + TS_PACKET_BYTES <= to && bytes[at] === 0x47; at += TS_PACKET_BYTES)
		parts.push({ at, end: at + TS_PACKET_BYTES, lengthAt: at, lengthBytes: 0 });
	return parts;
}

function rtpParts(bytes: Uint8Array): Part[] {
	const parts: Part[] = [];
	for (let at = 0; at + RTP_HEAD_BYTES <= bytes.length; ) {
		const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
		if (end > bytes.length) break;
		parts.push({ at, end, lengthAt: at, lengthBytes: 2 }, ...tsParts(bytes, at + RTP_HEAD_BYTES, end));
		at = end;
	}
	return parts;
}

function flvParts(bytes: Uint8Array): Part[] {
	const parts: Part[] = [];
	for (let at = 13; at + 15 <= bytes.length; ) {
		const size = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
		const end = at + 11 + size + 4;
		if (end > bytes.length) break;
		parts.push({ at, end, lengthAt: at + 1, lengthBytes: 3, echoAt: end - 4 });
		at = end;
	}
	return parts;
}

function boxes(bytes: Uint8Array, from: number, to: number): Part[] {
	const parts: Part[] = [];
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = from; at + 8 <= to; ) {
		const size = view.getUint32(at);
		const end = at + size;
		if (size < 8 || end > to) break;
		parts.push({ at, end, lengthAt: at, lengthBytes: 4 });
		const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
		if (PARENTS.has(type)) parts.push(...boxes(bytes, at + 8, end));
		at = end;
	}
	return parts;
}

/** Gives changed PAT and PMT sections right checksums again, so that what is wrong with them is looked at. */
export function signSections(container: Container, draft: Draft): void {
	const { bytes, length } = draft;
	if (container === "ts") signPackets(bytes, 0, length);
	if (container !== "rtp") return;
	for (let at = 0; at + RTP_HEAD_BYTES <= length; ) {
		const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
		signPackets(bytes, at + RTP_HEAD_BYTES, Math.min(end, length));
		at = end;
	}
}

function signPackets(bytes: Uint8Array, from: number, to: number): void {
	for (let at = from; at + TS_PACKET_BYTES <= to; at += TS_PACKET_BYTES) {
		const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!;
		if ((pid !== PAT_PID && pid !== PMT_PID) || (bytes[at + 1]! & 0x40) === 0) continue;
		const adaptation = (bytes[at + 3]! & 0x20) === 0 ? 0 : 1 + bytes[at + 4]!;
		const section = at + 5 + adaptation + (bytes[at + 4 + adaptation] ?? 0);
		const end = section + 3 + (((bytes[section + 1]! & 0xf) << 8) | bytes[section + 2]!);
		if (section + 12 > at + TS_PACKET_BYTES || end > at + TS_PACKET_BYTES || end < section + 12) continue;
		const sum = crc32(bytes.subarray(section, end - 4));
		for (let i = 0; i < 4; i++) bytes[end - 4 + i] = sum >>> (24 - 8 * i);
	}
}
