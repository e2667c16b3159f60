/** Which of a programme's streams are read: the first of each kind whose codec is carried. */
import type { OpusConfig } from "../opus.ts";
import { opusConfigOf } from "./opus-mapping.ts";
import {
	type ElementaryStream,
	STREAM_TYPE_ADTS,
	STREAM_TYPE_H264,
	STREAM_TYPE_HEVC,
	STREAM_TYPE_PRIVATE,
} from "./psi.ts";
import type { NalCodec } from "./video-payloads.ts";

export interface CarriedVideo {
	readonly pid: number;
	readonly codec: NalCodec;
}

export interface CarriedAudio {
	readonly pid: number;
	/** What Opus says in its descriptors; AAC says it in each frame. */
	readonly opus: OpusConfig | undefined;
}

export function carriedVideo(streams: readonly ElementaryStream[]): CarriedVideo | undefined {
	for (const { pid, streamType } of streams) {
		if (streamType === STREAM_TYPE_H264) return { pid, codec: "h264" };
		if (streamType === STREAM_TYPE_HEVC) return { pid, codec: "hevc" };
	}
	return undefined;
}

export function carriedAudio(streams: readonly ElementaryStream[]): CarriedAudio | undefined {
	for (const { pid, streamType, descriptors } of streams) {
		if (streamType === STREAM_TYPE_ADTS) return { pid, opus: undefined };
		const opus = streamType === STREAM_TYPE_PRIVATE ? opusConfigOf(descriptors) : undefined;
		if (opus) return { pid, opus };
	}
	return undefined;
}

/** Whether both are the same stream with the same configuration, as far as the PMT tells. */
export const sameVideo = (one: CarriedVideo | undefined, other: CarriedVideo | undefined): boolean =>
	one?.pid === other?.pid && one?.codec === other?.codec;

export const sameAudio = (one: CarriedAudio | undefined, other: CarriedAudio | undefined): boolean =>
	one?.pid === other?.pid && one?.opus?.channelCount === other?.opus?.channelCount;
