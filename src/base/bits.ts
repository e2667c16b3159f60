/** A reader of single bits and Exp-Golomb codes, most significant bit first (ITU-T H.264 clause 9.1). */
export class BitReader {
	readonly #bytes: Uint8Array;
	#position = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get bitsLeft(): number {
		return this.#bytes.length * 8 - this.#position;
	}

	/** Bits past the end read as zero, so that a cut header ends in a range check and not in a crash. */
	bit(): number {
		const byte = this.#bytes[this.#position >> 3] ?? 0;
		const value = (byte >> (7 - (this.#position & 7))) & 1;
		this.#position++;
		return value;
	}

	/** @param count 0 to 32 */
	bits(count: number): number {
		let value = 0;
		for (let i = 0; i < count; i++) value = value * 2 + this.bit();
		return value;
	}

	skip(count: number): void {
		this.#position += count;
	}

	/** ue(v) */
	unsignedExpGolomb(): number {
		let zeros = 0;
		while (this.bit() === 0 && zeros < 32 && this.bitsLeft > 0) zeros++;
		return 2 ** zeros - 1 + this.bits(zeros);
	}

	/** se(v) */
	signedExpGolomb(): number {
		const code = this.unsignedExpGolomb();
		return code % 2 === 0 ? -(code / 2) : (code + 1) / 2;
	}
}
