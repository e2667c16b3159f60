/**
 * The listener for viewers: `node:http` with every limit set, and answers worth reading for requests that are broken,
 * too large or too slow. A connection has a deadline until its request is whole; a stream has none.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { errorBody, statusOf } from "../delivery/http-answer.ts";
import { type ListenAddress, listenError } from "./listen-address.ts";

export interface MediaListenerOptions {
	readonly maxHeaderBytes: number;
	/** Until the header of a request is whole. */
	readonly headersTimeout: Milliseconds;
	readonly maxConnections: number;
	readonly clock: Clock;
	readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
	/** Whether a request's body may go on without an end; all others are to be whole in `headersTimeout`. */
	readonly isEndless: (request: IncomingMessage) => boolean;
	/** Counts a request that was refused before it was one. */
	readonly onRefused: (code: ErrorCode) => void;
}

/** How often connections are looked over for a header that does not come. */
const CHECK_INTERVAL_MS = 500;
const KEEP_ALIVE_MS = 5000;
/** Header fields that a request may have. */
const MAX_FIELDS = 100;
/** What a client is given to read why its request was refused. */
const LINGER_MS = 1000;

/** Creates the listener without listening yet. */
export function createMediaListener(options: MediaListenerOptions): Server {
	const server = createServer(
		{
			maxHeaderSize: options.maxHeaderBytes,
			headersTimeout: options.headersTimeout,
			// Node's would end a publisher's request, too; `limitBody` does what it does for the others.
			requestTimeout: 0,
			keepAliveTimeout: KEEP_ALIVE_MS,
			connectionsCheckingInterval: CHECK_INTERVAL_MS,
			noDelay: true,
			insecureHTTPParser: false,
			// The endpoint refuses a request without it, in words.
			requireHostHeader: false,
		},
		(request, response) => {
			if (!options.isEndless(request)) limitBody(request, response, options);
			options.handle(request, response);
		},
	);
	server.maxConnections = options.maxConnections;
	server.maxHeadersCount = MAX_FIELDS;
	const answered = new WeakSet<Socket>();
	server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
		// What it goes on sending is no news; a connection that is closed over it would take the answer away again.
		if (answered.has(socket)) return;
		// A response is under way: nothing that could be written now would be understood.
		if (socket.bytesWritten > 0 || !socket.writable || error.code === "ECONNRESET") return void socket.destroy();
		answered.add(socket);
		const refusal = refusalOf(error, options);
		options.onRefused(refusal.code);
		answerRaw(socket, refusal, options.clock);
	});
	// There is nothing to answer on: Node has closed the connection.
	server.on("drop", () => options.onRefused("CONNECTIONS_LIMIT"));
	return server;
}

/** Ends a connection whose request has a body that does not come to its end in time. */
function limitBody(request: IncomingMessage, response: ServerResponse, options: MediaListenerOptions): void {
	const { "content-length": length = "0", "transfer-encoding": coding } = request.headers;
	if (coding === undefined && length === "0") return;
	const timer = options.clock.after(options.headersTimeout, () => {
		if (request.complete) return;
		options.onRefused("HTTP_TIMEOUT");
		if (response.headersSent) request.socket.destroy();
		else answerRaw(request.socket, timeoutOf(options), options.clock);
	});
	request.once("close", () => timer.cancel());
}

const timeoutOf = ({ headersTimeout }: MediaListenerOptions): PenstockError =>
	new PenstockError("HTTP_TIMEOUT", `the request was not whole within ${headersTimeout} ms (http.headersTimeoutMs).`);

/**
 * Listens, or says why not.
 * @param key of the configuration, for the message
 * @throws PenstockError LISTEN_ADDRESS
 */
export async function listen(server: Server, address: ListenAddress, key: string): Promise<AddressInfo> {
	await new Promise<void>((resolve, reject) => {
		const refused = (error: Error): void => reject(listenError(error, key, address));
		server.once("error", refused);
		server.listen({ host: address.host, port: address.port }, () => {
			server.off("error", refused);
			resolve();
		});
	});
	return server.address() as AddressInfo;
}

function refusalOf(error: Error & { code?: string }, options: MediaListenerOptions): PenstockError {
	switch (error.code) {
		case "HPE_HEADER_OVERFLOW":
			return new PenstockError(
				"HTTP_HEADERS_TOO_LARGE",
				`the request's header has more than ${options.maxHeaderBytes} bytes (http.maxHeaderBytes) or ${MAX_FIELDS} fields; send fewer or shorter ones.`,
			);
		case "ERR_HTTP_REQUEST_TIMEOUT":
			return timeoutOf(options);
		default:
			return new PenstockError("HTTP_MALFORMED", `this is not valid HTTP/1.1: ${messageOf(error)}.`);
	}
}

/** Answers on a socket whose request never became one, and closes it. */
function answerRaw(socket: Socket, error: PenstockError, clock: Clock): void {
	const body = errorBody(error.code, error.message);
	const status = statusOf(error.code);
	socket.end(
		`HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}\r\nContent-Type: application/json; charset=utf-8\r\n` +
			`Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
	);
	const timer = clock.after(LINGER_MS, () => socket.destroy());
	socket.once("close", () => timer.cancel());
}

const REASONS: Record<number, string> = {
	400: "Bad Request",
	408: "Request Timeout",
	431: "Request Header Fields Too Large",
};
