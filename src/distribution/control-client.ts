/**
 * A controller's end of the control protocol (docs/wire/distributor.md): requests out, answers and events in, over one
 * connection that is not made again. Every wait has an end.
 */
import { createConnection, type Socket } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import {
	type ChangeRequest,
	MAX_ANSWER_BYTES,
	MAX_REQUEST_BYTES,
	PROTOCOL_VERSION,
	type SentRequest,
} from "../wire/distributor.ts";
import {
	type ChangeAnswer,
	changeAnswerOf,
	type DistributorLine,
	descriptionOf,
	type EngineDescription,
	type EngineEvent,
	type EngineStats,
	generationsOf,
	sortLine,
	statsOf,
} from "../wire/distributor-answer.ts";
import type { CaptureOrder, StatsQuery } from "./engine.ts";
import { LineReader } from "./line-reader.ts";

/** How long an answer may take. */
const ANSWER_TIMEOUT_MS = 5000;
/** Of a whole table, perhaps. */
const BATCH_TIMEOUT_MS = 30_000;
/** Fewer than there may be: a change of a rule with ten thousand receivers may take milliseconds. */
const CHANGES_IN_A_BATCH = 250;
/** Room that the frame of a batch takes in its line. */
const BATCH_FRAME_BYTES = 64;

type Fields = Readonly<Record<string, unknown>>;

export interface ControlClientParts {
	/** Of the socket. */
	readonly path: string;
	readonly clock: Clock;
	/** Who connects, for the distributor's log; at most 64 bytes. */
	readonly controller: string;
	readonly onEvent: (event: EngineEvent) => void;
	/** The connection has ended, but not by `close()`. */
	readonly onLost: (error: PenstockError) => void;
}

interface Waiting {
	readonly request: SentRequest;
	readonly timeoutMs: number;
	readonly resolve: (fields: Fields) => void;
	readonly reject: (error: PenstockError) => void;
	timer: Timer;
}

export class ControlClient {
	readonly #parts: ControlClientParts;
	readonly #socket: Socket;
	readonly #lines = new LineReader(MAX_ANSWER_BYTES);
	readonly #waiting = new Map<number, Waiting>();
	#nextId = 0;
	#description: EngineDescription | undefined;
	#ended = false;

	/** Connects and says hello. @throws PenstockError DISTRIBUTOR_UNREACHABLE, DISTRIBUTOR_PROTOCOL */
	static async connect(parts: ControlClientParts): Promise<ControlClient> {
		const client = new ControlClient(parts, await connected(parts.path));
		try {
			await client.#hello();
		} catch (thrown) {
			client.close();
			throw thrown;
		}
		return client;
	}

	private constructor(parts: ControlClientParts, socket: Socket) {
		this.#parts = parts;
		this.#socket = socket;
		socket.on("error", (error) => this.#lost("DISTRIBUTOR_UNREACHABLE", error.message));
		socket.on("close", () => this.#lost("DISTRIBUTOR_UNREACHABLE", "the connection was closed"));
		socket.on("data", (chunk) => {
			const { lines, tooLong } = this.#lines.push(chunk);
			for (const line of lines) this.#line(line);
			if (tooLong) this.#lost("DISTRIBUTOR_PROTOCOL", `a line has more than ${MAX_ANSWER_BYTES} bytes`);
		});
	}

	get description(): EngineDescription {
		return this.#description!;
	}

	/** In order. One batch after the other, so that a lease and a look at the distributor's health go in between. */
	async apply(changes: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]> {
		const answers: ChangeAnswer[] = [];
		for (const requests of inBatches(changes)) answers.push(...(await this.#batch(requests)));
		return answers;
	}

	async generations(): Promise<ReadonlyMap<string, number>> {
		return generationsOf(await this.request({ do: "rule.list", receivers: false }));
	}

	async lease(leaseMs: number): Promise<void> {
		await this.request({ do: "lease", leaseMs });
	}

	async stats({ names, receivers }: StatsQuery): Promise<EngineStats> {
		const query = { ...(names !== undefined && { names }), ...(receivers !== undefined && { receivers }) };
		const stats = statsOf(await this.request({ do: "stats", ...query } as SentRequest));
		if (stats !== undefined) return stats;
		throw this.#error("DISTRIBUTOR_PROTOCOL", "its answer to stats is none");
	}

	async capture(order: CaptureOrder): Promise<void> {
		await this.request({ do: "capture", ...order } as SentRequest);
	}

	/**
	 * One request.
	 * @throws PenstockError DISTRIBUTOR_REFUSED, DISTRIBUTOR_UNREACHABLE, DISTRIBUTOR_PROTOCOL
	 */
	request(request: SentRequest, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Fields> {
		const id = this.#nextId++;
		return new Promise((resolve, reject) => {
			if (this.#ended) {
				reject(this.#error("DISTRIBUTOR_UNREACHABLE", "the connection has ended"));
				return;
			}
			this.#waiting.set(id, { request, timeoutMs, resolve, reject, timer: this.#deadline(id, timeoutMs) });
			this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
		});
	}

	/** Requests that wait are refused. */
	close(): void {
		this.#end(this.#error("DISTRIBUTOR_UNREACHABLE", "the connection is being closed"));
	}

	async #hello(): Promise<void> {
		const { controller } = this.#parts;
		const fields = await this.request({ do: "hello", protocol: PROTOCOL_VERSION, controller });
		this.#description = descriptionOf(fields);
		if (this.#description === undefined || fields["protocol"] !== PROTOCOL_VERSION) {
			throw this.#error("DISTRIBUTOR_PROTOCOL", "its answer to hello is none of this protocol's");
		}
	}

	async #batch(requests: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]> {
		const { answers } = await this.request({ do: "batch", requests }, BATCH_TIMEOUT_MS);
		if (Array.isArray(answers) && answers.length === requests.length) return answers.map(changeAnswerOf);
		const error = this.#error("DISTRIBUTOR_PROTOCOL", "its answer to a batch has another number of answers");
		this.#end(error);
		throw error;
	}

	/** Requests are answered in order: while a batch goes before one, its time does not run. */
	#deadline(id: number, delayMs: number): Timer {
		return this.#parts.clock.after(delayMs, () => {
			const waiting = this.#waiting.get(id)!;
			const { request, timeoutMs } = waiting;
			const behindBatch = [...this.#waiting].some(
				([
					other,
					{
						request: { do: verb },
					},
				]) => other < id && verb === "batch",
			);
			if (behindBatch) waiting.timer = this.#deadline(id, timeoutMs);
			else this.#lost("DISTRIBUTOR_UNREACHABLE", `no answer to ${request.do} came within ${timeoutMs} ms`);
		});
	}

	#line(line: Buffer): void {
		let sorted: DistributorLine;
		try {
			sorted = sortLine(JSON.parse(line.toString()));
		} catch (thrown) {
			sorted = { kind: "malformed", text: `a line is not JSON: ${messageOf(thrown)}` };
		}
		switch (sorted.kind) {
			case "event":
				this.#parts.onEvent(sorted.event);
				return;
			case "unknown-event":
				return;
			case "malformed":
				this.#lost("DISTRIBUTOR_PROTOCOL", sorted.text);
				return;
			case "answer":
				this.#settle(sorted.id, (waiting) => waiting.resolve(sorted.fields));
				return;
			case "refused":
				if (sorted.id === null) this.#lost("DISTRIBUTOR_PROTOCOL", `${sorted.code}: ${sorted.text}`);
				else {
					const error = this.#error("DISTRIBUTOR_REFUSED", `${sorted.code}: ${sorted.text}`);
					this.#settle(sorted.id, (waiting) => waiting.reject(error));
				}
				return;
		}
	}

	#settle(id: number, settle: (waiting: Waiting) => void): void {
		const waiting = this.#waiting.get(id);
		if (waiting === undefined) {
			this.#lost("DISTRIBUTOR_PROTOCOL", `nobody has asked for an answer ${id}`);
			return;
		}
		this.#waiting.delete(id);
		waiting.timer.cancel();
		settle(waiting);
	}

	#error(
		code: "DISTRIBUTOR_UNREACHABLE" | "DISTRIBUTOR_PROTOCOL" | "DISTRIBUTOR_REFUSED",
		what: string,
	): PenstockError {
		return new PenstockError(code, `the distributor at ${this.#parts.path}: ${what}.`);
	}

	#lost(code: "DISTRIBUTOR_UNREACHABLE" | "DISTRIBUTOR_PROTOCOL", what: string): void {
		if (this.#ended) return;
		const error = this.#error(code, what);
		this.#end(error);
		this.#parts.onLost(error);
	}

	#end(error: PenstockError): void {
		this.#ended = true;
		this.#socket.destroy();
		for (const { reject, timer } of this.#waiting.values()) {
			timer.cancel();
			reject(error);
		}
		this.#waiting.clear();
	}
}

const connected = (path: string): Promise<Socket> =>
	new Promise((resolve, reject) => {
		const socket = createConnection(path);
		const refuse = (thrown: Error): void => {
			const text = `the control socket ${path} cannot be opened: ${thrown.message}.`;
			reject(new PenstockError("DISTRIBUTOR_UNREACHABLE", text, { cause: thrown }));
		};
		socket.once("error", refuse);
		socket.once("connect", () => {
			socket.off("error", refuse);
			resolve(socket);
		});
	});

/** So that each fits into a line, and has no more requests than a batch may. */
function inBatches(changes: readonly ChangeRequest[]): readonly (readonly ChangeRequest[])[] {
	const batches: ChangeRequest[][] = [];
	let room = 0;
	for (const change of changes) {
		const bytes = Buffer.byteLength(JSON.stringify(change)) + 1;
		const last = batches.at(-1);
		if (last !== undefined && bytes <= room && last.length < CHANGES_IN_A_BATCH) {
			last.push(change);
			room -= bytes;
		} else {
			batches.push([change]);
			room = MAX_REQUEST_BYTES - BATCH_FRAME_BYTES - bytes;
		}
	}
	return batches;
}
