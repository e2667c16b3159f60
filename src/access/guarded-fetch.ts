/**
 * One HTTP request to a place that a `UrlGuard` admits (SEC3, SEC16): dialled at the address that was checked, whole
 * within its time, of bounded size, not compressed, no redirect followed. Nothing is kept between two requests.
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";
import { messageOf, type PenstockError } from "../base/errors.ts";
import type { AdmittedUrl, UrlGuard } from "./url-guard.ts";

export interface FetchParts {
	readonly guard: UrlGuard;
	readonly clock: Clock;
	/** Certificates to trust instead of the system's, PEM. */
	readonly authorities?: string;
}

export interface FetchRequest {
	readonly url: string;
	readonly method: "GET" | "POST";
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
	/** For all of it, resolving the name included. */
	readonly timeoutMs: number;
	/** Of the answer's body. */
	readonly mostBytes: number;
}

export type FetchAnswer =
	| { readonly kind: "answered"; readonly status: number; readonly body: Buffer }
	/** The guard has said no. */
	| { readonly kind: "refused"; readonly error: PenstockError }
	| { readonly kind: "failed"; readonly why: string };

const MOST_HEADER_BYTES = 16 * 1024;

/** Never throws, and never shows the URL's query. */
export async function guardedFetch(parts: FetchParts, request: FetchRequest): Promise<FetchAnswer> {
	const abort = new AbortController();
	const late = Promise.withResolvers<FetchAnswer>();
	const timer = parts.clock.after(request.timeoutMs, () => {
		late.resolve({ kind: "failed", why: `no whole answer within ${request.timeoutMs} ms` });
		abort.abort();
	});
	try {
		return await Promise.race([fetchAdmitted(parts, request, abort.signal), late.promise]);
	} finally {
		timer.cancel();
		abort.abort();
	}
}

async function fetchAdmitted(parts: FetchParts, request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer> {
	const admission = await parts.guard.admit(request.url);
	if (signal.aborted) return { kind: "failed", why: "given up" };
	switch (admission.kind) {
		case "refused":
			return admission;
		case "unresolved":
			return { kind: "failed", why: admission.why };
		case "admitted":
			return await exchange(admission, parts, request, signal);
	}
}

function exchange(
	{ url, host, address, port }: AdmittedUrl,
	{ authorities }: FetchParts,
	{ method, headers = {}, body = "", mostBytes }: FetchRequest,
	signal: AbortSignal,
): Promise<FetchAnswer> {
	const { promise, resolve } = Promise.withResolvers<FetchAnswer>();
	const fail = (why: string): void => resolve({ kind: "failed", why });
	const open = url.protocol === "https:" ? requestHttps : requestHttp;
	const sent = open({
		host: address,
		port,
		method,
		path: `${url.pathname}${url.search}`,
		headers: {
			...headers,
			Host: url.host,
			"Accept-Encoding": "identity",
			Connection: "close",
			...(method === "POST" && { "Content-Length": String(Buffer.byteLength(body)) }),
		},
		// A connection of its own: one from a pool could lead to another address.
		agent: false,
		signal,
		maxHeaderSize: MOST_HEADER_BYTES,
		insecureHTTPParser: false,
		// The certificate is the name's, though the address is dialled.
		...(isIP(host) === 0 && { servername: host }),
		...(authorities !== undefined && { ca: authorities }),
	});
	sent.once("response", (response) => {
		readAnswer(response, mostBytes).then(
			(answer) => {
				resolve(answer);
				sent.destroy();
			},
			(thrown: unknown) => fail(messageOf(thrown)),
		);
	});
	sent.on("error", (error) => fail(error.message));
	sent.once("close", () => fail("the connection ended before the answer"));
	sent.end(body);
	return promise;
}

async function readAnswer(response: IncomingMessage, mostBytes: number): Promise<FetchAnswer> {
	const coding = response.headers["content-encoding"] ?? "identity";
	if (coding !== "identity") return { kind: "failed", why: "the answer is compressed, which was not asked for" };
	const tooLarge = { kind: "failed", why: `the answer has more than ${mostBytes} bytes` } as const;
	if (Number(response.headers["content-length"] ?? 0) > mostBytes) return tooLarge;
	const pieces: Buffer[] = [];
	let size = 0;
	for await (const piece of response as AsyncIterable<Buffer>) {
		size += piece.length;
		if (size > mostBytes) return tooLarge;
		pieces.push(piece);
	}
	return { kind: "answered", status: response.statusCode ?? 0, body: Buffer.concat(pieces) };
}
