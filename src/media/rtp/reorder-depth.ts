/**
 * How many pictures may come before another in a stream and be shown after it, as its SPS says: max_num_reorder_frames
 * (ITU-T H.264, clauses 7.3.2.1.1, E.1.1 and E.2.1), sps_max_num_reorder_pics (ITU-T H.265, clause 7.3.2.2.1).
 */
import { BitReader } from "../../base/bits.ts";
import type { VideoConfig } from "../access-unit.ts";
import { removeEmulationPrevention } from "../h264.ts";

/** Profiles with chroma_format_idc and what follows it in their SPS. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const EXTENDED_SAR = 255;
const MOST_CPBS = 32;
const MOST_POC_CYCLE = 255;

/** 0 where the SPS does not say it: then it is learnt (`DecodeTimes`). */
export function reorderDepthOf(config: VideoConfig): number {
	switch (config.codec) {
		case "h264":
			return Math.max(...config.sps.map(h264Depth));
		case "hevc":
			return Math.max(...config.sps.map(hevcDepth));
		case "av1":
			return 0; // its temporal units come in the order in which they are shown
	}
}

function h264Depth(sps: Uint8Array): number {
	const reader = new BitReader(removeEmulationPrevention(sps.subarray(1)));
	const profile = reader.bits(8);
	reader.skip(16); // constraint flags, level_idc
	reader.unsignedExpGolomb(); // seq_parameter_set_id
	if (HIGH_PROFILES.has(profile)) skipHighFields(reader);
	reader.unsignedExpGolomb(); // log2_max_frame_num_minus4
	if (skipPictureOrder(reader) === 2) return 0; // pictures are shown in the order in which they come
	reader.unsignedExpGolomb(); // max_num_ref_frames
	reader.skip(1); // gaps_in_frame_num_value_allowed_flag
	reader.unsignedExpGolomb(); // pic_width_in_mbs_minus1
	reader.unsignedExpGolomb(); // pic_height_in_map_units_minus1
	if (!reader.bit()) reader.skip(1); // frame_mbs_only_flag, mb_adaptive_frame_field_flag
	reader.skip(1); // direct_8x8_inference_flag
	if (reader.bit()) for (let i = 0; i < 4; i++) reader.unsignedExpGolomb(); // frame_cropping
	const depth = reader.bit() ? depthOfVui(reader) : 0; // vui_parameters_present_flag
	return reader.bitsLeft < 0 ? 0 : depth;
}

/** From chroma_format_idc to the scaling matrix. */
function skipHighFields(reader: BitReader): void {
	const chromaFormat = reader.unsignedExpGolomb();
	if (chromaFormat === 3) reader.skip(1); // separate_colour_plane_flag
	reader.unsignedExpGolomb(); // bit_depth_luma_minus8
	reader.unsignedExpGolomb(); // bit_depth_chroma_minus8
	reader.skip(1); // qpprime_y_zero_transform_bypass_flag
	if (!reader.bit()) return; // seq_scaling_matrix_present_flag
	for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++) {
		if (!reader.bit()) continue;
		let last = 8;
		let next = 8;
		for (let i = 0; i < (list < 6 ? 16 : 64); i++) {
			if (next !== 0) next = (last + reader.signedExpGolomb() + 256) % 256;
			if (next !== 0) last = next;
		}
	}
}

/** @returns pic_order_cnt_type */
function skipPictureOrder(reader: BitReader): number {
	const type = reader.unsignedExpGolomb();
	if (type === 0) reader.unsignedExpGolomb(); // log2_max_pic_order_cnt_lsb_minus4
	if (type !== 1) return type;
	reader.skip(1); // delta_pic_order_always_zero_flag
	reader.signedExpGolomb(); // offset_for_non_ref_pic
	reader.signedExpGolomb(); // offset_for_top_to_bottom_field
	const cycle = Math.min(reader.unsignedExpGolomb(), MOST_POC_CYCLE);
	for (let i = 0; i < cycle; i++) reader.signedExpGolomb();
	return type;
}

/** vui_parameters(), as far as bitstream_restriction_flag. */
function depthOfVui(reader: BitReader): number {
	if (reader.bit() && reader.bits(8) === EXTENDED_SAR) reader.skip(32); // aspect_ratio_idc, sar_width, sar_height
	if (reader.bit()) reader.skip(1); // overscan_appropriate_flag
	if (reader.bit()) {
		reader.skip(4); // video_format, video_full_range_flag
		if (reader.bit()) reader.skip(24); // colour description
	}
	if (reader.bit()) for (let i = 0; i < 2; i++) reader.unsignedExpGolomb(); // chroma_sample_loc_type
	if (reader.bit()) reader.skip(65); // num_units_in_tick, time_scale, fixed_frame_rate_flag
	const hasNalHrd = reader.bit();
	if (hasNalHrd) skipHrd(reader);
	const hasVclHrd = reader.bit();
	if (hasVclHrd) skipHrd(reader);
	if (hasNalHrd || hasVclHrd) reader.skip(1); // low_delay_hrd_flag
	reader.skip(1); // pic_struct_present_flag
	if (!reader.bit()) return 0; // bitstream_restriction_flag
	reader.skip(1); // motion_vectors_over_pic_boundaries_flag
	for (let i = 0; i < 4; i++) reader.unsignedExpGolomb(); // max_bytes_per_pic_denom to log2_max_mv_length_vertical
	return reader.unsignedExpGolomb();
}

/** hrd_parameters(), clause E.1.2. */
function skipHrd(reader: BitReader): void {
	const count = Math.min(reader.unsignedExpGolomb() + 1, MOST_CPBS);
	reader.skip(8); // bit_rate_scale, cpb_size_scale
	for (let i = 0; i < count; i++) {
		reader.unsignedExpGolomb(); // bit_rate_value_minus1
		reader.unsignedExpGolomb(); // cpb_size_value_minus1
		reader.skip(1); // cbr_flag
	}
	reader.skip(20); // lengths of delays and of time_offset
}

function hevcDepth(sps: Uint8Array): number {
	const reader = new BitReader(removeEmulationPrevention(sps.subarray(2)));
	reader.skip(4); // sps_video_parameter_set_id
	const subLayers = reader.bits(3); // sps_max_sub_layers_minus1
	reader.skip(1 + 96); // sps_temporal_id_nesting_flag, general profile, tier and level
	let bits = 0;
	for (let i = 0; i < subLayers; i++) bits += (reader.bit() ? 88 : 0) + (reader.bit() ? 8 : 0);
	if (subLayers > 0) bits += 2 * (8 - subLayers); // reserved_zero_2bits
	reader.skip(bits);
	reader.unsignedExpGolomb(); // sps_seq_parameter_set_id
	if (reader.unsignedExpGolomb() === 3) reader.skip(1); // chroma_format_idc, separate_colour_plane_flag
	reader.unsignedExpGolomb(); // pic_width_in_luma_samples
	reader.unsignedExpGolomb(); // pic_height_in_luma_samples
	if (reader.bit()) for (let i = 0; i < 4; i++) reader.unsignedExpGolomb(); // conformance window
	for (let i = 0; i < 3; i++) reader.unsignedExpGolomb(); // bit depths, log2_max_pic_order_cnt_lsb_minus4
	const layers = reader.bit() ? subLayers + 1 : 1; // sps_sub_layer_ordering_info_present_flag
	let depth = 0;
	for (let i = 0; i < layers; i++) {
		reader.unsignedExpGolomb(); // sps_max_dec_pic_buffering_minus1
		depth = reader.unsignedExpGolomb();
		reader.unsignedExpGolomb(); // sps_max_latency_increase_plus1
	}
	return reader.bitsLeft < 0 ? 0 : depth;
}
