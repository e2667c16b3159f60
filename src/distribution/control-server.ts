/**
 * The control protocol over the engine in this process (docs/wire/distributor.md): so `penstock rules`, or a controller
 * of somebody else's, finds the same socket whether a native distributor listens there or this one.
 */
import { chmod, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { messageOf, PenstockError } from "../base/errors.ts";
import {
	type AddressedRequest,
	addressOfRequest,
	MAX_ANSWER_BYTES,
	MAX_REQUEST_BYTES,
	type PlainRequest,
	PROTOCOL_VERSION,
	readRequest,
} from "../wire/distributor.ts";
import type { EngineEvent } from "../wire/distributor-answer.ts";
import { readLine } from "../wire/distributor-line.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import { LineReader } from "./line-reader.ts";
import type { NodeEngine } from "./node-engine.ts";

const MAX_CONNECTIONS = 8;

type Fields = Readonly<Record<string, unknown>>;

export interface ControlServerParts {
	readonly engine: NodeEngine;
	/** Of the socket. What lies there of a process that is gone is removed. */
	readonly path: string;
	/** `quit` was asked for. */
	readonly onQuit: () => void;
	readonly log: (line: string) => void;
}

export class ControlServer {
	readonly #parts: ControlServerParts;
	readonly #server: Server;
	/** Those that have said hello get events. */
	readonly #greeted = new Set<Socket>();
	readonly #sockets = new Set<Socket>();

	/** @throws PenstockError DISTRIBUTOR_UNREACHABLE where the socket cannot be made */
	static async open(parts: ControlServerParts): Promise<ControlServer> {
		const server = new ControlServer(parts);
		try {
			await server.#listen();
		} catch (thrown) {
			const text = `the control socket ${parts.path} cannot be made: ${messageOf(thrown)}.`;
			throw new PenstockError("DISTRIBUTOR_UNREACHABLE", text, { cause: thrown });
		}
		return server;
	}

	private constructor(parts: ControlServerParts) {
		this.#parts = parts;
		this.#server = createServer((socket) => this.#serve(socket));
		this.#server.maxConnections = MAX_CONNECTIONS;
	}

	/** Tells it to everybody who has said hello, and parts with those who do not read. */
	event(event: EngineEvent): void {
		for (const socket of this.#greeted) {
			if (socket.writableLength > MAX_ANSWER_BYTES) socket.destroy();
			else socket.write(`${JSON.stringify(event)}\n`);
		}
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	async #listen(): Promise<void> {
		const { path } = this.#parts;
		const listening = (): Promise<void> =>
			new Promise((resolve, reject) => {
				this.#server.once("error", reject);
				this.#server.listen(path, () => {
					this.#server.off("error", reject);
					resolve();
				});
			});
		const umask = process.umask(0o177);
		try {
			await listening().catch(async (thrown: NodeJS.ErrnoException) => {
				if (thrown.code !== "EADDRINUSE" || (await answers(path))) throw thrown;
				await rm(path);
				await listening();
			});
		} finally {
			process.umask(umask);
		}
		await chmod(path, 0o600);
	}

	#serve(socket: Socket): void {
		const lines = new LineReader(MAX_REQUEST_BYTES);
		this.#sockets.add(socket);
		socket.on("error", () => socket.destroy());
		socket.on("close", () => {
			this.#sockets.delete(socket);
			this.#greeted.delete(socket);
		});
		let working = Promise.resolve();
		socket.on("data", (chunk) => {
			const read = lines.push(chunk);
			socket.pause();
			for (const line of read.lines) {
				working = working.then(() => this.#answerLine(socket, line)).then(() => drained(socket));
			}
			if (read.tooLong) {
				const refusal = new Refusal("LINE_TOO_LONG", [], `a line has at most ${MAX_REQUEST_BYTES} bytes`);
				working = working.then(() => void socket.end(textOf(refused(null, refusal))));
			} else {
				working = working.then(() => void socket.resume());
			}
		});
	}

	async #answerLine(socket: Socket, line: Buffer): Promise<void> {
		let id: number | null = null;
		try {
			const addressed = addressOfRequest(readLine(line));
			id = addressed.id;
			if ("refusal" in addressed) throw addressed.refusal;
			const answer = await this.#answer(socket, addressed);
			const text = textOf({ id, ok: true, ...answer });
			if (Buffer.byteLength(text) > MAX_ANSWER_BYTES) {
				throw new Refusal("ANSWER_TOO_LARGE", [], "the answer is too long for a line; ask for fewer names");
			}
			socket.write(text);
			if (addressed.verb === "quit") {
				socket.end();
				this.#parts.onQuit();
			}
		} catch (thrown) {
			if (!(thrown instanceof Refusal)) this.#parts.log(`a request failed: ${messageOf(thrown)}`);
			socket.write(textOf(refused(id, refusalOf(thrown))));
		}
	}

	async #answer(socket: Socket, addressed: AddressedRequest): Promise<Fields> {
		if (addressed.verb !== "hello" && !this.#greeted.has(socket)) {
			throw new Refusal("HELLO_FIRST", [], "the first request of a connection is hello");
		}
		const { engine } = this.#parts;
		const request = readRequest(addressed);
		switch (request.do) {
			case "hello":
				this.#greeted.add(socket);
				return { protocol: PROTOCOL_VERSION, ...engine.description };
			case "capture":
				throw new Refusal("UNSUPPORTED", [], "this engine has no capture");
			case "drain":
				await engine.drain();
				return {};
			case "quit":
				await engine.drain();
				return {};
			case "batch": {
				const answers: Fields[] = [];
				for (const one of request.requests) answers.push(await this.#answerBatched(one));
				return { answers };
			}
			default:
				return this.#answerPlain(request);
		}
	}

	async #answerBatched(request: PlainRequest | Refusal): Promise<Fields> {
		try {
			if (request instanceof Refusal) throw request;
			return { ok: true, ...(await this.#answerPlain(request)) };
		} catch (thrown) {
			const { error } = refused(null, refusalOf(thrown));
			return { ok: false, error };
		}
	}

	async #answerPlain(request: PlainRequest): Promise<Fields> {
		const { engine } = this.#parts;
		switch (request.do) {
			case "lease":
				return { rules: engine.renew(request.leaseMs) };
			case "stats":
				return { ...engine.figures(request) };
			case "rule.list": {
				const rules = engine.list(request.names);
				if (request.receivers !== false) return { rules };
				return { rules: rules.map((rule) => ({ ...rule, receivers: rule.receivers.length })) };
			}
			case "rule.delete":
				return { changed: (await engine.change(request)).changed };
			default: {
				const { changed, rule } = await engine.change(request);
				return { changed, generation: rule!.generation, receivers: rule!.receivers.length };
			}
		}
	}
}

/** Who does not read its answers is not asked for further requests. */
const drained = (socket: Socket): Promise<void> | undefined => {
	if (!socket.writableNeedDrain || socket.destroyed) return undefined;
	return new Promise((resolve) => {
		const go = (): void => {
			socket.off("drain", go);
			socket.off("close", go);
			resolve();
		};
		socket.on("drain", go);
		socket.on("close", go);
	});
};

const textOf = (value: Fields): string => `${JSON.stringify(value)}\n`;

const refusalOf = (thrown: unknown): Refusal =>
	thrown instanceof Refusal ? thrown : new Refusal("ENGINE_FAILED", [], messageOf(thrown));

const refused = (id: number | null, { code, message }: Refusal) => ({ id, ok: false, error: { code, text: message } });

/** Whether somebody listens at a socket's path. */
const answers = (path: string): Promise<boolean> =>
	new Promise((resolve) => {
		const socket = createConnection(path);
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
