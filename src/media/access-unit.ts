/**
 * The currency of the house: one access unit (a coded picture, or a coded audio frame) with its times.
 * Sources make it, the channel keeps it, packagings write it, readers give it back.
 */
import type { Ticks90k } from "../base/units.ts";
import type { AacConfig } from "./aac.ts";
import type { Av1Config } from "./av1.ts";
import type { H264Config } from "./h264.ts";
import type { HevcConfig } from "./hevc.ts";
import type { OpusConfig } from "./opus.ts";

export type TrackKind = "video" | "audio";

export interface AccessUnit {
	readonly track: TrackKind;
	/** Presentation time, on the channel's own unwrapped clock. */
	readonly pts: Ticks90k;
	/** Decoding time; equal to `pts` where nothing is reordered, and for audio. */
	readonly dts: Ticks90k;
	/** Video: an IDR picture (AV1: a key frame that is shown). Audio: always true. */
	readonly key: boolean;
	/**
	 * What is in the track's configuration is not here.
	 * H.264, HEVC: NAL units, each behind its length in four bytes (ISO/IEC 14496-15, clause 5.3.4.2), without access
	 * unit delimiters and parameter sets. AV1: the OBUs of one temporal unit, each with its size (obu_has_size_field),
	 * without temporal delimiters and sequence headers. AAC: one raw frame, without ADTS header. Opus: one packet
	 * (RFC 6716, clause 3).
	 */
	readonly data: Uint8Array;
}

export type VideoConfig = H264Config | HevcConfig | Av1Config;
export type AudioConfig = AacConfig | OpusConfig;

/**
 * What a decoder needs before a unit (the design's third parameter). A rendition with no audio, or a channel with
 * no video, leaves that part out.
 */
export interface DecodeInformation {
	readonly video?: VideoConfig;
	readonly audio?: AudioConfig;
}
