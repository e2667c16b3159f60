/**
 * What a report server answers over HTTP. Pages report with `fetch` or `navigator.sendBeacon`; the latter always sends
 * credentials along, so that the answer to it must name the origin and allow them. There are none to be had here.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorCode, PenstockError } from "../base/errors.ts";

const STATUS: Partial<Record<ErrorCode, number>> = {
	HTTP_MALFORMED: 400,
	HTTP_METHOD: 405,
	HTTP_TIMEOUT: 408,
	REPORT_MALFORMED: 400,
	REPORT_RATE: 429,
	REPORT_ROUTE: 404,
	REPORT_SESSION: 404,
	REPORT_TOO_LARGE: 413,
	REPORT_TYPE: 415,
};

const RETRY_AFTER_S = "1";

/** @param origins "*" for everybody, else those whose pages may report */
export function corsHeaders(request: IncomingMessage, origins: readonly string[]): Record<string, string> {
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

export function answerPreflight(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
	const allowed = {
		Allow: "POST, OPTIONS",
		"Access-Control-Allow-Methods": "POST, OPTIONS",
		"Access-Control-Allow-Headers": "Content-Type",
		"Access-Control-Max-Age": "86400",
	};
	response.writeHead(204, { ...headers, ...allowed }).end();
}

/** Nothing to read; 202 where the report is kept for a media server that is away. */
export function answerTaken(
	response: ServerResponse,
	status: 202 | 204,
	headers: Readonly<Record<string, string>>,
): void {
	const length = status === 202 ? { "Content-Length": "0" } : {};
	response.writeHead(status, { ...headers, ...length, "Cache-Control": "no-store" }).end();
}

/** @param close where what is left of the request is not worth reading */
export function answerRefusal(
	response: ServerResponse,
	error: PenstockError,
	headers: Readonly<Record<string, string>>,
	close: boolean,
): void {
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
