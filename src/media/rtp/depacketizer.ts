/**
 * The seam between RTP payloads and access units: what every payload format takes and gives. A depacketizer gets the
 * payloads of one stream in order and is told of holes; it gives whole frames, with the timestamps of the stream.
 * Invariant: a frame comes out whole or not at all; nothing is thrown, whatever comes; memory is bounded.
 */
import type { AudioConfig, TrackKind, VideoConfig } from "../access-unit.ts";

/** An access unit before its times are those of the session. */
export interface Frame {
	/** On the stream's RTP clock, unwrapped; may have fractions. */
	readonly timestamp: number;
	readonly key: boolean;
	/** As in an access unit; memory of its own. */
	readonly data: Uint8Array;
	/** A new object when, and only when, the configuration has changed. */
	readonly config: VideoConfig | AudioConfig;
}

export interface FrameSink {
	frame(frame: Frame): void;
	/** A payload, or a frame, does not follow its format, and was left out. @param what a clause */
	flaw(what: string): void;
	/** A frame was left out: a part of it was lost, or what it refers to was, or nothing yet says how to decode it. */
	dropped(): void;
}

export interface Depacketizer {
	readonly track: TrackKind;
	/** What the description said, or the stream has said since; undefined before either. */
	readonly config: VideoConfig | AudioConfig | undefined;
	/** Bytes kept of a frame that has begun. */
	readonly heldBytes: number;
	/**
	 * @param payload of the next packet; a view is enough, and it is not kept
	 * @param timestamp unwrapped
	 * @param afterLoss packets are missing before this one
	 */
	push(payload: Uint8Array, marker: boolean, timestamp: number, afterLoss: boolean): void;
	/** Nothing that belongs to what has begun comes any more; a frame that may be whole comes out. */
	end(): void;
}

/** No picture of a stream that Penstock carries comes near. */
export const MOST_FRAME_BYTES = 4 * 2 ** 20;
