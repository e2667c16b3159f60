/**
 * A TCP connection on which a test writes what no HTTP client would, and reads what comes back as it came.
 */
import { connect, type Socket } from "node:net";

/** Of one answer that has a length: what a server that refuses says. */
export interface Refusal {
	readonly status: number;
	readonly code: string;
	readonly message: string;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
}

export class RawConnection {
	/** All bytes so far, one character each. */
	text = "";
	/** Resolves when the connection is gone, with the error that took it away, if any. */
	readonly closed: Promise<Error | undefined>;
	readonly #socket: Socket;
	#over = false;
	#wake: () => void = () => undefined;

	/**
	 * @param url of which host and port are used
	 * @param options.allowHalfOpen whether it goes on sending when the server has ended its side
	 */
	constructor(url: string, { allowHalfOpen = false } = {}) {
		const { hostname, port } = new URL(url);
		const closed = Promise.withResolvers<Error | undefined>();
		this.closed = closed.promise;
		let error: Error | undefined;
		this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen });
		this.#socket.setEncoding("latin1");
		this.#socket.on("data", (text: string) => {
			this.text += text;
			this.#wake();
		});
		this.#socket.on("error", (thrown) => (error = thrown));
		this.#socket.on("close", () => {
			this.#over = true;
			closed.resolve(error);
			this.#wake();
		});
	}

	get isClosed(): boolean {
		return this.#over;
	}

	write(text: string): this {
		this.#socket.write(text, "latin1");
		return this;
	}

	/** Reads no more. */
	pause(): void {
		this.#socket.pause();
	}

	/** Ends this side. */
	end(): void {
		this.#socket.end();
	}

	/** Resolves when what was received matches. */
	async until(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpMatchArray> {
		const deadline = setTimeout(() => this.#socket.destroy(), timeoutMs);
		try {
			for (;;) {
				const match = this.text.match(pattern);
				if (match !== null) return match;
				if (this.#over)
					throw new Error(`closed without ${pattern}; received: ${JSON.stringify(this.text.slice(0, 500))}`);
				await new Promise<void>((wake) => (this.#wake = wake));
			}
		} finally {
			clearTimeout(deadline);
		}
	}

	/** How many answers there are in what was received. */
	get answers(): number {
		return this.text.match(/HTTP\/1\.[01] \d{3} /g)?.length ?? 0;
	}

	/** The one answer, when it is whole; throws where there is another behind it. */
	async refusal(timeoutMs?: number): Promise<Refusal> {
		await this.until(/\r\n\r\n\{.*\}\n$/s, timeoutMs);
		const [head = "", body = ""] = this.text.split("\r\n\r\n");
		if (this.answers !== 1) throw new Error(`${this.answers} answers: ${JSON.stringify(this.text)}`);
		const [statusLine = "", ...fields] = head.split("\r\n");
		const headers = Object.fromEntries(
			fields.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.slice(field.indexOf(":") + 2)]),
		);
		if (Number(headers["content-length"]) !== body.length) throw new Error(`a body of another length: ${this.text}`);
		const { error } = JSON.parse(body) as { error: { code: string; message: string } };
		return { status: Number(statusLine.split(" ")[1]), headers, ...error };
	}

	/** Leaves without a word. */
	destroy(): void {
		this.#socket.destroy();
	}
}

/** Asks on a connection of its own, with bytes as they are given, for an answer that refuses. */
export async function refusalOf(url: string, bytes: string, timeoutMs?: number): Promise<Refusal> {
	const connection = new RawConnection(url).write(bytes);
	try {
		return await connection.refusal(timeoutMs);
	} finally {
		connection.destroy();
	}
}
