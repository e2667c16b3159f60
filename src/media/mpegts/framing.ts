/**
 * What stands between a PES header and an access unit's own bytes: start codes, delimiters and parameter sets for
 * pictures, a header before each audio frame.
 */
import { readUint32 } from "../../base/bytes.ts";
import { ADTS_HEADER_BYTES, writeAdtsHeader } from "../aac.ts";
import type { AudioConfig, VideoConfig } from "../access-unit.ts";
import { opusHeaderBytes, writeOpusHeader } from "./opus-mapping.ts";
import { STREAM_ID_AUDIO, STREAM_ID_PRIVATE_1 } from "./pes.ts";

/** aac_frame_length has 13 bits (ISO/IEC 14496-3, clause 1.A.2.2). */
const LONGEST_AAC_FRAME = 0x1fff - ADTS_HEADER_BYTES;
/** A frame of Opus has at most 1275 bytes, a packet 48 of them, and here at most 8 streams (RFC 6716, clause 3.2). */
const LONGEST_OPUS_PACKET = 61_440;
const START_CODE = [0, 0, 0, 1] as const;
/** Access unit delimiters: any slice type (ITU-T H.264, clause 7.3.2.4; ITU-T H.265, clause 7.3.2.5). */
const H264_DELIMITER = Uint8Array.of(...START_CODE, 9, 0xf0);
const HEVC_DELIMITER = Uint8Array.of(...START_CODE, 0x46, 0x01, 0x50);

/** Why a frame cannot be framed; undefined where it can. */
export function audioRefusal(config: AudioConfig, frameBytes: number): string | undefined {
	const [what, longest] =
		config.codec === "aac" ? ["an AAC frame", LONGEST_AAC_FRAME] : ["an Opus packet", LONGEST_OPUS_PACKET];
	if (frameBytes > 0 && frameBytes <= longest) return undefined;
	return `is ${what} of ${frameBytes} bytes, but must have from 1 to ${longest}`;
}

export const audioStreamId = ({ codec }: AudioConfig): number =>
	codec === "aac" ? STREAM_ID_AUDIO : STREAM_ID_PRIVATE_1;

export const audioHeaderBytes = ({ codec }: AudioConfig, frameBytes: number): number =>
	codec === "aac" ? ADTS_HEADER_BYTES : opusHeaderBytes(frameBytes);

export function writeAudioHeader(out: Uint8Array, at: number, config: AudioConfig, frameBytes: number): void {
	if (config.codec === "aac") writeAdtsHeader(out, at, config, frameBytes);
	else writeOpusHeader(out, at, frameBytes);
}

/** What stands before the NAL units of every picture: the delimiter. */
export const delimiterOf = (config: VideoConfig | undefined): Uint8Array =>
	config?.codec === "hevc" ? HEVC_DELIMITER : H264_DELIMITER;

/** Delimiter and parameter sets as a byte stream: what a decoder needs, in the key picture itself. */
export function keyPrelude(config: VideoConfig | undefined): Uint8Array {
	const sets = config === undefined || config.codec === "av1" ? [] : [...config.sps, ...config.pps];
	const all = config?.codec === "hevc" ? [...config.vps, ...sets] : sets;
	return Uint8Array.from([...delimiterOf(config), ...all.flatMap((set) => [...START_CODE, ...set])]);
}

/**
 * Measures length-prefixed NAL units as a byte stream with start codes of four bytes; empty ones are left out.
 * @returns bytes; or, below zero, -1 − the offset of a NAL unit that runs past the end
 */
export function annexBBytes(data: Uint8Array): number {
	let total = 0;
	for (let at = 0; at < data.length; ) {
		const length = at + 4 <= data.length ? readUint32(data, at) : Number.POSITIVE_INFINITY;
		if (length > data.length - at - 4) return -1 - at;
		if (length > 0) total += 4 + length;
		at += 4 + length;
	}
	return total;
}

/** Puts length-prefixed NAL units down as a byte stream (ITU-T H.264 annex B): a start code is as long as a length. */
export function putAnnexB(out: Uint8Array, at: number, data: Uint8Array, nalBytes: number): void {
	const empty = nalBytes !== data.length;
	if (!empty) out.set(data, at);
	let to = at;
	for (let from = 0; from < data.length; ) {
		const length = readUint32(data, from);
		if (length > 0) {
			if (empty) out.set(data.subarray(from, from + 4 + length), to);
			out[to] = 0;
			out[to + 1] = 0;
			out[to + 2] = 0;
			out[to + 3] = 1;
			to += 4 + length;
		}
		from += 4 + length;
	}
}
