/**
 * The listener for viewers: `node:http` with every limit set, and answers worth reading for requests that are broken,
 * too large or too slow. A connection has a deadline until its request is whole; a stream has none.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { errorBody, statusOf } from "../delivery/http-answer.ts";

export interface ListenAddress {
	readonly host: string;
	/** 0: any free one. */
	readonly port: number;
}

export interface MediaListenerOptions {
	readonly address: ListenAddress;
	readonly maxHeaderBytes: number;
	/** Until the header of a request is whole. */
	readonly headersTimeout: Milliseconds;
	readonly maxConnections: number;
	readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
	/** Counts a request that was refused before it was one. */
	readonly onRefused: (code: ErrorCode) => void;
}

/** How often connections are looked over for a header that does not come. */
const CHECK_INTERVAL_MS = 500;
const KEEP_ALIVE_MS = 5000;

/** Creates the listener without listening yet. */
export function createMediaListener(options: MediaListenerOptions): Server {
	const server = createServer(
		{
			maxHeaderSize: options.maxHeaderBytes,
			headersTimeout: options.headersTimeout,
			requestTimeout: options.headersTimeout,
			keepAliveTimeout: KEEP_ALIVE_MS,
			connectionsCheckingInterval: CHECK_INTERVAL_MS,
			noDelay: true,
			insecureHTTPParser: false,
		},
		options.handle,
	);
	server.maxConnections = options.maxConnections;
	server.maxHeadersCount = 100;
	server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
		// A response is under way: nothing that could be written now would be understood.
		if (socket.bytesWritten > 0 || !socket.writable || error.code === "ECONNRESET") return void socket.destroy();
		const refusal = refusalOf(error, options);
		options.onRefused(refusal.code);
		answerRaw(socket, refusal);
	});
	return server;
}

/**
 * Listens, or says why not.
 * @throws PenstockError LISTEN_ADDRESS
 */
export async function listen(server: Server, { host, port }: ListenAddress, what: string): Promise<AddressInfo> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, what)));
		server.listen({ host, port }, resolve);
	});
	return server.address() as AddressInfo;
}

export function listenError(error: NodeJS.ErrnoException, host: string, port: number, what: string): PenstockError {
	const reasons: Record<string, string> = {
		EADDRINUSE: `another process listens there; find it with "ss -ltnp sport = :${port}", or set ${what} to another port`,
		EACCES: `ports below 1024 need a privilege; set ${what} to a higher port`,
		EADDRNOTAVAIL: `this machine has no such address; set ${what} to one that "ip address" lists, or to 0.0.0.0`,
		ENOTFOUND: `the name does not resolve; set ${what} to an IP address`,
	};
	const reason = reasons[error.code ?? ""] ?? messageOf(error);
	return new PenstockError("LISTEN_ADDRESS", `cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
}

function refusalOf(error: Error & { code?: string }, options: MediaListenerOptions): PenstockError {
	switch (error.code) {
		case "HPE_HEADER_OVERFLOW":
			return new PenstockError(
				"HTTP_HEADERS_TOO_LARGE",
				`the request's header is larger than ${options.maxHeaderBytes} bytes (http.maxHeaderBytes); send fewer or shorter fields.`,
			);
		case "ERR_HTTP_REQUEST_TIMEOUT":
			return new PenstockError(
				"HTTP_TIMEOUT",
				`the request was not whole within ${options.headersTimeout} ms (http.headersTimeoutMs).`,
			);
		default:
			return new PenstockError("HTTP_MALFORMED", `this is not valid HTTP/1.1: ${messageOf(error)}.`);
	}
}

/** Answers on a socket whose request never became one, and closes it. */
function answerRaw(socket: Socket, error: PenstockError): void {
	const body = errorBody(error.code, error.message);
	const status = statusOf(error.code);
	socket.end(
		`HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}\r\nContent-Type: application/json; charset=utf-8\r\n` +
			`Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
	);
	// Who goes on sending gets no more of our time.
	socket.setTimeout(1000, () => socket.destroy());
}

const REASONS: Record<number, string> = {
	400: "Bad Request",
	408: "Request Timeout",
	431: "Request Header Fields Too Large",
};
