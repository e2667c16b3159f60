/** Answers to requests: a status, fields, and the words of an error where it is one. */
import type { ErrorCode, PenstockError } from "../base/errors.ts";
import type { WrittenHeader } from "../wire/rtsp-message.ts";

export interface Reply {
	readonly status: number;
	readonly headers: readonly WrittenHeader[];
	readonly body?: Uint8Array;
	/** Told behind the status, where players show it. */
	readonly error?: PenstockError;
	/** The connection ends behind it. */
	readonly last?: true;
}

/** What an error is in RTSP; anything else is our own fault and a 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
	ACCESS_AWAY: 503,
	ACCESS_CREDENTIALS: 403,
	ACCESS_EXPIRED: 403,
	ACCESS_HOOK: 403,
	ACCESS_RATE: 403,
	ACCESS_REFUSED: 403,
	ACCESS_REPLAYED: 403,
	CHANNEL_NOT_FOUND: 404,
	CHANNEL_NOT_READY: 503,
	DISTRIBUTOR_REFUSED: 503,
	DISTRIBUTOR_UNREACHABLE: 503,
	ENGINE_UNAVAILABLE: 503,
	NAME_INVALID: 400,
	PUBLISHER_EXISTS: 409,
	RENDITION_NOT_FOUND: 404,
	RTSP_AUTHENTICATION: 403,
	RTSP_LIMIT: 413,
	RTSP_MALFORMED: 400,
	RTSP_METHOD: 455,
	RTSP_SESSION: 454,
	RTSP_TIMEOUT: 408,
	RTSP_TRANSPORT: 461,
	RULE_LIMIT: 503,
	RULE_NETWORK: 503,
	SDP_MALFORMED: 400,
	STREAMS_LIMIT: 503,
	STREAM_UNSUPPORTED: 415,
	VIEWERS_LIMIT: 503,
};

export const ok = (...headers: readonly WrittenHeader[]): Reply => ({ status: 200, headers });

/** @param status where it is another than the error's own */
export const refusal = (
	error: PenstockError,
	status = STATUS[error.code] ?? 500,
	...headers: readonly WrittenHeader[]
): Reply => ({ status, headers, error });

export const lastReply = (reply: Reply): Reply => ({ ...reply, last: true });
