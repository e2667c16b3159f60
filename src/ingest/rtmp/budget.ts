/**
 * How many messages a client may send: each costs us about the same, however small it is. A publisher sends some two
 * hundred a second, and more for a while when its network has held it up.
 */
import type { Milliseconds } from "../../base/units.ts";

export const MESSAGES_PER_SECOND = 1500;
const MOST_MESSAGES_AT_ONCE = 6000;

export class MessageBudget {
	#left = MOST_MESSAGES_AT_ONCE;
	#at: Milliseconds;

	constructor(now: Milliseconds) {
		this.#at = now;
	}

	/** @returns false when it is used up */
	take(now: Milliseconds): boolean {
		const earned = ((now - this.#at) / 1000) * MESSAGES_PER_SECOND;
		this.#left = Math.min(MOST_MESSAGES_AT_ONCE, this.#left + earned);
		this.#at = now;
		if (this.#left < 1) return false;
		this.#left--;
		return true;
	}
}
