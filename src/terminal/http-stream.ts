/**
 * One GET and its response, read piece by piece and no faster than it is wanted. Whatever the server says instead of a
 * stream becomes one sentence with the server's own words in it.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";

/** How a body ended: by its own account, by the network's or the server's fault, or closed from here. */
export type StreamEnd =
	| { readonly kind: "complete" }
	| { readonly kind: "broken"; readonly because: string }
	| { readonly kind: "closed" };

export interface StreamRequest {
	readonly url: URL;
	readonly headers: Readonly<Record<string, string[]>>;
	readonly clock: Clock;
	/** Gives it up. */
	readonly signal: AbortSignal;
}

/** How long the response's header may take. A server may start an encoder first. */
const HEADER_TIMEOUT_MS = 30_000;
/** Of an answer that is no stream, this much is read. */
const MOST_ANSWER_BYTES = 64 * 1024;
const LONGEST_ANSWER = 500;

/**
 * Sends the request; resolves when a response with status 200 has begun.
 * @throws PenstockError STREAM_UNREACHABLE
 */
export async function openStream({ url, headers, clock, signal }: StreamRequest): Promise<HttpStream> {
	const shown = shownUrl(url);
	const response = await new Promise<IncomingMessage>((resolve, reject) => {
		const send = url.protocol === "https:" ? httpsRequest : httpRequest;
		const request: ClientRequest = send(url, { headers, signal, agent: false }, resolve);
		const late = clock.after(HEADER_TIMEOUT_MS, () =>
			request.destroy(new Error(`no answer in ${HEADER_TIMEOUT_MS} ms`)),
		);
		request.on("response", () => late.cancel());
		request.on("error", (error: NodeJS.ErrnoException) => {
			late.cancel();
			const hint = error.code === "ECONNREFUSED" ? "; is the server running, and is this its port?" : ".";
			const text = `${shown} cannot be opened (${reasonOf(error)})${hint}`;
			reject(new PenstockError("STREAM_UNREACHABLE", text, { cause: error }));
		});
		request.end();
	});
	if (response.statusCode === 200) return new HttpStream(response);
	const words = await answerOf(response);
	const status = `${response.statusCode} ${response.statusMessage ?? ""}`.trim();
	throw new PenstockError(
		"STREAM_UNREACHABLE",
		`${shown} was answered with ${status}${words === "" ? "." : `: ${words}`}`,
	);
}

/** The URL without a password, for people. */
export function shownUrl(url: URL): string {
	if (url.username === "" && url.password === "") return url.href;
	const shown = new URL(url);
	shown.username = "";
	shown.password = "";
	return shown.href;
}

export class HttpStream {
	readonly contentType: string | undefined;
	/** The viewer's id, as the server calls it in the header Penstock-Viewer. */
	readonly viewer: string | undefined;
	/** The secret by which reports name this stream, in the header Penstock-Session. Not to be shown. */
	readonly session: string | undefined;
	readonly #response: IncomingMessage;
	readonly #end = Promise.withResolvers<StreamEnd>();
	/** Resolves behind the last piece. */
	readonly ended: Promise<StreamEnd> = this.#end.promise;

	/** Use `openStream`. */
	constructor(response: IncomingMessage) {
		this.#response = response;
		this.contentType = response.headers["content-type"];
		const viewer = response.headers["penstock-viewer"];
		this.viewer = typeof viewer === "string" ? viewer : undefined;
		const session = response.headers["penstock-session"];
		this.session = typeof session === "string" ? session : undefined;
		response.on("end", () => this.#end.resolve({ kind: "complete" }));
		response.on("error", (error) => this.#end.resolve({ kind: "broken", because: reasonOf(error) }));
		response.on("close", () =>
			this.#end.resolve(
				response.complete ? { kind: "complete" } : { kind: "broken", because: "the connection ended before it" },
			),
		);
	}

	/** Begins to read. */
	onBytes(take: (bytes: Uint8Array) => void): void {
		this.#response.on("data", take);
	}

	/** Reads no more for now; what has been received may still come. */
	pause(): void {
		this.#response.pause();
	}

	resume(): void {
		this.#response.resume();
	}

	/** Leaves. */
	close(): void {
		this.#end.resolve({ kind: "closed" });
		this.#response.removeAllListeners("data");
		this.#response.destroy();
	}
}

/** Of an error of the network, the short name if there is one. */
function reasonOf(error: NodeJS.ErrnoException): string {
	return error.message === "" ? (error.code ?? "no reason given") : messageOf(error);
}

/** What the server says instead: the message of its JSON, or the start of its text. */
async function answerOf(response: IncomingMessage): Promise<string> {
	let text = "";
	try {
		for await (const piece of response.setEncoding("utf8") as AsyncIterable<string>) {
			text += piece;
			if (text.length > MOST_ANSWER_BYTES) break;
		}
	} catch {
		// Half an answer tells, too.
	}
	const message = messageOfJson(text) ?? (/^\s*</.test(text) ? "" : text);
	// Of what comes from the network, nothing that would move the cursor of a terminal.
	return message
		.replace(/[\p{Cc}\s]+/gu, " ")
		.trim()
		.slice(0, LONGEST_ANSWER);
}

function messageOfJson(text: string): string | undefined {
	try {
		const { error } = JSON.parse(text) as { error?: { message?: unknown } };
		return typeof error?.message === "string" ? error.message : undefined;
	} catch {
		return undefined;
	}
}
