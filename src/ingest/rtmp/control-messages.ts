/** The protocol's own messages (RTMP 1.0, clauses 5.4 and 7.1.7): chunk sizes, aborts, windows, pings. */
import { readUint32 } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import { WINDOW_BYTES } from "./answers.ts";
import type { ChunkReader } from "./chunk-reader.ts";
import { userControl } from "./chunk-writer.ts";
import {
	ABORT,
	PING_REQUEST,
	PING_RESPONSE,
	type RtmpMessage,
	SET_CHUNK_SIZE,
	USER_CONTROL,
	WINDOW_ACKNOWLEDGEMENT_SIZE,
} from "./message.ts";

/** Smaller windows would have us answer everything. */
const LEAST_WINDOW_BYTES = 4096;

export interface ControlSink {
	send(bytes: Uint8Array): void;
	fault(error: PenstockError): void;
}

export class ControlMessages {
	readonly #chunks: ChunkReader;
	readonly #sink: ControlSink;
	/** After so many bytes the client wants to hear of them. */
	#window = WINDOW_BYTES;
	#received = 0;
	#acknowledged = 0;

	constructor(chunks: ChunkReader, sink: ControlSink) {
		this.#chunks = chunks;
		this.#sink = sink;
	}

	/** @param bytes received since the last call. @returns how many came in all, where that is to be acknowledged */
	acknowledge(bytes: number): number | undefined {
		this.#received += bytes;
		if (this.#received - this.#acknowledged < this.#window) return undefined;
		this.#acknowledged = this.#received;
		return this.#received;
	}

	/** Messages of other types, acknowledgements of ours among them, change nothing. */
	read({ type, body }: RtmpMessage): void {
		if (type === USER_CONTROL) this.#userControl(body);
		if (type !== SET_CHUNK_SIZE && type !== ABORT && type !== WINDOW_ACKNOWLEDGEMENT_SIZE) return;
		if (body.length < 4) {
			const detail = `a control message of type ${type} has ${body.length} bytes, not 4; the connection is closed.`;
			this.#sink.fault(new PenstockError("RTMP_SYNTAX", detail));
			return;
		}
		const value = readUint32(body, 0);
		if (type === SET_CHUNK_SIZE) this.#chunks.setChunkSize(value);
		else if (type === ABORT) this.#chunks.abort(value);
		else this.#window = Math.max(value, LEAST_WINDOW_BYTES);
	}

	#userControl(body: Uint8Array): void {
		const event = (body[0]! << 8) | body[1]!;
		if (event === PING_REQUEST && body.length >= 6) this.#sink.send(userControl(PING_RESPONSE, readUint32(body, 2)));
	}
}
