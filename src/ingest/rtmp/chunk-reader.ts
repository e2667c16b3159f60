/**
 * Puts RTMP's messages together from chunks that come in pieces of any size (RTMP 1.0, clause 5.3).
 * Invariants: what is handed on does not depend on how the input was cut; a message's memory grows with what has come of
 * it and not with what it promises, and all of it together stays below `mostHeld`; a chunk brings at least 128 bytes or
 * the end of a message, so that the work is bounded by bytes and messages. What breaks a rule is told once and ends the
 * reading: chunks have no mark by which the stream could be found again.
 */
import { concatenate, readUint24, readUint32 } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import {
	FIRST_CHUNK_SIZE,
	isMedia,
	LARGEST_CHUNK_SIZE,
	LARGEST_COMMAND_BYTES,
	LARGEST_MEDIA_BYTES,
	LEAST_CHUNK_SIZE,
	MOST_CHUNK_STREAMS,
	MOST_HELD_AS_PUBLISHER,
	type RtmpMessage,
} from "./message.ts";

export interface ChunkSink {
	message(message: RtmpMessage): void;
	/** Nothing is read any more. */
	fault(error: PenstockError): void;
}

/** Basic header (3), message header (11), extended time stamp (4). */
const LONGEST_HEADER = 18;
/** Of the message header, by the chunk's format. */
const HEADER_BYTES = [11, 7, 3, 0] as const;
/** In the place of a time stamp: the next four bytes have it. */
const EXTENDED = 0xff_ffff;
const FIRST_PIECE_BYTES = 1024;
const NOTHING: Uint8Array = new Uint8Array(0);

/** What chunk headers leave out is as it was in the one before. */
interface ChunkStream {
	ms: number;
	/** The time stamp or delta that the last header had. */
	field: number;
	isExtended: boolean;
	length: number;
	type: number;
	streamId: number;
	/** Of the message that has begun; `filled` bytes of it have come. */
	body: Uint8Array;
	filled: number;
	isOpen: boolean;
}

export class ChunkReader {
	readonly #sink: ChunkSink;
	readonly #streams = new Map<number, ChunkStream>();
	#chunkSize = FIRST_CHUNK_SIZE;
	/** The most that messages which have begun may take, all together, in bytes. */
	mostHeld = MOST_HELD_AS_PUBLISHER;
	/** Of the header that is being gathered. */
	readonly #header = new Uint8Array(LONGEST_HEADER);
	#headerBytes = 0;
	/** The stream whose chunk is being read, and how much of the chunk is still to come; 0 between chunks. */
	#stream: ChunkStream | undefined;
	#chunkLeft = 0;
	#held = 0;
	#offset = 0;
	/** Where the chunk begins that is being read. */
	#chunkAt = 0;
	#over = false;
	#halted = false;
	/** What was pushed behind the message that halted the reading. */
	#rest = NOTHING;

	constructor(sink: ChunkSink) {
		this.#sink = sink;
	}

	/** Memory of messages that have begun, and bytes that wait while the reading is halted. */
	get heldBytes(): number {
		return this.#held + this.#rest.length;
	}

	get isHalted(): boolean {
		return this.#halted;
	}

	/** @param bytes any number of them; not kept */
	push(bytes: Uint8Array): void {
		if (this.#over) return;
		if (this.#halted) this.#rest = concatenate(this.#rest, bytes);
		else this.#read(bytes);
	}

	/** From within `message`: what follows waits for `goOn`. The caller stops pushing, but for what is on its way. */
	halt(): void {
		this.#halted = true;
	}

	goOn(): void {
		if (!this.#halted) return;
		this.#halted = false;
		const rest = this.#rest;
		this.#rest = NOTHING;
		this.#read(rest);
	}

	/** Nothing is read any more, and what has begun is given up. */
	stop(): void {
		this.#over = true;
		this.#streams.clear();
		this.#stream = undefined;
		this.#held = 0;
		this.#rest = NOTHING;
	}

	/** Set Chunk Size (5.4.1), from the next chunk on. */
	setChunkSize(size: number): void {
		if (size >= LEAST_CHUNK_SIZE && size <= LARGEST_CHUNK_SIZE) this.#chunkSize = size;
		else {
			this.#fault(
				"RTMP_LIMIT",
				`the client wants chunks of ${size} bytes; ${LEAST_CHUNK_SIZE} to ${LARGEST_CHUNK_SIZE} are taken`,
			);
		}
	}

	/** Abort Message (5.4.2). */
	abort(chunkStreamId: number): void {
		const stream = this.#streams.get(chunkStreamId);
		if (stream !== undefined) this.#close(stream);
	}

	#read(bytes: Uint8Array): void {
		let at = 0;
		while (at < bytes.length && !this.#over) {
			if (this.#halted) {
				this.#rest = concatenate(this.#rest, bytes.subarray(at));
				return;
			}
			const taken = this.#stream === undefined ? this.#gather(bytes, at) : this.#fill(this.#stream, bytes, at);
			at += taken;
			this.#offset += taken;
			// A message without a byte is whole with its header.
			if (this.#stream !== undefined && this.#chunkLeft === 0) this.#chunkEnd(this.#stream);
		}
	}

	/** Takes bytes of a header. @returns how many; when it is whole, the chunk's stream is set */
	#gather(bytes: Uint8Array, at: number): number {
		const had = this.#headerBytes;
		if (had === 0) this.#chunkAt = this.#offset;
		const fresh = Math.min(LONGEST_HEADER - had, bytes.length - at);
		for (let i = 0; i < fresh; i++) this.#header[had + i] = bytes[at + i]!;
		this.#headerBytes = had + fresh;
		const length = this.#parseHeader();
		if (length === 0) return fresh;
		this.#headerBytes = 0;
		if (length >= had) return length - had;
		// They were gathered for a time stamp, which they are not.
		const ahead = this.#header.slice(length, had);
		this.#offset -= ahead.length;
		this.#read(ahead);
		return 0;
	}

	/** @returns how long the header is; 0 when more of it must come */
	#parseHeader(): number {
		const header = this.#header;
		const have = this.#headerBytes;
		const low = header[0]! & 0x3f;
		const basicBytes = low === 0 ? 2 : low === 1 ? 3 : 1;
		const format = header[0]! >> 6;
		if (have < basicBytes) return 0;
		const id = basicBytes === 1 ? low : 64 + header[1]! + (basicBytes === 3 ? 256 * header[2]! : 0);
		const stream = this.#streamOf(id, format);
		if (stream === undefined) return 0;
		const fieldsEnd = basicBytes + HEADER_BYTES[format]!;
		if (have < fieldsEnd) return 0;
		if (format === 3) return this.#continued(stream, basicBytes);
		const field = readUint24(header, basicBytes);
		const end = field === EXTENDED ? fieldsEnd + 4 : fieldsEnd;
		if (have < end) return 0;
		if (stream.isOpen) {
			this.#fault("RTMP_SYNTAX", `chunk stream ${id} begins a message within another one`);
			return 0;
		}
		if (format < 2) {
			stream.length = readUint24(header, basicBytes + 3);
			stream.type = header[basicBytes + 6]!;
		}
		if (format === 0) stream.streamId = littleEndian(header, basicBytes + 7);
		stream.isExtended = field === EXTENDED;
		stream.field = stream.isExtended ? readUint32(header, fieldsEnd) : field;
		stream.ms = format === 0 ? stream.field : (stream.ms + stream.field) % 2 ** 32;
		this.#open(stream);
		return end;
	}

	/**
	 * A chunk without a message header: the message goes on, or another one like it begins. Where the time stamp is an
	 * extended one some senders repeat it here (so does the specification) and some do not: it is taken for repeated when
	 * the next four bytes say the same.
	 */
	#continued(stream: ChunkStream, basicBytes: number): number {
		const { isOpen, isExtended } = stream;
		const withTime = basicBytes + 4;
		if (isExtended && this.#headerBytes < withTime) return 0;
		const said = isExtended ? readUint32(this.#header, basicBytes) : 0;
		if (!isOpen) {
			// As the specification and FFmpeg have it, also behind a time stamp that was none of the deltas.
			if (isExtended) stream.field = said;
			stream.ms = (stream.ms + stream.field) % 2 ** 32;
			this.#open(stream);
			return isExtended ? withTime : basicBytes;
		}
		this.#enter(stream);
		return isExtended && (said === stream.field || said === stream.ms) ? withTime : basicBytes;
	}

	/** @returns undefined, and told, where there can be none */
	#streamOf(id: number, format: number): ChunkStream | undefined {
		const known = this.#streams.get(id);
		if (known !== undefined) return known;
		// Format 1 lacks only the stream id, which is 0 then: so does librtmp begin where it answers a ping.
		if (format > 1) {
			this.#fault("RTMP_SYNTAX", `chunk stream ${id} begins with a header of format ${format}, which refers to none`);
			return undefined;
		}
		if (this.#streams.size === MOST_CHUNK_STREAMS) {
			this.#fault("RTMP_LIMIT", `the client uses more than ${MOST_CHUNK_STREAMS} chunk streams`);
			return undefined;
		}
		const stream: ChunkStream = {
			...{ ms: 0, field: 0, isExtended: false, length: 0, type: 0, streamId: 0 },
			...{ body: NOTHING, filled: 0, isOpen: false },
		};
		this.#streams.set(id, stream);
		return stream;
	}

	/** A message begins. */
	#open(stream: ChunkStream): void {
		const { type, length } = stream;
		const most = isMedia(type) ? LARGEST_MEDIA_BYTES : LARGEST_COMMAND_BYTES;
		if (length > most) {
			this.#fault("RTMP_LIMIT", `a message of type ${type} is to have ${length} bytes; ${most} are taken`);
			return;
		}
		stream.isOpen = true;
		stream.filled = 0;
		this.#enter(stream);
	}

	#enter(stream: ChunkStream): void {
		this.#stream = stream;
		this.#chunkLeft = Math.min(this.#chunkSize, stream.length - stream.filled);
	}

	/** Takes bytes of a chunk. @returns how many */
	#fill(stream: ChunkStream, bytes: Uint8Array, at: number): number {
		const count = Math.min(this.#chunkLeft, bytes.length - at);
		const filled = stream.filled + count;
		if (filled > stream.body.length && !this.#grow(stream, filled)) return count;
		stream.body.set(bytes.subarray(at, at + count), stream.filled);
		stream.filled = filled;
		this.#chunkLeft -= count;
		return count;
	}

	/** @returns false, and told, where all together would take too much */
	#grow(stream: ChunkStream, filled: number): boolean {
		const { body, length } = stream;
		let size = FIRST_PIECE_BYTES;
		while (size < filled) size *= 2;
		size = Math.min(size, length);
		const held = this.#held + size - body.length;
		if (held > this.mostHeld) {
			this.#fault("RTMP_LIMIT", `messages that have begun take more than the ${this.mostHeld} bytes that are kept`);
			return false;
		}
		this.#held = held;
		stream.body = new Uint8Array(size);
		stream.body.set(body.subarray(0, stream.filled));
		return true;
	}

	#chunkEnd(stream: ChunkStream): void {
		this.#stream = undefined;
		if (stream.filled < stream.length) return;
		const { type, ms, streamId, body } = stream;
		this.#close(stream);
		this.#sink.message({ type, ms, streamId, body, offset: this.#offset });
	}

	#close(stream: ChunkStream): void {
		this.#held -= stream.body.length;
		stream.body = NOTHING;
		stream.filled = 0;
		stream.isOpen = false;
	}

	#fault(code: "RTMP_SYNTAX" | "RTMP_LIMIT", what: string): void {
		const where = `in the chunk ${this.#chunkAt} bytes behind the handshake`;
		this.stop();
		this.#sink.fault(new PenstockError(code, `${what}, ${where}; the connection is closed.`));
	}
}

/** The one number of RTMP that has its least byte first. */
const littleEndian = (bytes: Uint8Array, at: number): number =>
	(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
