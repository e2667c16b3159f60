/**
 * Memory for one picture that is being put together from NAL units and pieces of them, each behind its length in four
 * bytes. Used again for every picture; a picture costs one copy and one allocation.
 * Invariant: at most `MOST_FRAME_BYTES` are kept; a picture that is larger is marked as broken.
 */
import { writeUint32 } from "../../base/bytes.ts";
import { MOST_FRAME_BYTES } from "./depacketizer.ts";

const FIRST_ROOM = 4096;
const LENGTH_BYTES = 4;
/** More NAL units in one picture are garbage; reading them would cost memory. */
const MOST_NALS = 16_384;

export class PictureBuffer {
	#bytes = new Uint8Array(FIRST_ROOM);
	#length = 0;
	#nals = 0;
	/** Where the length of the NAL unit stands that is being put together from pieces. */
	#open: number | undefined;
	#flaw: string | undefined;

	get length(): number {
		return this.#length;
	}

	/** What is wrong with the picture so far. */
	get flaw(): string | undefined {
		return this.#flaw;
	}

	/** A whole NAL unit. */
	nal(nal: Uint8Array): void {
		this.begin(nal);
		this.finish();
	}

	/** @param head the first bytes of a NAL unit that comes in pieces */
	begin(head: Uint8Array): void {
		if (this.#open !== undefined) this.break("a NAL unit in fragments has no end");
		if (++this.#nals > MOST_NALS) this.break(`a picture has more than ${MOST_NALS} NAL units`);
		if (!this.#reserve(LENGTH_BYTES + head.length)) return;
		this.#open = this.#length;
		this.#bytes.set(head, this.#length + LENGTH_BYTES);
		this.#length += LENGTH_BYTES + head.length;
	}

	more(piece: Uint8Array): void {
		if (this.#open === undefined) this.break("a fragment of a NAL unit has no beginning");
		if (this.#open === undefined || !this.#reserve(piece.length)) return;
		this.#bytes.set(piece, this.#length);
		this.#length += piece.length;
	}

	/** A NAL unit never ends with a zero (ITU-T H.264, clause 7.4.1), but what some senders make of a byte stream does. */
	finish(): void {
		if (this.#open === undefined) return;
		const least = this.#open + LENGTH_BYTES + 1;
		while (this.#length > least && this.#bytes[this.#length - 1] === 0) this.#length--;
		writeUint32(this.#bytes, this.#open, this.#length - this.#open - LENGTH_BYTES);
		this.#open = undefined;
	}

	break(flaw: string): void {
		this.#flaw ??= flaw;
	}

	/** A copy of the whole picture; undefined where it is broken. The buffer is empty then. */
	take(): Uint8Array | undefined {
		if (this.#open !== undefined) this.break("a NAL unit in fragments has no end");
		const whole = this.#flaw === undefined ? this.#bytes.slice(0, this.#length) : undefined;
		this.clear();
		return whole;
	}

	clear(): void {
		this.#length = 0;
		this.#nals = 0;
		this.#open = undefined;
		this.#flaw = undefined;
	}

	#reserve(byteLength: number): boolean {
		const wanted = this.#length + byteLength;
		if (wanted > MOST_FRAME_BYTES) this.break(`a picture has more than ${MOST_FRAME_BYTES} bytes`);
		if (this.#flaw !== undefined) return false;
		if (wanted <= this.#bytes.length) return true;
		const larger = new Uint8Array(Math.max(wanted, Math.min(2 * this.#bytes.length, MOST_FRAME_BYTES)));
		larger.set(this.#bytes.subarray(0, this.#length));
		this.#bytes = larger;
		return true;
	}
}
