/** Numbers by chance that a seed repeats: sfc32, 128 bits of state, seeded from the run's seed and the input's index. */
export class Random {
	#a: number;
	#b: number;
	#c: number;
	#counter = 1;

	constructor(seed: number, index = 0) {
		this.#a = seed | 0;
		this.#b = index | 0;
		this.#c = (Math.floor(index / 2 ** 32) ^ 0x9e3779b9) | 0;
		for (let i = 0; i < 12; i++) this.next();
	}

	/** 32 bits. */
	next(): number {
		const sum = (this.#a + this.#b + this.#counter) | 0;
		this.#counter = (this.#counter + 1) | 0;
		this.#a = this.#b ^ (this.#b >>> 9);
		this.#b = (this.#c + (this.#c << 3)) | 0;
		this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
		return sum >>> 0;
	}

	/** From 0 to `limit` - 1; 0 where the limit is 0. */
	below(limit: number): number {
		return Math.floor((this.next() / 2 ** 32) * limit);
	}

	/** From `least` to `most`. */
	between(least: number, most: number): number {
		return least + this.below(most - least + 1);
	}

	/** True once in `n`. */
	oneIn(n: number): boolean {
		return this.below(n) === 0;
	}

	pick<Item>(items: readonly Item[]): Item {
		return items[this.below(items.length)]!;
	}
}
