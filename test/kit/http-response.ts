/**
 * A reader of one HTTP/1.1 response, byte by byte (RFC 9112). Tests use it in place of an HTTP client so that they
 * see what a client hides: where each chunk ends, in which bytes it came, and whether the response was cut.
 */

export interface ResponseHead {
	readonly status: number;
	readonly reason: string;
	/** Names in lower case; a field that came twice has its values joined by ", ". */
	readonly headers: Readonly<Record<string, string>>;
	/** As received, without the empty line. */
	readonly raw: string;
}

export interface ResponseListener {
	onHead(head: ResponseHead): void;
	/** A whole chunk of the chunked coding; where there is no such coding, bytes as they came. */
	onBody(bytes: Buffer): void;
	/** The response is complete by its own account. */
	onComplete(): void;
}

type State =
	| { kind: "head" }
	| { kind: "chunk size" }
	| { kind: "chunk"; left: number; parts: Buffer[] }
	| { kind: "chunk end" }
	| { kind: "trailer" }
	| { kind: "length"; left: number }
	| { kind: "until close" }
	| { kind: "complete" };

const LONGEST_LINE = 65_536;

export class ResponseReader {
	readonly #listener: ResponseListener;
	readonly #bodyless: boolean;
	#state: State = { kind: "head" };
	#text = "";

	/** @param method of the request: a response to HEAD has no body, whatever its header says */
	constructor(method: string, listener: ResponseListener) {
		this.#listener = listener;
		this.#bodyless = method === "HEAD";
	}

	/** @throws Error when the bytes are not an HTTP/1.1 response */
	push(bytes: Buffer): void {
		for (let at = 0; at < bytes.length; ) at += this.#take(bytes.subarray(at));
	}

	/** The connection has ended. True where that leaves the response whole. */
	end(): boolean {
		if (this.#state.kind === "until close") this.#complete();
		return this.#state.kind === "complete";
	}

	/** Takes a piece from the start of `bytes` and says how long it was. */
	#take(bytes: Buffer): number {
		const state = this.#state;
		switch (state.kind) {
			case "head":
			case "chunk size":
			case "chunk end":
			case "trailer":
				return this.#takeLine(bytes, state.kind);
			case "chunk":
				return this.#takeChunk(bytes, state);
			case "length": {
				const piece = bytes.subarray(0, state.left);
				state.left -= piece.length;
				this.#listener.onBody(piece);
				if (state.left === 0) this.#complete();
				return piece.length;
			}
			case "until close":
				this.#listener.onBody(bytes);
				return bytes.length;
			case "complete":
				throw new Error(`${bytes.length} bytes came after the end of the response: ${show(bytes)}`);
		}
	}

	#takeLine(bytes: Buffer, kind: "head" | "chunk size" | "chunk end" | "trailer"): number {
		const newline = bytes.indexOf(10);
		const length = newline < 0 ? bytes.length : newline + 1;
		this.#text += bytes.toString("latin1", 0, length);
		if (this.#text.length > LONGEST_LINE) throw new Error(`a ${kind} of more than ${LONGEST_LINE} bytes`);
		if (newline < 0) return length;
		if (kind === "head" && !this.#text.endsWith("\r\n\r\n")) return length;
		const text = this.#text;
		this.#text = "";
		if (!text.endsWith("\r\n")) throw new Error(`a ${kind} that ends without CR LF: ${JSON.stringify(text)}`);
		if (kind === "head") this.#readHead(text.slice(0, -4));
		else if (kind === "chunk size") this.#readChunkSize(text.slice(0, -2));
		else if (kind === "trailer") {
			if (text === "\r\n") this.#complete();
		} else {
			if (text !== "\r\n") throw new Error(`a chunk longer than its size: ${JSON.stringify(text.slice(0, 60))}`);
			this.#state = { kind: "chunk size" };
		}
		return length;
	}

	#takeChunk(bytes: Buffer, state: { left: number; parts: Buffer[] }): number {
		const piece = bytes.subarray(0, state.left);
		state.left -= piece.length;
		state.parts.push(piece);
		if (state.left === 0) {
			this.#state = { kind: "chunk end" };
			this.#listener.onBody(state.parts.length === 1 ? piece : Buffer.concat(state.parts));
		}
		return piece.length;
	}

	#readHead(raw: string): void {
		const [statusLine = "", ...fields] = raw.split("\r\n");
		const status = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
		if (status === null) throw new Error(`not a status line of HTTP/1.1: ${JSON.stringify(statusLine.slice(0, 80))}`);
		const headers: Record<string, string> = {};
		for (const field of fields) {
			const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(field);
			if (match === null) throw new Error(`not a header field: ${JSON.stringify(field.slice(0, 80))}`);
			const name = match[1]!.toLowerCase();
			headers[name] = name in headers ? `${headers[name]}, ${match[2]}` : match[2]!;
		}
		const head = { status: Number(status[1]), reason: status[2]!, headers, raw };
		if (head.status >= 100 && head.status < 200) return;
		this.#state = this.#framingOf(head);
		this.#listener.onHead(head);
		if (this.#state.kind === "complete") this.#listener.onComplete();
	}

	/** RFC 9112 clause 6.3. */
	#framingOf({ status, headers }: ResponseHead): State {
		if (this.#bodyless || status === 204 || status === 304) return { kind: "complete" };
		const { "transfer-encoding": coding, "content-length": length } = headers;
		if (coding !== undefined && length !== undefined) {
			throw new Error(`framed in two ways: Transfer-Encoding: ${coding} and Content-Length: ${length}`);
		}
		if (coding !== undefined) {
			if (coding.toLowerCase() !== "chunked") throw new Error(`Transfer-Encoding: ${coding} is not read here`);
			return { kind: "chunk size" };
		}
		if (length === undefined) return { kind: "until close" };
		if (!/^\d+$/.test(length)) throw new Error(`Content-Length: ${length} is not a number`);
		return Number(length) === 0 ? { kind: "complete" } : { kind: "length", left: Number(length) };
	}

	#readChunkSize(line: string): void {
		const size = /^([0-9A-Fa-f]{1,12})[ \t]*(;.*)?$/.exec(line);
		if (size === null) throw new Error(`not a chunk size: ${JSON.stringify(line.slice(0, 60))}`);
		const left = Number.parseInt(size[1]!, 16);
		this.#state = left === 0 ? { kind: "trailer" } : { kind: "chunk", left, parts: [] };
	}

	#complete(): void {
		this.#state = { kind: "complete" };
		this.#listener.onComplete();
	}
}

const show = (bytes: Buffer): string => JSON.stringify(bytes.toString("latin1", 0, 60));
