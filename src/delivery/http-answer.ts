/**
 * Answers that are not a stream: errors as JSON with a stable code, CORS, and which status an error has.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import { isBroken } from "./request-checks.ts";

/** Errors that a request can meet; anything else is our own fault and a 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
	ACCESS_AWAY: 503,
	ACCESS_CREDENTIALS: 401,
	ACCESS_EXPIRED: 401,
	ACCESS_HOOK: 403,
	ACCESS_RATE: 429,
	ACCESS_REFUSED: 403,
	ACCESS_REPLAYED: 403,
	CHANNEL_NOT_FOUND: 404,
	CHANNEL_NOT_READY: 503,
	FFMPEG_CAPABILITY: 503,
	FFMPEG_EXITED: 503,
	FFMPEG_HUNG: 503,
	FFMPEG_MISSING: 503,
	FFMPEG_TOO_OLD: 503,
	HTTP_HEADERS_TOO_LARGE: 431,
	HTTP_MALFORMED: 400,
	HTTP_METHOD: 405,
	HTTP_TIMEOUT: 408,
	LADDER_COPY_UNFIT: 503,
	LADDER_INPUT_UNFIT: 503,
	NAME_INVALID: 400,
	PACKAGING_UNFIT: 406,
	PACKAGING_UNKNOWN: 404,
	PAGES_MISSING: 503,
	PAGE_NOT_FOUND: 404,
	PUBLISHER_EXISTS: 409,
	PUBLISHER_KICKED: 403,
	PUBLISHER_REPLACED: 409,
	PUBLISHER_SILENT: 408,
	PUSH_TYPE: 415,
	RENDITION_NOT_FOUND: 404,
	SOURCE_NO_AUDIO: 503,
	SOURCE_NO_VIDEO: 503,
	SOURCE_TIMESTAMPS: 503,
	SOURCE_UNREACHABLE: 503,
	SOURCE_UNSUPPORTED: 503,
	STREAMS_LIMIT: 503,
	VIEWERS_LIMIT: 503,
};

/** What a client may be asked to wait before it tries again. */
const RETRY_AFTER_S = 5;

export const statusOf = (code: ErrorCode): number => STATUS[code] ?? 500;

/** The body of an error, the same from every listener. */
export const errorBody = (code: string, message: string): string => `${JSON.stringify({ error: { code, message } })}\n`;

export interface CorsPolicy {
	/** "*" for everybody, else the origins that may read a stream. */
	readonly origins: readonly string[];
}

/** What a page may read of an answer. */
const EXPOSED = "Penstock-Viewer, Penstock-Session, CMSD-Static, CMSD-Dynamic, Retry-After";

/** Access-Control headers for this request; empty where its origin may not read. */
export function corsHeaders(request: IncomingMessage, policy: CorsPolicy): Record<string, string> {
	const { origin } = request.headers;
	const exposed = { "Access-Control-Expose-Headers": EXPOSED };
	if (policy.origins.includes("*")) return { "Access-Control-Allow-Origin": "*", ...exposed };
	if (origin === undefined || !policy.origins.includes(origin)) return { Vary: "Origin" };
	return { "Access-Control-Allow-Origin": origin, Vary: "Origin", ...exposed };
}

export function answerPreflight(request: IncomingMessage, response: ServerResponse, policy: CorsPolicy): void {
	const headers = {
		...corsHeaders(request, policy),
		Allow: "GET, HEAD, OPTIONS",
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
		"Access-Control-Allow-Headers":
			"Authorization, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, Content-Type, Range",
		"Access-Control-Max-Age": "86400",
	};
	response.writeHead(204, headers).end();
}

export function answerError(
	response: ServerResponse,
	error: PenstockError,
	headers: Readonly<Record<string, string>> = {},
): void {
	const status = statusOf(error.code);
	const body = errorBody(error.code, error.message);
	const isLater = status === 503 || status === 429;
	response.writeHead(status, {
		...headers,
		"Content-Type": "application/json; charset=utf-8",
		"Content-Length": String(Buffer.byteLength(body)),
		"Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff",
		...(isLater ? { "Retry-After": String(RETRY_AFTER_S) } : {}),
		// RFC 9110, clause 11.6.1
		...(status === 401 ? { "WWW-Authenticate": 'Basic realm="penstock", charset="UTF-8"' } : {}),
		...(status === 405 ? { Allow: "GET, HEAD, OPTIONS" } : {}),
	});
	response.end(response.req.method === "HEAD" ? undefined : body);
}

export interface FaultLog {
	warn(fields: object, message: string): void;
}

/** Tells what was thrown while a request was answered; the socket is closed where nothing can be told any more. */
export function answerThrown(
	request: IncomingMessage,
	response: ServerResponse,
	thrown: unknown,
	{ cors, log }: { readonly cors: CorsPolicy; readonly log: FaultLog },
): void {
	if (response.headersSent) return void request.socket.destroy();
	if (isBroken(thrown)) response.setHeader("Connection", "close");
	if (!(thrown instanceof PenstockError)) log.warn({ err: thrown }, "a request failed inside the server");
	const error =
		thrown instanceof PenstockError
			? thrown
			: new PenstockError("INTERNAL", `the server failed: ${messageOf(thrown)}; its log has more.`);
	answerError(response, error, corsHeaders(request, cors));
}
