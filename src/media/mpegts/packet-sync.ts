/**
 * Finds packets in bytes that come in pieces of any size, and finds them again after garbage.
 * In sync, a packet is handed on as soon as its 188 bytes are there. Out of sync, one counts as found when two more
 * sync bytes follow at its distance (or the input ends): one byte of 256 is 0x47 by chance.
 * Invariant: what is handed on does not depend on how the input was cut; at most 564 bytes are kept.
 */
import { concatenate } from "../../base/bytes.ts";
import { PACKET_BYTES, SYNC_BYTE } from "./packet.ts";

/** Bytes that must be there to judge a packet found: it, and sync bytes at 188 and 376. */
const LOOKAHEAD = 2 * PACKET_BYTES + 1;

export interface PacketSink {
	/** A packet starts at `at`. @param offset the same place, in bytes from the start of the input */
	packet(data: Uint8Array, at: number, offset: number): void;
	/** Bytes that belong to no packet, told when the next packet is found or the input ends. */
	skipped(offset: number, byteLength: number): void;
}

export class PacketSync {
	readonly #sink: PacketSink;
	#kept = new Uint8Array(0);
	/** Where the kept bytes start, in bytes from the start of the input. */
	#offset = 0;
	#locked = false;
	#losses = 0;
	#skipped = 0;
	/** Of the bytes skipped, those that have not been told. */
	#untold = 0;

	/** @param sink gets arrays that are valid during the call */
	constructor(sink: PacketSink) {
		this.#sink = sink;
	}

	/** How often sync was lost. */
	get losses(): number {
		return this.#losses;
	}

	/** Bytes that belong to no packet. */
	get skippedBytes(): number {
		return this.#skipped;
	}

	get heldBytes(): number {
		return this.#kept.length;
	}

	/** Bytes of the input that are dealt with. */
	get offset(): number {
		return this.#offset;
	}

	push(bytes: Uint8Array): void {
		const data = this.#kept.length === 0 ? bytes : concatenate(this.#kept, bytes);
		const used = this.#scan(data, false);
		this.#kept = new Uint8Array(data.subarray(used)); // a copy, which slice of a Buffer is not
		this.#offset += used;
	}

	/** No more comes: hands on the packets that waited for proof. */
	end(): void {
		const data = this.#kept;
		const used = this.#scan(data, true);
		this.#kept = new Uint8Array(0);
		this.#offset += data.length;
		this.#skip(data.length - used);
		this.#tellSkipped(this.#offset);
	}

	/** @returns how far the data was used up */
	#scan(data: Uint8Array, ending: boolean): number {
		let at = 0;
		for (;;) {
			if (this.#locked && at < data.length && data[at] !== SYNC_BYTE) {
				this.#locked = false;
				this.#losses++;
			}
			if (!this.#locked) {
				const found = search(data, at, ending);
				this.#skip(found.at - at);
				at = found.at;
				if (!found.proven) return at;
				this.#locked = true;
			}
			if (at + PACKET_BYTES > data.length) return at;
			this.#tellSkipped(this.#offset + at);
			this.#sink.packet(data, at, this.#offset + at);
			at += PACKET_BYTES;
		}
	}

	#skip(byteLength: number): void {
		this.#skipped += byteLength;
		this.#untold += byteLength;
	}

	/** @param end where the skipped bytes end */
	#tellSkipped(end: number): void {
		const byteLength = this.#untold;
		if (byteLength === 0) return;
		this.#untold = 0;
		this.#sink.skipped(end - byteLength, byteLength);
	}
}

/** The first place from `from` on that can be a packet's start, and whether that is proven by what follows. */
function search(data: Uint8Array, from: number, ending: boolean): { at: number; proven: boolean } {
	const last = ending ? data.length - PACKET_BYTES : data.length - LOOKAHEAD;
	let at = from;
	for (; at <= last; at++) {
		if (isSync(data, at) && isSync(data, at + PACKET_BYTES) && isSync(data, at + 2 * PACKET_BYTES)) {
			return { at, proven: true };
		}
	}
	return { at, proven: false };
}

/** Beyond the end, where only an ending search looks, nothing speaks against it. */
const isSync = (data: Uint8Array, at: number): boolean => at >= data.length || data[at] === SYNC_BYTE;
