/**
 * How long a player waits before it asks again: at first hardly, then twice as long each time, with jitter, so that all
 * the viewers of a server that comes back do not knock in step. Media that came for a while sets that back.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

const FIRST_MS = 500;
const LONGEST_MS = 10_000;
/** A delay is multiplied by 1 ± this. */
const JITTER = 0.25;
/** Media for so long, and the next loss is the first again. */
const HEALTHY_MS = 5000;
/** However long a server asks for. */
const LONGEST_ASKED_MS = 300_000;

export class Retry {
	readonly #random: () => number;
	#step = 0;

	/** @param random as Math.random */
	constructor(random: () => number) {
		this.#random = random;
	}

	/**
	 * @param mediaFor how long the connection that was lost had brought media; 0 if it never did
	 * @param asked what the server wants to be left alone for (Retry-After)
	 */
	delay(mediaFor: Milliseconds, asked?: Milliseconds): Milliseconds {
		if (mediaFor >= HEALTHY_MS) this.#step = 0;
		const doubled = Math.min(FIRST_MS * 2 ** this.#step, LONGEST_MS);
		if (doubled < LONGEST_MS) this.#step++;
		const own = Math.min(doubled * (1 - JITTER + 2 * JITTER * this.#random()), LONGEST_MS);
		// Never sooner than was asked for; a little later, so that not all come at once.
		const theirs = asked === undefined ? 0 : Math.min(asked, LONGEST_ASKED_MS) * (1 + JITTER * this.#random());
		return milliseconds(Math.round(Math.max(own, theirs)));
	}
}

/**
 * Retry-After (RFC 9110, clause 10.2.3): seconds, or a date; undefined where it is neither.
 * @param wall milliseconds since 1970
 */
export function retryAfter(value: string | null, wall: number): Milliseconds | undefined {
	if (value === null) return undefined;
	if (/^\s*\d{1,9}\s*$/.test(value)) return milliseconds(Number(value) * 1000);
	const date = Date.parse(value);
	return Number.isNaN(date) ? undefined : milliseconds(Math.max(0, date - wall));
}
