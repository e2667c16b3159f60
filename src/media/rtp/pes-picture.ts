/**
 * One picture of a program stream, put together from the PES packets that carry it: a packet says at most 64 KiB, so
 * that a large picture takes several, of which the first has the time, or all have the same.
 * Invariant: at most `MOST_PES_BYTES` are kept.
 */
import type { PesPacket } from "../mpegts/pes.ts";
import { MOST_PES_BYTES } from "../mpegts/pes-assembler.ts";

const FIRST_ROOM = 4096;

export interface WholePicture {
	/** 33 bits, as read. */
	readonly pts: number;
	readonly dts: number;
	/** A byte stream; a view, valid until the next call. */
	readonly data: Uint8Array;
}

export class PesPicture {
	#bytes = new Uint8Array(FIRST_ROOM);
	#length = 0;
	#pts: number | undefined;
	#dts = 0;

	get length(): number {
		return this.#length;
	}

	/** Whether a packet with this time belongs to another picture than the one that has begun. */
	isOther(pts: number): boolean {
		return this.#pts !== undefined && pts !== this.#pts;
	}

	/** What comes before any time is left out. @returns false where the picture became too large, and was left out */
	push({ pts, dts, payload }: PesPacket): boolean {
		if (this.#pts === undefined) {
			this.#pts = pts;
			this.#dts = dts ?? 0;
		}
		if (this.#pts === undefined) return true;
		const wanted = this.#length + payload.length;
		if (wanted > MOST_PES_BYTES) {
			this.clear();
			return false;
		}
		if (wanted > this.#bytes.length) {
			const larger = new Uint8Array(Math.max(wanted, Math.min(2 * this.#bytes.length, MOST_PES_BYTES)));
			larger.set(this.#bytes.subarray(0, this.#length));
			this.#bytes = larger;
		}
		this.#bytes.set(payload, this.#length);
		this.#length = wanted;
		return true;
	}

	take(): WholePicture | undefined {
		const pts = this.#pts;
		const data = this.#bytes.subarray(0, this.#length);
		this.clear();
		return pts === undefined || data.length === 0 ? undefined : { pts, dts: this.#dts, data };
	}

	clear(): void {
		this.#length = 0;
		this.#pts = undefined;
	}
}
