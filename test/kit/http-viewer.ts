/**
 * A viewer without a player: one GET on a socket of its own, and every chunk of the response with the time at which
 * it was complete. It can stop reading, as a paused or drowned player does, and it can go without a word.
 */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { connect, type Socket } from "node:net";
import { finished } from "node:stream/promises";
import { type ResponseHead, ResponseReader } from "./http-response.ts";

export interface BodyChunk {
	readonly bytes: Buffer;
	/** `performance.now()` when its last byte had come. */
	readonly at: number;
}

export interface ViewerOptions {
	/** GET where this is left out. */
	readonly method?: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** How long the response's header may take; 10 s where this is left out. */
	readonly timeoutMs?: number;
	/** Gets each chunk as it is complete; chunks are then not kept for reading. For many viewers at once. */
	readonly onChunk?: (chunk: BodyChunk) => void;
}

/**
 * How a response ended: "complete" by its own account, "cut" by the server or the network before that (or not HTTP at
 * all), "closed" by this viewer.
 */
export type Ending = { readonly kind: "complete" | "closed" } | { readonly kind: "cut"; readonly because: string };

/** Connects, asks, and resolves when the response's header is there. Any status is an answer, not an error. */
export async function openViewer(url: string, options: ViewerOptions = {}): Promise<HttpViewer> {
	const { timeoutMs = 10_000 } = options;
	const viewer = new HttpViewer(url, options);
	const timer = setTimeout(() => viewer.close(), timeoutMs);
	try {
		await Promise.race([viewer.answered, viewer.ended]);
	} finally {
		clearTimeout(timer);
	}
	if (viewer.hasHead) return viewer;
	const ending = await viewer.ended;
	const why = ending.kind === "cut" ? ending.because : `no header within ${timeoutMs} ms`;
	throw new Error(`${options.method ?? "GET"} ${url} was not answered: ${why}`);
}

export class HttpViewer {
	/** `performance.now()` when the request was written. */
	sentAt = 0;
	/** Resolves when the header is there. */
	readonly answered: Promise<unknown>;
	readonly ended: Promise<Ending>;
	readonly #socket: Socket;
	readonly #queue: BodyChunk[] = [];
	readonly #end = Promise.withResolvers<Ending>();
	readonly #onChunk: (chunk: BodyChunk) => void;
	#head: ResponseHead | undefined;
	#over = false;
	#wake: () => void = () => undefined;

	/** Use `openViewer`. */
	constructor(url: string, options: ViewerOptions) {
		const { hostname, port, host, pathname, search } = new URL(url);
		const { method = "GET" } = options;
		const answered = Promise.withResolvers<void>();
		this.answered = answered.promise;
		this.ended = this.#end.promise;
		this.#onChunk = options.onChunk ?? ((chunk) => this.#queue.push(chunk));
		let complete = false;
		const reader = new ResponseReader(method, {
			onHead: (head) => {
				this.#head = head;
				answered.resolve();
			},
			onBody: (bytes) => {
				this.#onChunk({ bytes, at: performance.now() });
				this.#wake();
			},
			onComplete: () => (complete = true),
		});
		const fields = Object.entries({ Host: host, ...options.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
		this.#socket = connect({ host: hostname, port: Number(port || 80), noDelay: true }, () => {
			this.sentAt = performance.now();
			this.#socket.write(`${method} ${pathname}${search} HTTP/1.1\r\n${fields.join("")}\r\n`);
		});
		this.#socket.on("data", (bytes) => {
			try {
				reader.push(bytes);
				if (complete) this.#finish({ kind: "complete" });
			} catch (error) {
				this.#finish({ kind: "cut", because: (error as Error).message });
			}
		});
		this.#socket.on("error", (error) => this.#finish({ kind: "cut", because: error.message }));
		this.#socket.on("close", () => {
			const because = "the connection ended before the response did";
			this.#finish(reader.end() ? { kind: "complete" } : { kind: "cut", because });
		});
	}

	get hasHead(): boolean {
		return this.#head !== undefined;
	}

	get status(): number {
		return this.#head!.status;
	}

	get headers(): Readonly<Record<string, string>> {
		return this.#head!.headers;
	}

	/** The header as received. */
	get rawHead(): string {
		return this.#head!.raw;
	}

	/** The port at this end, by which a server's list of viewers can be told apart. */
	get localPort(): number {
		return this.#socket.localPort ?? 0;
	}

	/** The chunks, as they come; ends with the response, however that ends. Each chunk is given once. */
	async *[Symbol.asyncIterator](): AsyncGenerator<BodyChunk, void> {
		for (;;) {
			const chunk = await this.nextChunk();
			if (chunk === undefined) return;
			yield chunk;
		}
	}

	/** The next chunk, or undefined when the response is over. */
	async nextChunk(): Promise<BodyChunk | undefined> {
		while (this.#queue.length === 0 && !this.#over) await new Promise<void>((wake) => (this.#wake = wake));
		return this.#queue.shift();
	}

	/** The rest of the body. */
	async bytes(): Promise<Buffer> {
		const parts: Buffer[] = [];
		for await (const { bytes } of this) parts.push(bytes);
		return Buffer.concat(parts);
	}

	/**
	 * Writes the rest of the body to a file, until the response is over or `enough` says so; then closes. Gives the
	 * number of bytes.
	 */
	async saveTo(path: string, enough: (totalBytes: number) => boolean = () => false): Promise<number> {
		const file = createWriteStream(path);
		let total = 0;
		for await (const { bytes } of this) {
			total += bytes.length;
			if (!file.write(bytes)) await once(file, "drain");
			if (enough(total)) this.close();
		}
		file.end();
		await finished(file);
		return total;
	}

	/** Stops reading: the kernel's buffer fills up, then the server cannot write. */
	pause(): void {
		this.#socket.pause();
	}

	resume(): void {
		this.#socket.resume();
	}

	/** Leaves. What was received may still be read. */
	close(): void {
		this.#finish({ kind: "closed" });
	}

	#finish(ending: Ending): void {
		if (this.#over) return;
		this.#over = true;
		this.#socket.destroy();
		this.#end.resolve(ending);
		this.#wake();
	}
}
