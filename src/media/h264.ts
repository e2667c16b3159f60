/**
 * H.264: NAL units, parameter sets and the decoder configuration record.
 * Follows ITU-T H.264 clause 7.3 and ISO/IEC 14496-15 clause 5.3.3. Only what carrying a stream needs is parsed.
 */
import { BitReader } from "../base/bits.ts";
import { readUint32, writeUint32 } from "../base/bytes.ts";
import { PenstockError } from "../base/errors.ts";

export const NAL_SLICE = 1;
export const NAL_IDR = 5;
export const NAL_SEI = 6;
export const NAL_SPS = 7;
export const NAL_PPS = 8;
export const NAL_AUD = 9;

/** The sequence and picture parameter sets of one rendition, and what they say. */
export interface H264Config {
	readonly codec: "h264";
	/** NAL units, header byte included, without start code or length. */
	readonly sps: readonly Uint8Array[];
	readonly pps: readonly Uint8Array[];
	/** Luma samples after cropping. */
	readonly width: number;
	readonly height: number;
	/** RFC 6381, for example `avc1.4d401f`. */
	readonly codecString: string;
}

export const nalType = (nal: Uint8Array): number => nal[0]! & 0x1f;

/**
 * Splits length-prefixed data (four-byte lengths) into NAL units. The views share the memory of `data`.
 * @throws PenstockError STREAM_UNSUPPORTED when a length runs past the end
 */
export function splitLengthPrefixed(data: Uint8Array): Uint8Array[] {
	const nals: Uint8Array[] = [];
	for (let at = 0; at < data.length; ) {
		const length = at + 4 <= data.length ? readUint32(data, at) : Number.POSITIVE_INFINITY;
		if (length > data.length - at - 4) {
			throw new PenstockError(
				"STREAM_UNSUPPORTED",
				`a NAL unit at byte ${at} claims ${length} bytes but the access unit has ${data.length - at - 4} left; the source's H.264 is broken.`,
			);
		}
		if (length > 0) nals.push(data.subarray(at + 4, at + 4 + length));
		at += 4 + length;
	}
	return nals;
}

/** Joins NAL units, each behind its length in four bytes. */
export function joinLengthPrefixed(nals: readonly Uint8Array[]): Uint8Array {
	const data = new Uint8Array(nals.reduce((sum, nal) => sum + 4 + nal.length, 0));
	let at = 0;
	for (const nal of nals) {
		writeUint32(data, at, nal.length);
		data.set(nal, at + 4);
		at += 4 + nal.length;
	}
	return data;
}

/** Splits a byte stream (H.264 Annex B) into NAL units; trailing zero bytes are not part of one. */
export function splitAnnexB(data: Uint8Array): Uint8Array[] {
	const nals: Uint8Array[] = [];
	let start = -1;
	const push = (end: number): void => {
		while (end > start && data[end - 1] === 0) end--;
		if (start >= 0 && end > start) nals.push(data.subarray(start, end));
	};
	for (let at = 0; at + 2 < data.length; ) {
		if (data[at + 2]! > 1) at += 3;
		else if (data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1) {
			push(at);
			start = at + 3;
			at += 3;
		} else at++;
	}
	push(data.length);
	return nals;
}

/**
 * Builds the configuration from parameter sets.
 * @throws PenstockError STREAM_UNSUPPORTED when there is none, or the SPS makes no sense
 */
export function h264Config(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): H264Config {
	const first = sps[0];
	if (first === undefined || first.length < 4 || pps.length === 0) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`H.264 with ${sps.length} SPS and ${pps.length} PPS cannot be decoded; the source must send both.`,
		);
	}
	const { width, height } = sizeOfSps(first);
	const hex = (value: number): string => value.toString(16).padStart(2, "0");
	const codecString = `avc1.${hex(first[1]!)}${hex(first[2]!)}${hex(first[3]!)}`;
	return { codec: "h264", sps, pps, width, height, codecString };
}

/**
 * Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, clause 5.3.3.1.2).
 * @throws PenstockError STREAM_UNSUPPORTED when it is cut, or uses NAL lengths other than four bytes
 */
export function parseAvcC(record: Uint8Array): H264Config {
	const cut = (): PenstockError =>
		new PenstockError("STREAM_UNSUPPORTED", `an AVC configuration record of ${record.length} bytes is cut short.`);
	if (record.length < 7 || record[0] !== 1) throw cut();
	const lengthSize = (record[4]! & 3) + 1;
	if (lengthSize !== 4) {
		throw new PenstockError("STREAM_UNSUPPORTED", `NAL lengths of ${lengthSize} bytes are not carried, only of 4.`);
	}
	let at = 5;
	const readSets = (count: number): Uint8Array[] => {
		const sets: Uint8Array[] = [];
		for (let i = 0; i < count; i++) {
			if (at + 2 > record.length) throw cut();
			const length = (record[at]! << 8) | record[at + 1]!;
			if (at + 2 + length > record.length) throw cut();
			sets.push(new Uint8Array(record.subarray(at + 2, at + 2 + length))); // a copy, which slice of a Buffer is not
			at += 2 + length;
		}
		return sets;
	};
	const sps = readSets(record[at++]! & 0x1f);
	if (at >= record.length) throw cut();
	const pps = readSets(record[at++]!);
	return h264Config(sps, pps);
}

/** Builds an AVCDecoderConfigurationRecord with four-byte NAL lengths. */
export function buildAvcC(config: H264Config): Uint8Array {
	const sps = config.sps[0]!;
	const out: number[] = [1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe0 | config.sps.length];
	for (const set of config.sps) out.push(set.length >> 8, set.length & 0xff, ...set);
	out.push(config.pps.length);
	for (const set of config.pps) out.push(set.length >> 8, set.length & 0xff, ...set);
	// Profiles with chroma and bit depth of their own say them again behind the sets.
	if ([100, 110, 122, 144].includes(sps[1]!)) {
		const { chromaFormat, bitDepthLuma, bitDepthChroma } = sizeOfSps(sps);
		out.push(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0);
	}
	return Uint8Array.from(out);
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

interface SpsFacts {
	readonly width: number;
	readonly height: number;
	readonly chromaFormat: number;
	readonly bitDepthLuma: number;
	readonly bitDepthChroma: number;
}

/** seq_parameter_set_data(), ITU-T H.264 clause 7.3.2.1.1, as far as the frame size. */
function sizeOfSps(sps: Uint8Array): SpsFacts {
	const reader = new BitReader(removeEmulationPrevention(sps.subarray(1)));
	const profile = reader.bits(8);
	reader.skip(16); // constraint flags, level_idc
	reader.unsignedExpGolomb(); // seq_parameter_set_id
	let chromaFormat = 1;
	let bitDepthLuma = 8;
	let bitDepthChroma = 8;
	let separatePlanes = 0;
	if (HIGH_PROFILES.has(profile)) {
		chromaFormat = reader.unsignedExpGolomb();
		if (chromaFormat === 3) separatePlanes = reader.bit();
		bitDepthLuma = 8 + reader.unsignedExpGolomb();
		bitDepthChroma = 8 + reader.unsignedExpGolomb();
		reader.skip(1); // qpprime_y_zero_transform_bypass_flag
		if (reader.bit()) skipScalingLists(reader, chromaFormat === 3 ? 12 : 8);
	}
	reader.unsignedExpGolomb(); // log2_max_frame_num_minus4
	const pocType = reader.unsignedExpGolomb();
	if (pocType === 0) reader.unsignedExpGolomb();
	else if (pocType === 1) {
		reader.skip(1);
		reader.signedExpGolomb();
		reader.signedExpGolomb();
		const cycle = Math.min(reader.unsignedExpGolomb(), 255);
		for (let i = 0; i < cycle; i++) reader.signedExpGolomb();
	}
	reader.unsignedExpGolomb(); // max_num_ref_frames
	reader.skip(1); // gaps_in_frame_num_value_allowed_flag
	const widthInMbs = reader.unsignedExpGolomb() + 1;
	const heightInMapUnits = reader.unsignedExpGolomb() + 1;
	const framesOnly = reader.bit();
	if (!framesOnly) reader.skip(1); // mb_adaptive_frame_field_flag
	reader.skip(1); // direct_8x8_inference_flag
	let width = widthInMbs * 16;
	let height = (2 - framesOnly) * heightInMapUnits * 16;
	if (reader.bit()) {
		const subWidth = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
		const subHeight = chromaFormat === 1 ? 2 : 1;
		const monochrome = chromaFormat === 0 || separatePlanes === 1;
		const unitX = monochrome ? 1 : subWidth;
		const unitY = (monochrome ? 1 : subHeight) * (2 - framesOnly);
		width -= unitX * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
		height -= unitY * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
	}
	if (width < 1 || height < 1 || width > 16_384 || height > 16_384 || reader.bitsLeft < 0) {
		throw new PenstockError("STREAM_UNSUPPORTED", `an SPS that says ${width}×${height} cannot be right.`);
	}
	return { width, height, chromaFormat, bitDepthLuma, bitDepthChroma };
}

function skipScalingLists(reader: BitReader, count: number): void {
	for (let list = 0; list < count; list++) {
		if (!reader.bit()) continue;
		const size = list < 6 ? 16 : 64;
		let last = 8;
		let next = 8;
		for (let i = 0; i < size; i++) {
			if (next !== 0) next = (last + reader.signedExpGolomb() + 256) % 256;
			if (next !== 0) last = next;
		}
	}
}

/** Takes the 0x03 bytes out that keep start codes from arising by chance (ITU-T H.264 clause 7.4.1). */
export function removeEmulationPrevention(payload: Uint8Array): Uint8Array {
	const out = new Uint8Array(payload.length);
	let length = 0;
	let zeros = 0;
	for (const byte of payload) {
		if (zeros >= 2 && byte === 3) {
			zeros = 0;
			continue;
		}
		zeros = byte === 0 ? zeros + 1 : 0;
		out[length++] = byte;
	}
	return out.subarray(0, length);
}
