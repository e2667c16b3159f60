/** Bytes under change, in memory that is used again for every input. What does not fit is cut off at the end. */
export class Draft {
	readonly bytes: Uint8Array;
	length = 0;

	constructor(capacity: number) {
		this.bytes = new Uint8Array(capacity);
	}

	/** What the draft holds now: a view. */
	get content(): Uint8Array {
		return this.bytes.subarray(0, this.length);
	}

	take(source: Uint8Array): void {
		this.length = Math.min(source.length, this.bytes.length);
		this.bytes.set(source.subarray(0, this.length));
	}

	append(source: Uint8Array): void {
		const count = Math.min(source.length, this.bytes.length - this.length);
		this.bytes.set(source.subarray(0, count), this.length);
		this.length += count;
	}

	/** Makes room, whose bytes are what lay there before. */
	open(at: number, count: number): void {
		this.bytes.copyWithin(at + count, at, this.length);
		this.length = Math.min(this.length + count, this.bytes.length);
	}

	remove(at: number, count: number): void {
		this.bytes.copyWithin(at, at + count, this.length);
		this.length -= Math.min(count, this.length - at);
	}

	insert(at: number, source: Uint8Array): void {
		const copy = source.slice(0, this.bytes.length - at);
		this.open(at, copy.length);
		this.bytes.set(copy, at);
	}

	/** Writes a big-endian number as wide as `width` says, as far as the draft reaches. */
	write(at: number, width: number, value: number): void {
		let rest = value;
		for (let i = at + width - 1; i >= at; i--) {
			if (i < this.length) this.bytes[i] = rest % 256;
			rest = Math.floor(rest / 256);
		}
	}

	read(at: number, width: number): number {
		let value = 0;
		for (let i = at; i < at + width; i++) value = value * 256 + (this.bytes[i] ?? 0);
		return value;
	}
}
