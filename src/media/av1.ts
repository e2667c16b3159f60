/**
 * AV1: OBUs, the sequence header and the codec configuration record.
 * Follows the AV1 Bitstream & Decoding Process Specification, clause 5, and "AV1 Codec ISO Media File Format Binding",
 * clause 2.3. Only what carrying a stream needs is parsed.
 */
import { BitReader } from "../base/bits.ts";
import { PenstockError } from "../base/errors.ts";

export const OBU_SEQUENCE_HEADER = 1;
export const OBU_TEMPORAL_DELIMITER = 2;
export const OBU_FRAME_HEADER = 3;
export const OBU_METADATA = 5;
export const OBU_FRAME = 6;
export const OBU_PADDING = 15;

const EXTENSION_FLAG = 0x04;
const HAS_SIZE_FLAG = 0x02;
/** leb128() (clause 4.10.5). */
const LONGEST_SIZE_BYTES = 8;
const AV1C_HEAD_BYTES = 4;

/** The sequence header of one rendition, and what it says. */
export interface Av1Config {
	readonly codec: "av1";
	/** The whole OBU: header with obu_has_size_field, size, payload. */
	readonly sequenceHeader: Uint8Array;
	/** max_frame_width_minus_1 + 1, and the same of the height. */
	readonly width: number;
	readonly height: number;
	/** For example `av01.0.04M.08`. */
	readonly codecString: string;
}

/** One OBU; the views share the memory of what was split. */
export interface Obu {
	readonly type: number;
	/** Header, size (if it has one) and payload. */
	readonly bytes: Uint8Array;
	readonly payload: Uint8Array;
	/** obu_has_size_field: only the last OBU of data may be without. */
	readonly hasSize: boolean;
}

/**
 * Splits data of the low-overhead format (clause 5.2) into OBUs.
 * @throws PenstockError STREAM_UNSUPPORTED when a header or a size runs past the end
 */
export function splitObus(data: Uint8Array): Obu[] {
	const obus: Obu[] = [];
	for (let at = 0; at < data.length; ) {
		const header = data[at]!;
		const headerBytes = header & EXTENSION_FLAG ? 2 : 1;
		const hasSize = (header & HAS_SIZE_FLAG) !== 0;
		const size = hasSize ? readLeb128(data, at + headerBytes) : undefined;
		const from = at + headerBytes + (size?.byteLength ?? 0);
		const end = hasSize ? from + (size?.value ?? Number.POSITIVE_INFINITY) : data.length;
		if (header & 0x80 || from > data.length || end > data.length) {
			throw new PenstockError(
				"STREAM_UNSUPPORTED",
				`the OBU at byte ${at} of an access unit of ${data.length} bytes is cut, or its header 0x${header.toString(16)} is not one; the source's AV1 is broken.`,
			);
		}
		obus.push({ type: (header >> 3) & 0xf, bytes: data.subarray(at, end), payload: data.subarray(from, end), hasSize });
		at = end;
	}
	return obus;
}

/** The OBU's bytes, with a size where it had none: a copy then. */
export function withObuSize({ bytes, payload, hasSize }: Obu): Uint8Array {
	if (hasSize) return bytes;
	const headerBytes = bytes.length - payload.length;
	const size = leb128(payload.length);
	const out = new Uint8Array(bytes.length + size.length);
	out.set(bytes.subarray(0, headerBytes));
	out[0] = bytes[0]! | HAS_SIZE_FLAG;
	out.set(size, headerBytes);
	out.set(payload, headerBytes + size.length);
	return out;
}

/** An unsigned number, seven bits to a byte, the lowest first. */
export function leb128(value: number): Uint8Array {
	const out: number[] = [];
	let left = value;
	do {
		const more = left >= 0x80;
		out.push((left % 0x80) | (more ? 0x80 : 0));
		left = Math.floor(left / 0x80);
	} while (left > 0);
	return Uint8Array.from(out);
}

function readLeb128(data: Uint8Array, at: number): { value: number; byteLength: number } | undefined {
	let value = 0;
	for (let i = 0; i < LONGEST_SIZE_BYTES && at + i < data.length; i++) {
		const byte = data[at + i]!;
		value += (byte & 0x7f) * 2 ** (7 * i);
		if (byte < 0x80) return { value, byteLength: i + 1 };
	}
	return undefined;
}

/**
 * Whether an OBU begins a key frame that is shown (uncompressed_header(), clause 5.9.2): where a decoder can begin,
 * having the sequence header.
 */
export function isShownKeyFrame(obu: Obu, reducedStillPicture: boolean): boolean {
	if (obu.type !== OBU_FRAME && obu.type !== OBU_FRAME_HEADER) return false;
	if (reducedStillPicture) return true;
	// show_existing_frame = 0, frame_type = 0 (KEY_FRAME), show_frame = 1
	return obu.payload.length > 0 && obu.payload[0]! >> 4 === 0b0001;
}

/** reduced_still_picture_header of a sequence header OBU. */
export function isReducedStillPicture(sequenceHeader: Uint8Array): boolean {
	const payload = splitObus(sequenceHeader)[0]?.payload;
	return ((payload?.[0] ?? 0) & 0x08) !== 0;
}

/**
 * Builds the configuration from a sequence header.
 * @param sequenceHeader the OBU: header, size if it has one, payload
 * @throws PenstockError STREAM_UNSUPPORTED when it is none, or makes no sense
 */
export function av1Config(sequenceHeader: Uint8Array): Av1Config {
	const { obu, width, height, ...facts } = readSequenceHeader(sequenceHeader);
	const twoDigits = (value: number): string => String(value).padStart(2, "0");
	return {
		codec: "av1",
		sequenceHeader: new Uint8Array(withObuSize(obu)),
		width,
		height,
		codecString: `av01.${facts.profile}.${twoDigits(facts.level)}${facts.tier ? "H" : "M"}.${twoDigits(facts.bitDepth)}`,
	};
}

/**
 * Reads an AV1CodecConfigurationRecord.
 * @throws PenstockError STREAM_UNSUPPORTED when it is cut, or has no sequence header in it
 */
export function parseAv1C(record: Uint8Array): Av1Config {
	if (record.length < AV1C_HEAD_BYTES || record[0] !== 0x81) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`an AV1 configuration record of ${record.length} bytes is cut short or not of version 1.`,
		);
	}
	const header = splitObus(record.subarray(AV1C_HEAD_BYTES)).find(({ type }) => type === OBU_SEQUENCE_HEADER);
	if (header === undefined) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`an AV1 configuration record of ${record.length} bytes has no sequence header; the source must send one.`,
		);
	}
	return av1Config(header.bytes);
}

/** Builds an AV1CodecConfigurationRecord with the sequence header in it. */
export function buildAv1C({ sequenceHeader }: Av1Config): Uint8Array {
	const facts = readSequenceHeader(sequenceHeader);
	const twelve = facts.bitDepth === 12 ? 0x20 : 0;
	const subsampling = (facts.subsamplingX << 3) | (facts.subsamplingY << 2) | facts.chromaSamplePosition;
	return Uint8Array.from([
		0x81, // marker, version
		(facts.profile << 5) | facts.level,
		(facts.tier << 7) | (facts.bitDepth > 8 ? 0x40 : 0) | twelve | (facts.monochrome << 4) | subsampling,
		0, // initial_presentation_delay_present
		...sequenceHeader,
	]);
}

interface ColorFacts {
	readonly bitDepth: number;
	readonly monochrome: number;
	readonly subsamplingX: number;
	readonly subsamplingY: number;
	readonly chromaSamplePosition: number;
}

interface SequenceFacts extends ColorFacts {
	readonly obu: Obu;
	readonly profile: number;
	readonly level: number;
	readonly tier: number;
	readonly width: number;
	readonly height: number;
}

/** sequence_header_obu(), clause 5.5.1. */
function readSequenceHeader(bytes: Uint8Array): SequenceFacts {
	const obu = splitObus(bytes)[0];
	if (obu?.type !== OBU_SEQUENCE_HEADER) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`${bytes.length} bytes that should be an AV1 sequence header are not.`,
		);
	}
	const reader = new BitReader(obu.payload);
	const profile = reader.bits(3);
	reader.skip(1); // still_picture
	const reduced = reader.bit() === 1;
	const { level, tier } = reduced ? { level: reader.bits(5), tier: 0 } : readOperatingPoints(reader);
	const widthBits = reader.bits(4) + 1;
	const heightBits = reader.bits(4) + 1;
	const width = reader.bits(widthBits) + 1;
	const height = reader.bits(heightBits) + 1;
	skipTools(reader, reduced);
	const color = readColor(reader, profile);
	if (profile > 2 || width > 16_384 || height > 16_384 || reader.bitsLeft < 0) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`an AV1 sequence header that says profile ${profile} and ${width}×${height} cannot be right.`,
		);
	}
	return { obu, profile, level, tier, width, height, ...color };
}

/** From timing_info_present_flag to the last operating point; what the first of them says. */
function readOperatingPoints(reader: BitReader): { level: number; tier: number } {
	let delayBits = 0;
	if (reader.bit()) {
		reader.skip(64); // num_units_in_display_tick, time_scale
		if (reader.bit()) reader.unsignedExpGolomb(); // equal_picture_interval, num_ticks_per_picture_minus_1 (uvlc)
		if (reader.bit()) {
			delayBits = reader.bits(5) + 1; // buffer_delay_length_minus_1
			reader.skip(42); // num_units_in_decoding_tick, two lengths
		}
	}
	const hasDisplayDelay = reader.bit();
	const count = reader.bits(5) + 1;
	let first: { level: number; tier: number } | undefined;
	for (let i = 0; i < count; i++) {
		reader.skip(12); // operating_point_idc
		const level = reader.bits(5);
		const tier = level > 7 ? reader.bit() : 0;
		if (delayBits > 0 && reader.bit()) reader.skip(2 * delayBits + 1);
		if (hasDisplayDelay && reader.bit()) reader.skip(4);
		first ??= { level, tier };
	}
	return first!;
}

/** From frame_id_numbers_present_flag to enable_restoration. */
function skipTools(reader: BitReader, reduced: boolean): void {
	if (!reduced && reader.bit()) reader.skip(7); // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
	reader.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if (!reduced) {
		reader.skip(4); // interintra and masked compound, warped motion, dual filter
		const hasOrderHint = reader.bit();
		if (hasOrderHint) reader.skip(2); // enable_jnt_comp, enable_ref_frame_mvs
		const screenContent = reader.bit() ? 2 : reader.bit();
		if (screenContent > 0 && !reader.bit()) reader.skip(1); // seq_choose_integer_mv, seq_force_integer_mv
		if (hasOrderHint) reader.skip(3); // order_hint_bits_minus_1
	}
	reader.skip(3); // enable_superres, enable_cdef, enable_restoration
}

/** color_config(), clause 5.5.2. */
function readColor(reader: BitReader, profile: number): ColorFacts {
	const high = reader.bit();
	const bitDepth = profile === 2 && high && reader.bit() ? 12 : 8 + 2 * high;
	const monochrome = profile === 1 ? 0 : reader.bit();
	const described = reader.bit() === 1;
	const [primaries, transfer, matrix] = described ? [reader.bits(8), reader.bits(8), reader.bits(8)] : [2, 2, 2];
	const sampled = (x: number, y: number, position: number): ColorFacts => ({
		bitDepth,
		monochrome,
		subsamplingX: x,
		subsamplingY: y,
		chromaSamplePosition: position,
	});
	if (!monochrome && primaries === 1 && transfer === 13 && matrix === 0) return sampled(0, 0, 0); // sRGB
	reader.skip(1); // color_range
	if (monochrome) return sampled(1, 1, 0);
	const x = profile === 0 ? 1 : profile === 1 ? 0 : bitDepth === 12 ? reader.bit() : 1;
	const y = profile === 0 ? 1 : profile === 2 && bitDepth === 12 && x ? reader.bit() : 0;
	return sampled(x, y, x && y ? reader.bits(2) : 0);
}
