/** Groups of the network that the configuration sets aside: one for each stream that is watched so. */
import type { Network } from "../../distribution/network.ts";

export class MulticastGroups {
	readonly #network: Network;
	readonly #taken = new Set<number>();
	/** The one that was given last, so that a group that has just been left is not the next. */
	#last = 0;

	/** @param network of IPv4 groups */
	constructor(network: Network) {
		this.#network = network;
	}

	/** @returns undefined where all are taken */
	take(): string | undefined {
		const count = 2 ** (32 - this.#network.prefixBits);
		if (this.#taken.size >= count) return undefined;
		do this.#last = (this.#last + 1) % count;
		while (this.#taken.has(this.#last));
		this.#taken.add(this.#last);
		return this.#textOf(this.#last);
	}

	release(group: string): void {
		for (const index of this.#taken) if (this.#textOf(index) === group) this.#taken.delete(index);
	}

	#textOf(index: number): string {
		const first = this.#network.bytes.reduce((number, byte) => number * 256 + byte, 0);
		const number = first + index;
		return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join(".");
	}
}
