/**
 * RTMP's messages and chunks by their numbers (Adobe's RTMP Specification 1.0, clauses 5.3, 5.4, 6 and 7), and how much
 * of them is taken.
 */

export const SET_CHUNK_SIZE = 1;
export const ABORT = 2;
export const ACKNOWLEDGEMENT = 3;
export const USER_CONTROL = 4;
export const WINDOW_ACKNOWLEDGEMENT_SIZE = 5;
export const SET_PEER_BANDWIDTH = 6;
export const AUDIO = 8;
export const VIDEO = 9;
export const DATA_AMF3 = 15;
export const COMMAND_AMF3 = 17;
export const DATA = 18;
export const COMMAND = 20;
export const AGGREGATE = 22;

/** Events of user control messages (7.1.7). */
export const STREAM_BEGIN = 0;
export const PING_REQUEST = 6;
export const PING_RESPONSE = 7;

/** Until somebody says otherwise (5.4.1). */
export const FIRST_CHUNK_SIZE = 128;
export const LEAST_CHUNK_SIZE = 128;
export const LARGEST_CHUNK_SIZE = 65_536;
export const MOST_CHUNK_STREAMS = 16;
/** Of a picture, a sound, or an aggregate of them. */
export const LARGEST_MEDIA_BYTES = 4 * 1024 * 1024;
/** Of anything else. */
export const LARGEST_COMMAND_BYTES = 65_536;
/** Of messages that have begun, all chunk streams together, before and after leave to publish. */
export const MOST_HELD_AS_STRANGER = 65_536;
export const MOST_HELD_AS_PUBLISHER = 2 * LARGEST_MEDIA_BYTES;

export interface RtmpMessage {
	readonly type: number;
	/** 32 bits. */
	readonly ms: number;
	/** Message stream id: 0 is the connection's own. */
	readonly streamId: number;
	/** In memory of its own. */
	readonly body: Uint8Array;
	/** Where its last chunk ends, in bytes from the start of the chunks. */
	readonly offset: number;
}

export const isMedia = (type: number): boolean => type === AUDIO || type === VIDEO || type === AGGREGATE;
