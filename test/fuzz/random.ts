import { Sfc32 } from "../kit/sfc32.ts";

/** Numbers by chance that a run's seed and an input's index repeat. */
export class Random {
	readonly #source: Sfc32;

	constructor(seed: number, index = 0) {
		this.#source = new Sfc32(seed, index, Math.floor(index / 2 ** 32) ^ 0x9e3779b9);
	}

	/** 32 bits. */
	next(): number {
		return this.#source.uint32();
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
