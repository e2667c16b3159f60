/** What is asked of a request before anything is answered by it, and its target taken apart. */
import type { IncomingMessage } from "node:http";
import { PenstockError } from "../base/errors.ts";

/**
 * Requests that only fetch: one Host field, GET or HEAD, no body.
 * @param what is fetched, in the plural
 * @throws PenstockError HTTP_METHOD, HTTP_MALFORMED
 */
export function refuseOddRequest(request: IncomingMessage, what: string): void {
	if (request.httpVersion === "1.1" && request.headersDistinct["host"]?.length !== 1) {
		throw new PenstockError("HTTP_MALFORMED", "a request of HTTP/1.1 has one Host field (RFC 9112, clause 3.2).");
	}
	if (request.method !== "GET" && request.method !== "HEAD") {
		throw new PenstockError("HTTP_METHOD", `${request.method} is not for ${what}; use GET, HEAD or OPTIONS.`);
	}
	const { "content-length": length, "transfer-encoding": coding } = request.headers;
	if (coding !== undefined || (length !== undefined && length !== "0")) {
		throw new PenstockError("HTTP_MALFORMED", `a request for ${what} has no body; send it without one.`);
	}
}

/** Where a request's framing is in doubt, so is where the next one on the connection begins. */
export const isBroken = (thrown: unknown): boolean => thrown instanceof PenstockError && BREAKS.includes(thrown.code);
const BREAKS: readonly string[] = ["HTTP_MALFORMED", "HTTP_METHOD"];

/** Splits a request target in origin form or absolute form (RFC 9112, clause 3.2). */
export function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
	const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
	const origin = absolute === null ? target : target.slice(absolute[0].length);
	const mark = origin.indexOf("?");
	return mark < 0
		? { path: origin, query: new URLSearchParams() }
		: { path: origin.slice(0, mark), query: new URLSearchParams(origin.slice(mark + 1)) };
}
