/**
 * How RTP payloads carry NAL units: H.264 (RFC 6184) and HEVC (RFC 7798) do it alike, with different bits. A payload is
 * one NAL unit, several behind their lengths (STAP-A, AP), or a fragment of one (FU-A, FU). The modes in which NAL units
 * come in another order than that of decoding are not carried.
 */
import { NAL_AUD, NAL_IDR, NAL_PPS, NAL_SEI, NAL_SLICE, NAL_SPS, nalType } from "../h264.ts";
import {
	HEVC_NAL_AUD,
	HEVC_NAL_FIRST_NON_VCL,
	HEVC_NAL_PPS,
	HEVC_NAL_SPS,
	HEVC_NAL_VPS,
	hevcNalType,
	isHevcIdr,
} from "../hevc.ts";
import type { NalCodec } from "../mpegts/video-payloads.ts";
import type { PictureBuffer } from "./picture-buffer.ts";

const FU_START = 0x80;
const FU_END = 0x40;

export interface NalFormat {
	readonly codec: NalCodec;
	/** Of a NAL unit. */
	readonly headBytes: number;
	/** Of a fragment before its bytes: the NAL unit's own header is put together again from it. */
	readonly fragmentHeadBytes: number;
	readonly isSlice: (nal: Uint8Array) => boolean;
	readonly isKey: (nal: Uint8Array) => boolean;
	readonly isSet: (nal: Uint8Array) => boolean;
	/** The kinds of parameter sets, all of which a decoder needs, each by the type of its NAL units. */
	readonly setTypes: readonly number[];
	readonly typeOf: (nal: Uint8Array) => number;
	/**
	 * Whether a picture begins with this NAL unit: surely with a delimiter or the first of the parameter sets; likely
	 * with what comes before slices, or with its first slice (first_mb_in_slice of 0; first_slice_segment_in_pic_flag),
	 * though parameter sets may have been before it.
	 */
	readonly opensPicture: (nal: Uint8Array) => "surely" | "likely" | "no";
	/** What a payload is. */
	readonly shapeOf: (payload: Uint8Array) => "single" | "aggregate" | "fragment" | "unknown";
	/** The header of the NAL unit that a fragment is of. */
	readonly headOfFragment: (payload: Uint8Array) => Uint8Array;
	/** Writes a fragment's head: its first bytes, for the NAL unit with this header. */
	readonly writeFragmentHead: (out: Uint8Array, nal: Uint8Array, isFirst: boolean, isLast: boolean) => void;
	/** Writes the head of an aggregate of these NAL units. */
	readonly writeAggregateHead: (out: Uint8Array, nals: readonly Uint8Array[]) => void;
}

const NAL_PARTITION_A = 2;
/** What may stand before the slices of a picture besides (ITU-T H.264, clause 7.4.1.2.3). */
const NAL_PREFIX = 14;
const NAL_LAST_PREFIX = 18;
const STAP_A = 24;
const FU_A = 28;

export const H264_FORMAT: NalFormat = {
	codec: "h264",
	headBytes: 1,
	fragmentHeadBytes: 2,
	isSlice: (nal) => nalType(nal) >= NAL_SLICE && nalType(nal) <= NAL_IDR,
	isKey: (nal) => nalType(nal) === NAL_IDR,
	isSet: (nal) => nalType(nal) === NAL_SPS || nalType(nal) === NAL_PPS,
	setTypes: [NAL_SPS, NAL_PPS],
	typeOf: nalType,
	opensPicture: (nal) => {
		const type = nalType(nal);
		if (type === NAL_AUD || type === NAL_SPS) return "surely";
		if (type === NAL_PPS || type === NAL_SEI || (type >= NAL_PREFIX && type <= NAL_LAST_PREFIX)) return "likely";
		const hasSliceHeader = type === NAL_SLICE || type === NAL_PARTITION_A || type === NAL_IDR;
		return hasSliceHeader && (nal[1]! & 0x80) !== 0 ? "likely" : "no"; // ue(v) of 0 is one bit
	},
	shapeOf: (payload) => {
		const type = nalType(payload);
		if (type === STAP_A) return "aggregate";
		if (type === FU_A) return "fragment";
		return type >= 1 && type < STAP_A ? "single" : "unknown";
	},
	headOfFragment: (payload) => Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f)),
	writeFragmentHead: (out, nal, isFirst, isLast) => {
		out[0] = (nal[0]! & 0xe0) | FU_A; // forbidden_zero_bit and nal_ref_idc are the NAL unit's
		out[1] = (isFirst ? FU_START : 0) | (isLast ? FU_END : 0) | nalType(nal);
	},
	writeAggregateHead: (out, nals) => {
		out[0] = Math.max(...nals.map((nal) => nal[0]! & 0x60)) | STAP_A; // the highest nal_ref_idc
	},
};

const HEVC_NAL_PREFIX_SEI = 39;
const AP = 48;
const FU = 49;

export const HEVC_FORMAT: NalFormat = {
	codec: "hevc",
	headBytes: 2,
	fragmentHeadBytes: 3,
	isSlice: (nal) => hevcNalType(nal) < HEVC_NAL_FIRST_NON_VCL,
	isKey: isHevcIdr,
	isSet: (nal) => [HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS].includes(hevcNalType(nal)),
	setTypes: [HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS],
	typeOf: hevcNalType,
	opensPicture: (nal) => {
		const type = hevcNalType(nal);
		if (type === HEVC_NAL_AUD || type === HEVC_NAL_VPS) return "surely";
		if (type === HEVC_NAL_SPS || type === HEVC_NAL_PPS || type === HEVC_NAL_PREFIX_SEI) return "likely";
		return type < HEVC_NAL_FIRST_NON_VCL && (nal[2]! & 0x80) !== 0 ? "likely" : "no";
	},
	shapeOf: (payload) => {
		const type = hevcNalType(payload);
		if (type === AP) return "aggregate";
		if (type === FU) return "fragment";
		return type < AP ? "single" : "unknown";
	},
	headOfFragment: (payload) => Uint8Array.of((payload[0]! & 0x81) | ((payload[2]! & 0x3f) << 1), payload[1]!),
	writeFragmentHead: (out, nal, isFirst, isLast) => {
		out[0] = (nal[0]! & 0x81) | (FU << 1); // forbidden_zero_bit and the highest bit of nuh_layer_id
		out[1] = nal[1]!;
		out[2] = (isFirst ? FU_START : 0) | (isLast ? FU_END : 0) | hevcNalType(nal);
	},
	writeAggregateHead: (out, nals) => {
		out[0] = AP << 1; // layer 0
		out[1] = Math.min(...nals.map((nal) => nal[1]! & 7)); // the lowest nuh_temporal_id_plus1
	},
};

/** The first NAL unit in a payload, as far as it is there: of a fragment, its header and what follows. */
export function firstNal(format: NalFormat, payload: Uint8Array): Uint8Array | undefined {
	switch (format.shapeOf(payload)) {
		case "single":
			return payload;
		case "aggregate":
			return payload.subarray(format.headBytes + 2);
		case "fragment": {
			if ((payload[format.fragmentHeadBytes - 1]! & FU_START) === 0) return undefined;
			const start = payload.subarray(format.fragmentHeadBytes, format.fragmentHeadBytes + 2);
			return Uint8Array.of(...format.headOfFragment(payload), ...start);
		}
		case "unknown":
			return undefined;
	}
}

/** Adds what a payload carries to the picture; what is wrong breaks the picture. */
export function readNals(format: NalFormat, payload: Uint8Array, picture: PictureBuffer): void {
	if (payload.length < format.headBytes) {
		picture.break(`a payload of ${payload.length} bytes is no NAL unit`);
		return;
	}
	switch (format.shapeOf(payload)) {
		case "single":
			picture.nal(payload);
			return;
		case "aggregate":
			readAggregate(format, payload, picture);
			return;
		case "fragment":
			readFragment(format, payload, picture);
			return;
		case "unknown":
			picture.break(`a payload of type ${format.typeOf(payload)} is of a mode that is not carried`);
	}
}

function readAggregate(format: NalFormat, payload: Uint8Array, picture: PictureBuffer): void {
	for (let at = format.headBytes; at < payload.length; ) {
		const end = at + 2 + ((payload[at]! << 8) | payload[at + 1]!);
		const nal = payload.subarray(at + 2, end);
		if (end > payload.length || nal.length < format.headBytes) {
			picture.break("an aggregate of NAL units has a length that cannot be right");
			return;
		}
		picture.nal(nal);
		at = end;
	}
}

function readFragment(format: NalFormat, payload: Uint8Array, picture: PictureBuffer): void {
	const { fragmentHeadBytes } = format;
	if (payload.length <= fragmentHeadBytes) {
		picture.break("a fragment of a NAL unit has no byte");
		return;
	}
	const flags = payload[fragmentHeadBytes - 1]!;
	if (flags & FU_START) picture.begin(format.headOfFragment(payload));
	picture.more(payload.subarray(fragmentHeadBytes));
	if (flags & FU_END) picture.finish();
}
