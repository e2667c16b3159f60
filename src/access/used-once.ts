/**
 * What was good for one time and has had it. Of bounded size: each is kept until it expires by itself, and where there
 * is no room for another, another is not taken. One that was forgotten never counts as new again, though the wall clock
 * be set back.
 */
export type OnceAnswer = "fresh" | "used" | "full";

export class UsedOnce {
	readonly #most: number;
	/** When each expires: wall clock, ms. In the order in which they came. */
	readonly #used = new Map<string, number>();
	#forgottenUntil = Number.NEGATIVE_INFINITY;

	constructor(most: number) {
		this.#most = most;
	}

	get size(): number {
		return this.#used.size;
	}

	take(id: string, expires: number, wall: number): OnceAnswer {
		if (this.#used.has(id) || expires <= this.#forgottenUntil) return "used";
		if (this.#used.size >= this.#most) this.#forget(wall);
		if (this.#used.size >= this.#most) return "full";
		this.#used.set(id, expires);
		return "fresh";
	}

	/** It was not used after all. */
	giveBack(id: string): void {
		this.#used.delete(id);
	}

	#forget(wall: number): void {
		for (const [id, expires] of this.#used) {
			if (expires > wall) continue;
			this.#used.delete(id);
			this.#forgottenUntil = Math.max(this.#forgottenUntil, expires);
		}
	}
}
