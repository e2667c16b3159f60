/** A bound on a rate: a bucket that holds a tenth of a second of it, and is full at first. */
const HOLDS_SECONDS = 0.1;

export class TokenBucket {
	readonly #perSecond: number;
	readonly #size: number;
	#tokens: number;
	#at: number;

	/**
	 * @param least what it holds at least
	 * @param nowMs monotonic
	 */
	constructor(perSecond: number, least: number, nowMs: number) {
		this.#perSecond = perSecond;
		this.#size = Math.max(least, perSecond * HOLDS_SECONDS);
		this.#tokens = this.#size;
		this.#at = nowMs;
	}

	/** Whether there is so much in it; nothing is taken. */
	has(amount: number, nowMs: number): boolean {
		this.#tokens = Math.min(this.#size, this.#tokens + ((nowMs - this.#at) / 1000) * this.#perSecond);
		this.#at = nowMs;
		return this.#tokens >= amount;
	}

	take(amount: number): void {
		this.#tokens -= amount;
	}
}
