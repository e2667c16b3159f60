/**
 * The boxes of a file's top level, from bytes that come in pieces of any size. What describes media (`moov`, `moof`,
 * `emsg`) is collected whole; what is media is passed on as it comes; all else is passed over.
 *
 * Where bytes are no box, or a `moov` or `moof` does not consist of boxes, the scanner goes on at the next thing that
 * looks like the beginning of a box that opens something. It looks for that in all that it passes over, too, so that a
 * damaged size costs little more than its box. Each byte is looked at once, whatever comes.
 */
import { readUint32 } from "../../base/bytes.ts";
import { BOX_HEADER_BYTES, boxName, boxType, readUint64 } from "./box.ts";

/** What a scanner finds, in the order of the file. Offsets are in bytes from the first one that was pushed. */
export interface BoxSink {
	/** A whole `moov`, `moof` or `emsg`. @param payload without size and type; the sink's to keep */
	box(type: number, payload: Uint8Array, offset: number): void;
	/**
	 * Bytes of an `mdat`, from `offset` on; it ends at `end`.
	 * @returns how many of them were taken; fewer than there are when no more of this `mdat` is wanted
	 */
	media(bytes: Uint8Array, offset: number, end: number): number;
	/** Something that is not as it should be; the scanner goes on by itself. */
	broken(offset: number, what: string): void;
}

/** Larger boxes `moov` and `moof` are taken for damaged ones. */
export const MOST_DESCRIPTION_BYTES = 1024 * 1024;
/** The same of `emsg`. */
export const MOST_MESSAGE_BYTES = 64 * 1024;
/** The same of `mdat`, and of boxes that are passed over. */
export const MOST_MEDIA_BYTES = 256 * 1024 * 1024;

const LARGE_HEADER_BYTES = 16;
const FIRST_CAPACITY = 1024;

const types = (...letters: string[]): ReadonlySet<number> => new Set(letters.map(boxType));
const [FTYP, STYP, MOOV, MOOF, EMSG, MDAT] = ["ftyp", "styp", "moov", "moof", "emsg", "mdat"].map(boxType);
const COLLECTED = types("moov", "moof", "emsg");
/** Known at the top level and not inside a box: there, the size of the box around it is damaged. */
const TOP_LEVEL = types("ftyp", "styp", "sidx", "prft", "emsg", "moov", "moof", "mdat", "mfra");

/** Where a lost scanner goes on. */
const isOpening = (type: number): boolean =>
	type === MOOF || type === EMSG || type === MOOV || type === FTYP || type === STYP;

/** What a box can have, in bytes with its header: from the least that it must have in it to what is taken of it. */
function isSize(type: number, size: number, headerBytes: number): boolean {
	switch (type) {
		case MOOV: // with mvhd
			return size >= headerBytes + 108 && size <= MOST_DESCRIPTION_BYTES;
		case MOOF: // with mfhd
			return size >= headerBytes + 16 && size <= MOST_DESCRIPTION_BYTES;
		case EMSG: // of version 0, with two empty texts
			return size >= headerBytes + 22 && size <= MOST_MESSAGE_BYTES;
		case FTYP:
		case STYP: // with two brands, and four bytes for each other one
			return size >= headerBytes + 8 && size <= MOST_MESSAGE_BYTES;
		default:
			return size >= headerBytes && size <= MOST_MEDIA_BYTES;
	}
}

type State =
	/** Collecting a header. */
	| "header"
	/** Collecting a whole box. */
	| "box"
	| "media"
	/** Passing over bytes up to `#end`, which may be never. */
	| "search";

export class BoxScanner {
	readonly #sink: BoxSink;
	#state: State = "header";
	/** Bytes seen. */
	#offset = 0;
	/** Header or box, as far as it has come. */
	#buffer = new Uint8Array(FIRST_CAPACITY);
	#filled = 0;
	/** So many bytes of it make the next step possible. */
	#needed = BOX_HEADER_BYTES;
	#start = 0;
	#headerBytes = BOX_HEADER_BYTES;
	/** Where the box ends. */
	#end = 0;
	/** The next box inside the one that is collected, from its start. */
	#child = 0;
	/** The last eight bytes of a search, as size and type. */
	#sizeSeen = 0;
	#typeSeen = 0;
	/** How many of them are of this search. */
	#searched = 0;
	#isLost = false;

	constructor(sink: BoxSink) {
		this.#sink = sink;
	}

	/** Bytes kept. */
	get heldBytes(): number {
		return this.#buffer.length;
	}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length; ) {
			if (this.#state === "media") at += this.#media(bytes, at);
			else if (this.#state === "search") at += this.#search(bytes, at);
			else at += this.#collect(bytes, at);
		}
	}

	/** No more comes. */
	end(): void {
		const isCollecting = (this.#state === "header" || this.#state === "box") && this.#filled > 0;
		const isMedia = this.#state === "media" && this.#end !== Number.POSITIVE_INFINITY;
		if (isCollecting || isMedia) {
			const start = isMedia ? this.#start : this.#offset - this.#filled;
			this.#broken(start, () => `a box is cut off at byte ${this.#offset}, where the stream ends`);
		}
		this.#expectHeader();
	}

	#collect(bytes: Uint8Array, from: number): number {
		const count = Math.min(this.#needed - this.#filled, bytes.length - from);
		this.#reserve(this.#filled + count);
		this.#buffer.set(bytes.subarray(from, from + count), this.#filled);
		this.#filled += count;
		this.#offset += count;
		if (this.#filled === this.#needed) {
			if (this.#state === "header") this.#header(false);
			else this.#step();
		}
		return count;
	}

	/** A header is there. @param isKnownBad whether what was wrong here has been told */
	#header(isKnownBad: boolean): void {
		const type = readUint32(this.#buffer, 4);
		const said = readUint32(this.#buffer, 0);
		if (said === 1 && this.#filled < LARGE_HEADER_BYTES) {
			this.#needed = LARGE_HEADER_BYTES;
			return;
		}
		this.#start = this.#offset - this.#filled;
		this.#headerBytes = this.#filled;
		const endless = said === 0 && type === MDAT; // to the end of the file (clause 4.2.2)
		const size = endless ? Number.POSITIVE_INFINITY : said === 1 ? readUint64(this.#buffer, 8) : said;
		this.#end = this.#start + size;
		if (!isType(type) || !(endless || isSize(type, size, this.#headerBytes))) {
			if (!isKnownBad) this.#broken(this.#start, () => `a box "${boxName(type)}" cannot have ${size} bytes`);
			this.#searchAgain();
		} else if (COLLECTED.has(type)) this.#expectBox(type, size);
		else if (size === this.#headerBytes) this.#expectHeader();
		else if (type === MDAT) this.#state = "media";
		else this.#beginSearch(this.#end);
	}

	#expectHeader(): void {
		this.#state = "header";
		this.#filled = 0;
		this.#needed = BOX_HEADER_BYTES;
	}

	#expectBox(type: number, size: number): void {
		this.#state = "box";
		this.#child = this.#headerBytes;
		// An event message has no boxes in it.
		this.#needed = type === EMSG ? size : Math.min(size, this.#child + BOX_HEADER_BYTES);
		if (size === this.#filled) this.#step();
	}

	/** Either a box inside has its header, or all is there. */
	#step(): void {
		const size = this.#end - this.#start;
		if (this.#filled === size) {
			const type = readUint32(this.#buffer, 4);
			const payload = this.#buffer.slice(this.#headerBytes, size);
			const start = this.#start;
			if (this.#buffer.length > FIRST_CAPACITY) this.#buffer = new Uint8Array(FIRST_CAPACITY);
			this.#expectHeader();
			this.#isLost = false;
			this.#sink.box(type, payload, start);
			return;
		}
		const childSize = readUint32(this.#buffer, this.#child);
		const childType = readUint32(this.#buffer, this.#child + 4);
		const isChild = isType(childType) && !TOP_LEVEL.has(childType) && childSize >= BOX_HEADER_BYTES;
		const next = this.#child + childSize;
		if (isChild && next <= size && (next === size || size - next >= BOX_HEADER_BYTES)) {
			this.#child = next;
			this.#needed = Math.min(size, next + BOX_HEADER_BYTES);
			return;
		}
		const at = this.#start + this.#child;
		this.#broken(this.#start, () => {
			const name = boxName(readUint32(this.#buffer, 4));
			return `a box "${name}" of ${size} bytes has no box in it at byte ${at}, where one should begin`;
		});
		// What was there is the beginning of something else, perhaps.
		this.#buffer.copyWithin(0, this.#child, this.#filled);
		this.#filled = BOX_HEADER_BYTES;
		this.#state = "header";
		this.#needed = BOX_HEADER_BYTES;
		this.#header(true);
	}

	#media(bytes: Uint8Array, from: number): number {
		const piece = bytes.subarray(from, from + Math.min(bytes.length - from, this.#end - this.#offset));
		const taken = this.#sink.media(piece, this.#offset, this.#end);
		this.#offset += taken;
		if (this.#offset === this.#end) this.#expectHeader();
		else if (taken < piece.length) this.#beginSearch(this.#end);
		return taken;
	}

	/** A header that is none may have the beginning of one in it. */
	#searchAgain(): void {
		const begun = this.#buffer.slice(0, this.#filled);
		this.#offset -= begun.length;
		this.#beginSearch(Number.POSITIVE_INFINITY);
		this.push(begun);
	}

	/** One place is one fault: what comes before the next whole box is part of it. */
	#broken(offset: number, what: () => string): void {
		if (!this.#isLost) this.#sink.broken(offset, what());
		this.#isLost = true;
	}

	#beginSearch(end: number): void {
		this.#state = "search";
		this.#end = end;
		this.#searched = 0;
		this.#filled = 0;
	}

	#search(bytes: Uint8Array, from: number): number {
		const stop = Math.min(bytes.length, from + (this.#end - this.#offset));
		// Eight bytes on, all that was seen is of this search.
		const trusted = from + BOX_HEADER_BYTES - this.#searched;
		let size = this.#sizeSeen;
		let type = this.#typeSeen;
		let isFound = false;
		let at = from;
		while (at < stop && !isFound) {
			size = (size << 8) | (type >>> 24);
			type = (type << 8) | bytes[at++]!;
			isFound = isOpening(type) && at >= trusted && isSize(type, size >>> 0, BOX_HEADER_BYTES);
		}
		this.#sizeSeen = size;
		this.#typeSeen = type;
		this.#searched = Math.min(BOX_HEADER_BYTES, this.#searched + at - from);
		this.#offset += at - from;
		if (isFound) this.#found();
		else if (this.#offset === this.#end) this.#expectHeader();
		return at - from;
	}

	#found(): void {
		const start = this.#offset - BOX_HEADER_BYTES;
		if (this.#end !== Number.POSITIVE_INFINITY) {
			const end = this.#end;
			const name = boxName(this.#typeSeen);
			this.#broken(start, () => `a box "${name}" begins inside another one that should end at byte ${end}`);
		}
		for (const [at, value] of [this.#sizeSeen, this.#typeSeen].entries()) {
			this.#buffer.set([value >>> 24, value >>> 16, value >>> 8, value], 4 * at);
		}
		this.#state = "header";
		this.#filled = BOX_HEADER_BYTES;
		this.#header(false);
	}

	#reserve(byteLength: number): void {
		if (byteLength <= this.#buffer.length) return;
		const larger = new Uint8Array(Math.max(byteLength, 2 * this.#buffer.length));
		larger.set(this.#buffer.subarray(0, this.#filled));
		this.#buffer = larger;
	}
}

/** Four printable letters; the first may be Apple's "©". */
function isType(type: number): boolean {
	for (let shift = 0; shift < 32; shift += 8) {
		const byte = (type >>> shift) & 0xff;
		if ((byte < 0x20 || byte > 0x7e) && !(shift === 24 && byte === 0xa9)) return false;
	}
	return true;
}
