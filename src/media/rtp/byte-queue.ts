/** Bytes that come in pieces and are taken off in other pieces, in memory that is used again. */
const FIRST_ROOM = 4096;

export class ByteQueue {
	#room = new Uint8Array(FIRST_ROOM);
	#from = 0;
	#to = 0;
	#offset = 0;

	get length(): number {
		return this.#to - this.#from;
	}

	/** How many bytes have been taken off so far. */
	get offset(): number {
		return this.#offset;
	}

	/** A view, valid until the next `push`. */
	get content(): Uint8Array {
		return this.#room.subarray(this.#from, this.#to);
	}

	push(bytes: Uint8Array): void {
		const kept = this.length;
		const wanted = kept + bytes.length;
		if (this.#to + bytes.length > this.#room.length) {
			const room = 2 * wanted <= this.#room.length ? this.#room : new Uint8Array(Math.max(2 * wanted, FIRST_ROOM));
			room.set(this.#room.subarray(this.#from, this.#to));
			this.#room = room;
			this.#from = 0;
			this.#to = kept;
		}
		this.#room.set(bytes, this.#to);
		this.#to += bytes.length;
	}

	take(count: number): void {
		this.#from += count;
		this.#offset += count;
	}

	clear(): void {
		this.take(this.length);
	}
}
