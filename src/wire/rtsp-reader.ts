/**
 * Reads RTSP messages, and the packets between them, from bytes that come in pieces of any size.
 *
 * A stream of RTSP has no place where it could be taken up again after something that is none: the first fault ends it,
 * is told once, and whatever comes behind is passed over. Invariants: what is given does not depend on how the input was
 * cut; nothing is thrown; a message is kept only up to its limits, and what it *says* of its length takes no memory.
 */
import { type ErrorCode, PenstockError } from "../base/errors.ts";
import { hasControl } from "./control-characters.ts";
import {
	type HeaderField,
	MOST_BODY_BYTES,
	MOST_HEADER_BYTES,
	MOST_HEADER_LINES,
	PACKET_HEAD_BYTES,
	PACKET_MARK,
	RtspHeaders,
	type RtspRequest,
	type RtspResponse,
} from "./rtsp-message.ts";
import { shownValue } from "./viewer-report.ts";

export interface RtspSink {
	request(request: RtspRequest): void;
	response(response: RtspResponse): void;
	/** @param payload valid during the call */
	packet(channel: number, payload: Uint8Array): void;
	/** What comes is no RTSP, or more than is taken. Nothing is read behind it. */
	fault(error: PenstockError): void;
}

type Start = Omit<RtspRequest, "headers" | "body"> | Omit<RtspResponse, "headers" | "body">;

/** The header of a message, read. */
interface Head {
	readonly start: Start;
	readonly headers: RtspHeaders;
	readonly bodyBytes: number;
}

const CR = 13;
const LF = 10;
/** So much is taken over at once, so that what is kept does not depend on the size of what is pushed. */
const PIECE_BYTES = 16 * 1024;
const REQUEST_LINE = /^([A-Z][A-Z_-]{0,31}) (\S{1,4096}) RTSP\/(\d\.\d)$/;
const STATUS_LINE = /^RTSP\/(\d\.\d) ([1-9]\d\d)(?: (.*))?$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

export class RtspReader {
	/** Whether packets may come between messages; if not, one is a fault at its first byte. */
	takesPackets = false;
	readonly #sink: RtspSink;
	/** What has come of a message, from `#from` to `#to`. */
	#window = new Uint8Array(0);
	#from = 0;
	#to = 0;
	/** Bytes of the header behind `#from` that were searched for its end. */
	#searched = 0;
	/** Read already, while its body is still coming. */
	#head: Head | undefined;
	#stopped = false;

	constructor(sink: RtspSink) {
		this.#sink = sink;
	}

	/** Bytes kept for what has begun. */
	get heldBytes(): number {
		return this.#to - this.#from;
	}

	/** A message or a packet has begun and is not whole. */
	get isWithin(): boolean {
		return this.#head !== undefined || this.heldBytes > 0;
	}

	/** Reads nothing any more: after a fault, or when the connection is given up. */
	stop(): void {
		this.#stopped = true;
		this.#window = new Uint8Array(0);
		this.#from = 0;
		this.#to = 0;
		this.#head = undefined;
	}

	/** @param bytes any number of them; not kept */
	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length && !this.#stopped; at += PIECE_BYTES) {
			const piece = bytes.subarray(at, at + PIECE_BYTES);
			if (this.#from < this.#to) {
				this.#keep(piece);
				const from = this.#scan(this.#window, this.#from, this.#to);
				if (!this.#stopped) this.#from = from;
			} else this.#keep(piece.subarray(this.#scan(piece, 0, piece.length)));
		}
	}

	/** @returns how far the data was used up */
	#scan(data: Uint8Array, from: number, end: number): number {
		let at = from;
		while (at < end && !this.#stopped) {
			const used = this.#one(data, at, end);
			if (used === 0) return at;
			at += used;
		}
		return this.#stopped ? end : at;
	}

	/** @returns the bytes of the one thing that stands at `at`; 0 while it is not whole */
	#one(data: Uint8Array, at: number, end: number): number {
		if (this.#head !== undefined) return this.#body(data, at, end, this.#head, 0);
		const first = data[at]!;
		if (first === PACKET_MARK && this.takesPackets) return this.#packet(data, at, end);
		// Some end a body with a line of its own.
		if (first === CR || first === LF) return 1;
		const length = this.#headerLength(data, at, end);
		if (length === undefined) return 0;
		const head = this.#readHead(data.subarray(at, at + length));
		return head === undefined ? 0 : this.#body(data, at, end, head, length);
	}

	#packet(data: Uint8Array, at: number, end: number): number {
		if (at + PACKET_HEAD_BYTES > end) return 0;
		const used = PACKET_HEAD_BYTES + ((data[at + 2]! << 8) | data[at + 3]!);
		if (at + used > end) return 0;
		this.#sink.packet(data[at + 1]!, data.subarray(at + PACKET_HEAD_BYTES, at + used));
		return used;
	}

	/** Of the header with the empty line behind it; undefined while it is not whole, and behind a fault. */
	#headerLength(data: Uint8Array, at: number, end: number): number | undefined {
		if (!isLetter(data[at]!))
			return this.#fail("RTSP_MALFORMED", `begins with the byte ${data[at]}, as no message does`);
		const last = Math.min(end, at + MOST_HEADER_BYTES);
		let to = at + this.#searched;
		for (; to < last; to++) {
			if (data[to] !== LF) continue;
			const before = data[to - 1] === CR ? to - 2 : to - 1;
			if (before > at && data[before] === LF) {
				this.#searched = 0;
				return to + 1 - at;
			}
		}
		this.#searched = to - at;
		if (this.#searched < MOST_HEADER_BYTES) return undefined;
		return this.#fail("RTSP_LIMIT", `has a header of more than ${MOST_HEADER_BYTES} bytes`);
	}

	#readHead(bytes: Uint8Array): Head | undefined {
		const [first = "", ...lines] = latin1Text(bytes).trimEnd().split(/\r?\n/);
		const start = this.#startOf(first);
		if (start === undefined) return undefined;
		if (lines.length > MOST_HEADER_LINES) {
			return this.#fail("RTSP_LIMIT", `has ${lines.length} lines of header; ${MOST_HEADER_LINES} are taken`);
		}
		const fields: HeaderField[] = [];
		for (const line of lines) {
			const name = line.slice(0, Math.max(0, line.indexOf(":")));
			if (!FIELD_NAME.test(name) || hasControl(line)) {
				return this.#fail("RTSP_MALFORMED", `has the line ${shownValue(line)}, which is no header field`);
			}
			fields.push([name.toLowerCase(), line.slice(name.length + 1).trim()]);
		}
		const headers = new RtspHeaders(fields);
		const bodyBytes = this.#bodyLength(headers);
		return bodyBytes === undefined ? undefined : { start, headers, bodyBytes };
	}

	#startOf(line: string): Start | undefined {
		const [request, status] = [REQUEST_LINE.exec(line), STATUS_LINE.exec(line)];
		const version = request?.[3] ?? status?.[1];
		if (version === undefined || hasControl(line)) {
			return this.#fail("RTSP_MALFORMED", `begins with ${shownValue(line)}, which is no first line of RTSP`);
		}
		if (request !== null) return { version, method: request[1]!, target: request[2]! };
		return { version, status: Number(status![2]), reason: status![3] ?? "" };
	}

	/** Two lengths, and one that is none, could each be read in two ways. */
	#bodyLength(headers: RtspHeaders): number | undefined {
		if (headers.get("transfer-encoding") !== undefined) {
			return this.#fail("RTSP_MALFORMED", "has a Transfer-Encoding, which RTSP has not");
		}
		const lengths = new Set(headers.all("content-length"));
		if (lengths.size === 0) return 0;
		const [text = ""] = lengths;
		if (lengths.size > 1 || !/^\d{1,9}$/.test(text)) {
			return this.#fail("RTSP_MALFORMED", `has the Content-Length ${shownValue([...lengths].join(", "))}`);
		}
		const length = Number(text);
		if (length <= MOST_BODY_BYTES) return length;
		return this.#fail("RTSP_LIMIT", `has a body of ${length} bytes; ${MOST_BODY_BYTES} are taken`);
	}

	/** @param headLength of the header at `at`, or 0 where it was read before */
	#body(data: Uint8Array, at: number, end: number, head: Head, headLength: number): number {
		const used = headLength + head.bodyBytes;
		if (at + used > end) {
			this.#head = head;
			return headLength;
		}
		this.#head = undefined;
		const parts = { headers: head.headers, body: data.subarray(at + headLength, at + used) };
		if ("method" in head.start) this.#sink.request({ ...head.start, ...parts });
		else this.#sink.response({ ...head.start, ...parts });
		return used;
	}

	/** @param what is said of a message */
	#fail(code: ErrorCode, what: string): undefined {
		this.stop();
		this.#sink.fault(new PenstockError(code, `a message on an RTSP connection ${what}.`));
		return undefined;
	}

	/** Puts bytes behind those that are kept. What is kept moves to the front only after as many have come. */
	#keep(bytes: Uint8Array): void {
		if (this.#stopped || bytes.length === 0) return;
		const kept = this.#to - this.#from;
		const wanted = kept + bytes.length;
		if (this.#to + bytes.length > this.#window.length) {
			const fits = 2 * wanted <= this.#window.length;
			const room = fits ? this.#window : new Uint8Array(2 * wanted);
			room.set(this.#window.subarray(this.#from, this.#to));
			this.#window = room;
			this.#from = 0;
			this.#to = kept;
		}
		this.#window.set(bytes, this.#to);
		this.#to += bytes.length;
	}
}

const isLetter = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

/** One character a byte; TextDecoder's "latin1" is another code. */
const latin1Text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
