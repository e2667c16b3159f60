/**
 * HEVC: NAL units, parameter sets and the decoder configuration record.
 * Follows ITU-T H.265 clause 7.3 and ISO/IEC 14496-15 clause 8.3.3. Only what carrying a stream needs is parsed.
 */
import { BitReader } from "../base/bits.ts";
import { PenstockError } from "../base/errors.ts";
import { removeEmulationPrevention } from "./h264.ts";

/** Intra random access pictures are of types 16 to 23 (table 7-1); those that are IDR are closed. */
const HEVC_NAL_FIRST_IRAP = 16;
const HEVC_NAL_LAST_IRAP = 23;
/** IDR pictures, with or without leading pictures that can be decoded. */
const HEVC_NAL_IDR_W_RADL = 19;
const HEVC_NAL_IDR_N_LP = 20;
export const HEVC_NAL_VPS = 32;
export const HEVC_NAL_SPS = 33;
export const HEVC_NAL_PPS = 34;
export const HEVC_NAL_AUD = 35;
/** Below it are the slices (VCL NAL unit types, table 7-1). */
export const HEVC_NAL_FIRST_NON_VCL = 32;

const NAL_HEADER_BYTES = 2;
const HVCC_HEAD_BYTES = 23;
/** From general_profile_space to general_level_idc. */
const PROFILE_TIER_LEVEL_BYTES = 12;

/** The parameter sets of one rendition, and what they say. */
export interface HevcConfig {
	readonly codec: "hevc";
	/** NAL units, header of two bytes included, without start code or length. */
	readonly vps: readonly Uint8Array[];
	readonly sps: readonly Uint8Array[];
	readonly pps: readonly Uint8Array[];
	/** Luma samples after cropping. */
	readonly width: number;
	readonly height: number;
	/** ISO/IEC 14496-15 annex E, for example `hvc1.1.6.L93.B0`. */
	readonly codecString: string;
}

/** nal_unit_type (clause 7.3.1.2). */
export const hevcNalType = (nal: Uint8Array): number => (nal[0]! >> 1) & 0x3f;

/** A slice of an IDR picture: a decoder can begin there, and nothing behind it refers to what was before. */
export function isHevcIdr(nal: Uint8Array): boolean {
	const type = hevcNalType(nal);
	return type === HEVC_NAL_IDR_W_RADL || type === HEVC_NAL_IDR_N_LP;
}

/** A slice of a picture at which a decoder may begin, though pictures behind it may refer to what was before. */
export function isHevcIrap(nal: Uint8Array): boolean {
	const type = hevcNalType(nal);
	return type >= HEVC_NAL_FIRST_IRAP && type <= HEVC_NAL_LAST_IRAP;
}

/**
 * Builds the configuration from parameter sets.
 * @throws PenstockError STREAM_UNSUPPORTED when one of the three is missing, or the SPS makes no sense
 */
export function hevcConfig(
	vps: readonly Uint8Array[],
	sps: readonly Uint8Array[],
	pps: readonly Uint8Array[],
): HevcConfig {
	const first = sps[0];
	if (first === undefined || vps.length === 0 || pps.length === 0) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`HEVC with ${vps.length} VPS, ${sps.length} SPS and ${pps.length} PPS cannot be decoded; the source must send all three.`,
		);
	}
	const { width, height, profileTierLevel } = factsOfSps(first);
	return { codec: "hevc", vps, sps, pps, width, height, codecString: codecStringOf(profileTierLevel) };
}

/**
 * Reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, clause 8.3.3.1.2).
 * @throws PenstockError STREAM_UNSUPPORTED when it is cut, or uses NAL lengths other than four bytes
 */
export function parseHvcC(record: Uint8Array): HevcConfig {
	const cut = (): PenstockError =>
		new PenstockError("STREAM_UNSUPPORTED", `an HEVC configuration record of ${record.length} bytes is cut short.`);
	if (record.length < HVCC_HEAD_BYTES || record[0] !== 1) throw cut();
	const lengthSize = (record[21]! & 3) + 1;
	if (lengthSize !== 4) {
		throw new PenstockError("STREAM_UNSUPPORTED", `NAL lengths of ${lengthSize} bytes are not carried, only of 4.`);
	}
	const sets = new Map<number, Uint8Array[]>([HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS].map((type) => [type, []]));
	let at = HVCC_HEAD_BYTES;
	for (let array = record[22]!; array > 0; array--) {
		if (at + 3 > record.length) throw cut();
		const ofType = sets.get(record[at]! & 0x3f);
		const count = (record[at + 1]! << 8) | record[at + 2]!;
		at += 3;
		for (let i = 0; i < count; i++) {
			if (at + 2 > record.length) throw cut();
			const end = at + 2 + ((record[at]! << 8) | record[at + 1]!);
			if (end > record.length) throw cut();
			ofType?.push(new Uint8Array(record.subarray(at + 2, end)));
			at = end;
		}
	}
	return hevcConfig(sets.get(HEVC_NAL_VPS)!, sets.get(HEVC_NAL_SPS)!, sets.get(HEVC_NAL_PPS)!);
}

/** Builds an HEVCDecoderConfigurationRecord with four-byte NAL lengths and complete arrays (`hvc1`). */
export function buildHvcC(config: HevcConfig): Uint8Array {
	const facts = factsOfSps(config.sps[0]!);
	const out: number[] = [
		...[1, ...facts.profileTierLevel],
		...[0xf0, 0], // min_spatial_segmentation_idc: not known
		...[0xfc, 0xfc | facts.chromaFormat], // parallelismType: not known; chroma_format_idc
		...[0xf8 | (facts.bitDepthLuma - 8), 0xf8 | (facts.bitDepthChroma - 8)],
		...[0, 0], // avgFrameRate: not known
		(facts.temporalLayers << 3) | (facts.temporalIdNested << 2) | 3, // lengthSizeMinusOne
		3,
	];
	const arrays = [
		[HEVC_NAL_VPS, config.vps],
		[HEVC_NAL_SPS, config.sps],
		[HEVC_NAL_PPS, config.pps],
	] as const;
	for (const [type, sets] of arrays) {
		out.push(0x80 | type, sets.length >> 8, sets.length & 0xff); // array_completeness, NAL_unit_type, numNalus
		for (const set of sets) out.push(set.length >> 8, set.length & 0xff, ...set);
	}
	return Uint8Array.from(out);
}

/** vps_video_parameter_set_id, sps_seq_parameter_set_id or pps_pic_parameter_set_id (clauses 7.3.2.1 to 7.3.2.3). */
export function hevcSetId(set: Uint8Array): number {
	if (hevcNalType(set) === HEVC_NAL_SPS) {
		const { reader } = openSps(set);
		return reader.unsignedExpGolomb();
	}
	const reader = new BitReader(removeEmulationPrevention(set.subarray(NAL_HEADER_BYTES, 16)));
	return hevcNalType(set) === HEVC_NAL_VPS ? reader.bits(4) : reader.unsignedExpGolomb();
}

interface SpsFacts {
	readonly width: number;
	readonly height: number;
	readonly profileTierLevel: Uint8Array;
	readonly temporalLayers: number;
	readonly temporalIdNested: number;
	readonly chromaFormat: number;
	readonly bitDepthLuma: number;
	readonly bitDepthChroma: number;
}

/** The SPS as far as its profile_tier_level(); the reader stands at sps_seq_parameter_set_id. */
function openSps(sps: Uint8Array) {
	const payload = removeEmulationPrevention(sps.subarray(NAL_HEADER_BYTES));
	const reader = new BitReader(payload);
	reader.skip(4); // sps_video_parameter_set_id
	const subLayers = reader.bits(3); // sps_max_sub_layers_minus1
	const temporalIdNested = reader.bit();
	const profileTierLevel = payload.slice(1, 1 + PROFILE_TIER_LEVEL_BYTES);
	reader.skip(PROFILE_TIER_LEVEL_BYTES * 8);
	skipSubLayers(reader, subLayers);
	return { reader, temporalLayers: subLayers + 1, temporalIdNested, profileTierLevel };
}

/** profile_tier_level(), clause 7.3.3, behind general_level_idc. */
function skipSubLayers(reader: BitReader, count: number): void {
	let bits = 0;
	for (let i = 0; i < count; i++) {
		if (reader.bit()) bits += 88; // sub_layer_profile_present_flag
		if (reader.bit()) bits += 8; // sub_layer_level_present_flag
	}
	if (count > 0) reader.skip(2 * (8 - count)); // reserved_zero_2bits
	reader.skip(bits);
}

/** seq_parameter_set_rbsp(), clause 7.3.2.2.1, as far as the bit depths. */
function factsOfSps(sps: Uint8Array): SpsFacts {
	const { reader, ...facts } = openSps(sps);
	reader.unsignedExpGolomb(); // sps_seq_parameter_set_id
	const chromaFormat = reader.unsignedExpGolomb();
	const separatePlanes = chromaFormat === 3 && reader.bit() === 1;
	let width = reader.unsignedExpGolomb();
	let height = reader.unsignedExpGolomb();
	if (reader.bit()) {
		const unitX = !separatePlanes && (chromaFormat === 1 || chromaFormat === 2) ? 2 : 1;
		const unitY = !separatePlanes && chromaFormat === 1 ? 2 : 1;
		width -= unitX * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
		height -= unitY * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
	}
	const bitDepthLuma = 8 + reader.unsignedExpGolomb();
	const bitDepthChroma = 8 + reader.unsignedExpGolomb();
	const isSize = width >= 1 && height >= 1 && width <= 16_384 && height <= 16_384;
	if (!isSize || chromaFormat > 3 || bitDepthLuma > 15 || bitDepthChroma > 15 || reader.bitsLeft < 0) {
		throw new PenstockError("STREAM_UNSUPPORTED", `an SPS of HEVC that says ${width}×${height} cannot be right.`);
	}
	return { width, height, chromaFormat, bitDepthLuma, bitDepthChroma, ...facts };
}

/** ISO/IEC 14496-15, clause E.3: profile, compatibility in reverse bit order, tier and level, constraints. */
function codecStringOf(profileTierLevel: Uint8Array): string {
	const general = profileTierLevel[0]!;
	const space = ["", "A", "B", "C"][general >> 6]!;
	const tier = general & 0x20 ? "H" : "L";
	const compatibility = new BitReader(profileTierLevel.subarray(1, 5));
	let reversed = 0;
	for (let bit = 0; bit < 32; bit++) reversed += compatibility.bit() * 2 ** bit;
	const constraints = [...profileTierLevel.subarray(5, 11)];
	while (constraints.at(-1) === 0) constraints.pop();
	return [
		`hvc1.${space}${general & 0x1f}`,
		reversed.toString(16).toUpperCase(),
		`${tier}${profileTierLevel[11]}`,
		...constraints.map((byte) => byte.toString(16).toUpperCase()),
	].join(".");
}
