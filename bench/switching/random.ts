/** Seeded randomness: the same text gives the same numbers on every machine. */

import { Sfc32 } from "../../test/kit/sfc32.ts";

/** A generator of numbers in [0, 1): sfc32, seeded by FNV-1a hashes of `text`. */
export class Random {
	readonly #source: Sfc32;
	#spare: number | undefined;

	constructor(text: string) {
		this.#source = new Sfc32(hash(`${text}|a`), hash(`${text}|b`), hash(`${text}|c`));
	}

	/** Uniform in [0, 1). */
	next(): number {
		return this.#source.uint32() / 2 ** 32;
	}

	between(low: number, high: number): number {
		return low + (high - low) * this.next();
	}

	/** Of the standard normal distribution (Box and Muller). */
	normal(): number {
		if (this.#spare !== undefined) {
			const spare = this.#spare;
			this.#spare = undefined;
			return spare;
		}
		const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
		const angle = 2 * Math.PI * this.next();
		this.#spare = radius * Math.sin(angle);
		return radius * Math.cos(angle);
	}

	/** Of mean 1. @param deviation of its logarithm */
	logNormal(deviation: number): number {
		return Math.exp(deviation * this.normal() - deviation ** 2 / 2);
	}
}

/** FNV-1a with a final mix, 32 bits. */
function hash(text: string): number {
	let value = 0x811c9dc5;
	for (let index = 0; index < text.length; index++) {
		value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
	}
	value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
	return (value ^ (value >>> 13)) | 0;
}
