/**
 * What is answered over HTTP to what viewers POST: reports, and requests about their own session. Pages report with `fetch` or `navigator.sendBeacon`; the latter always sends
 * credentials along, so that the answer to it must name the origin and allow them. There are none to be had here.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorCode, PenstockError } from "../base/errors.ts";

const STATUS: Partial<Record<ErrorCode, number>> = {
	HTTP_MALFORMED: 400,
	HTTP_METHOD: 405,
	HTTP_TIMEOUT: 408,
	RENDITION_NOT_FOUND: 404,
	REPORT_MALFORMED: 400,
	REPORT_RATE: 429,
	REPORT_ROUTE: 404,
	REPORT_SESSION: 404,
	REPORT_TOO_LARGE: 413,
	REPORT_TYPE: 415,
	SESSION_MALFORMED: 400,
	SESSION_NOT_FOUND: 404,
	SESSION_RATE: 429,
	SESSION_TOO_LARGE: 413,
	SESSION_TYPE: 415,
};

const RETRY_AFTER_S = "1";

export interface PostOptions {
	/** "*" for everybody, else those whose pages may POST. */
	readonly corsOrigins: readonly string[];
	/** A fault of our own. */
	readonly onFault: (thrown: unknown) => void;
}

type Headers = Readonly<Record<string, string>>;

/**
 * Answers a request to a path that takes POST; never throws.
 * @param answer gets the headers that every answer has; what it throws is told as a refusal
 */
export async function answerPosted(
	request: IncomingMessage,
	response: ServerResponse,
	{ corsOrigins, onFault }: PostOptions,
	answer: (headers: Headers) => Promise<void>,
): Promise<void> {
	// Behind another request whose answer has not ended: there is nothing that could be answered.
	if (response.socket === null) return void request.socket.destroy();
	const headers = corsHeaders(request, corsOrigins);
	if (request.method === "OPTIONS") return answerPreflight(response, headers);
	try {
		await answer(headers);
	} catch (thrown) {
		if (response.headersSent) return void request.socket.destroy();
		if (!(thrown instanceof PenstockError)) onFault(thrown);
		const error =
			thrown instanceof PenstockError
				? thrown
				: new PenstockError("INTERNAL", "the server failed; its log has the cause.");
		answerRefusal(response, error, headers, !request.complete);
	}
}

/** @param origins "*" for everybody, else those whose pages may report */
function corsHeaders(request: IncomingMessage, origins: readonly string[]): Record<string, string> {
	const { origin } = request.headers;
	if (origin === undefined) return origins.includes("*") ? { "Access-Control-Allow-Origin": "*" } : { Vary: "Origin" };
	if (!origins.includes("*") && !origins.includes(origin)) return { Vary: "Origin" };
	return {
		"Access-Control-Allow-Origin": origin,
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Expose-Headers": "CMSD-Dynamic, Retry-After",
		Vary: "Origin",
	};
}

function answerPreflight(response: ServerResponse, headers: Headers): void {
	const allowed = {
		Allow: "POST, OPTIONS",
		"Access-Control-Allow-Methods": "POST, OPTIONS",
		"Access-Control-Allow-Headers": "Content-Type",
		"Access-Control-Max-Age": "86400",
	};
	response.writeHead(204, { ...headers, ...allowed }).end();
}

/** Nothing to read; 202 where the report is kept for a media server that is away. */
export function answerTaken(response: ServerResponse, status: 202 | 204, headers: Headers): void {
	const length = status === 202 ? { "Content-Length": "0" } : {};
	response.writeHead(status, { ...headers, ...length, "Cache-Control": "no-store" }).end();
}

/** @param close where what is left of the request is not worth reading */
function answerRefusal(response: ServerResponse, error: PenstockError, headers: Headers, close: boolean): void {
	const status = STATUS[error.code] ?? 500;
	const body = `${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`;
	response.writeHead(status, {
		...headers,
		"Content-Type": "application/json; charset=utf-8",
		"Content-Length": String(Buffer.byteLength(body)),
		"Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff",
		...(status === 405 && { Allow: "POST, OPTIONS" }),
		...(status === 429 && { "Retry-After": RETRY_AFTER_S }),
		...(close && { Connection: "close" }),
	});
	response.end(body);
}
