/**
 * Finds FLV's tags in bytes that come in pieces of any size, and finds them again after garbage. A tag counts when its
 * PreviousTagSize agrees with its header. Where one does not, the search goes by what stands *behind* tags: four bytes
 * that say how far back a header lies, which says the same. The first such place is where the stream is taken up.
 * Invariants: what is handed on does not depend on how the input was cut; each byte is looked at once by the search,
 * for it never goes back behind a tag found; at most one tag of `FLV_MAX_TAG_BYTES` is kept.
 */
import { readUint24, readUint32 } from "../../base/bytes.ts";
import { FILE_HEADER_BYTES, TAG_AUDIO, TAG_HEADER_BYTES, TAG_SCRIPT, TAG_SIZE_BYTES, TAG_VIDEO } from "./tag.ts";

/** Header and body. */
export const FLV_MAX_TAG_BYTES = 16 * 1024 * 1024;

export interface ScannedTag {
	readonly type: number;
	/** Timestamp and TimestampExtended: 32 bits. */
	readonly ms: number;
	/** Valid during the call. */
	readonly body: Uint8Array;
	/** Of the tag's header, in bytes from the start of the stream. */
	readonly offset: number;
}

export interface TagSink {
	tag(tag: ScannedTag): void;
	/** A file header. @param flags TypeFlagsAudio and TypeFlagsVideo */
	header(flags: number): void;
	/** No tag can be read at this place; `why` is a clause about the stream there. What follows is searched. */
	lost(offset: number, why: string): void;
}

const NO_START = 'must begin with "FLV" and version 1, or with a tag, and does not';

/** Input is taken in pieces of this size, so that what is kept does not depend on the size of what is pushed. */
const PIECE_BYTES = 64 * 1024;

export class TagScanner {
	readonly #sink: TagSink;
	#buffer = new Uint8Array(PIECE_BYTES);
	/** Where in the buffer the bytes lie that are kept. */
	#start = 0;
	#end = 0;
	/** Offset in the stream of `#buffer[0]`. */
	#base = 0;
	#searching = false;
	/** While searching: where in the buffer a tag may begin, and where the next PreviousTagSize may stand. */
	#searchFrom = 0;
	#probe = 0;

	constructor(sink: TagSink) {
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#end - this.#start;
	}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
			this.#append(bytes.subarray(at, at + PIECE_BYTES));
			this.#scan(false);
		}
	}

	/** No more comes: a tag that was begun is searched for whole ones that its size, if that is damaged, hid. */
	end(): void {
		this.#scan(true);
		while (!this.#searching && this.heldBytes > 0) {
			this.#lose(`ends within a tag, ${this.heldBytes} bytes behind its start`);
			this.#scan(true);
		}
		this.#start = this.#end;
	}

	#scan(ending: boolean): void {
		while (this.#searching ? this.#search() : this.#next(ending)) {}
	}

	/** In step: hands on what stands at the start. @returns false when more bytes are needed */
	#next(ending: boolean): boolean {
		const data = this.#buffer;
		const at = this.#start;
		const left = this.#end - at;
		if (left === 0) return false;
		if (data[at] === 0x46) return this.#fileHeader(at, left);
		if (left < TAG_HEADER_BYTES) return false;
		const unfit = unfitHeader(data, at);
		if (unfit !== undefined) return this.#lose(this.#base + at === 0 ? NO_START : unfit);
		const tagBytes = TAG_HEADER_BYTES + readUint24(data, at + 1);
		if (left < tagBytes + TAG_SIZE_BYTES) {
			// A stream that breaks off in the last tag's size has the tag whole.
			if (!ending || left < tagBytes) return false;
			return this.#handOn(at, tagBytes, this.#end);
		}
		const said = readUint32(data, at + tagBytes);
		if (said !== tagBytes) return this.#lose(`has a tag of ${tagBytes} bytes, behind which stands that it had ${said}`);
		return this.#handOn(at, tagBytes, at + tagBytes + TAG_SIZE_BYTES);
	}

	#handOn(at: number, tagBytes: number, next: number): true {
		const data = this.#buffer;
		this.#start = next;
		this.#searching = false;
		this.#sink.tag({
			type: data[at]!,
			ms: data[at + 7]! * 2 ** 24 + readUint24(data, at + 4),
			body: data.subarray(at + TAG_HEADER_BYTES, at + tagBytes),
			offset: this.#base + at,
		});
		return true;
	}

	/** FLV header (E.2) and PreviousTagSize0 (E.3); between tags too, where a stream begins anew. */
	#fileHeader(at: number, left: number): boolean {
		const data = this.#buffer;
		if (left < FILE_HEADER_BYTES + TAG_SIZE_BYTES) return false;
		if (data[at + 1] !== 0x4c || data[at + 2] !== 0x56 || data[at + 3] !== 1) {
			return this.#lose(NO_START);
		}
		const dataOffset = readUint32(data, at + 5);
		if (dataOffset !== FILE_HEADER_BYTES) return this.#lose(`has a header of ${dataOffset} bytes, not 9`);
		if (readUint32(data, at + FILE_HEADER_BYTES) !== 0) return this.#lose("has a PreviousTagSize0 that is not 0");
		this.#start = at + FILE_HEADER_BYTES + TAG_SIZE_BYTES;
		this.#sink.header(data[at + 4]!);
		return true;
	}

	#lose(why: string): true {
		this.#searching = true;
		this.#searchFrom = this.#start + 1;
		this.#probe = this.#searchFrom + TAG_HEADER_BYTES;
		this.#sink.lost(this.#base + this.#start, why);
		return true;
	}

	/** Out of step: hands on the first tag whose size stands behind it. @returns false when more bytes are needed */
	#search(): boolean {
		const data = this.#buffer;
		const last = this.#end - TAG_SIZE_BYTES;
		for (let probe = this.#probe; probe <= last; probe++) {
			// At most 2²⁴, so that most places fall at the first byte.
			if (data[probe]! > 1) continue;
			const tagBytes = readUint32(data, probe);
			const at = probe - tagBytes;
			if (tagBytes < TAG_HEADER_BYTES || at < this.#searchFrom || unfitHeader(data, at) !== undefined) continue;
			if (TAG_HEADER_BYTES + readUint24(data, at + 1) !== tagBytes) continue;
			return this.#handOn(at, tagBytes, probe + TAG_SIZE_BYTES);
		}
		this.#probe = Math.max(this.#probe, last + 1);
		this.#searchFrom = Math.max(this.#searchFrom, this.#probe - FLV_MAX_TAG_BYTES);
		this.#start = Math.min(this.#searchFrom, this.#end);
		return false;
	}

	#append(bytes: Uint8Array): void {
		if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
		this.#buffer.set(bytes, this.#end);
		this.#end += bytes.length;
	}

	/** Moves what is kept to the start of a buffer with twice the room, so that each byte is moved a few times at most. */
	#makeRoom(byteLength: number): void {
		const from = this.#start;
		const room = Math.max(2 * (this.heldBytes + byteLength), PIECE_BYTES);
		const fits = room <= this.#buffer.length && this.#buffer.length <= 4 * room;
		const target = fits ? this.#buffer : new Uint8Array(room);
		target.set(this.#buffer.subarray(from, this.#end));
		this.#buffer = target;
		this.#base += from;
		this.#start = 0;
		this.#end -= from;
		this.#searchFrom -= from;
		this.#probe -= from;
	}
}

/** What speaks against a tag header (E.4.1) at this place. */
function unfitHeader(data: Uint8Array, at: number): string | undefined {
	const type = data[at]!;
	if (type !== TAG_AUDIO && type !== TAG_VIDEO && type !== TAG_SCRIPT) {
		return `has tag type ${type}, which is none of 8 (audio), 9 (video) and 18 (script)`;
	}
	const streamId = readUint24(data, at + 8);
	if (streamId !== 0) return `has a tag of stream ${streamId}, not 0`;
	const bodyBytes = readUint24(data, at + 1);
	if (bodyBytes > FLV_MAX_TAG_BYTES - TAG_HEADER_BYTES) {
		return `has a tag of ${bodyBytes} bytes; at most ${FLV_MAX_TAG_BYTES} are taken`;
	}
	return undefined;
}
