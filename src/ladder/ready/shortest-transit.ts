/**
 * How long an input's access units are on their way at least: arrival less their own time. The clocks of sender and
 * receiver have nothing to do with each other, so that the figure alone says nothing; the difference between two inputs
 * says which of their pictures were made at the same time. The shortest counts, for what delays only ever adds.
 */
import type { Milliseconds } from "../../base/units.ts";

/** Each half of what is remembered: long enough to meet a quiet moment, short enough for clocks that drift. */
const SPAN_MS = 5000;

export class ShortestTransit {
	#current = Number.POSITIVE_INFINITY;
	#before = Number.POSITIVE_INFINITY;
	#since: Milliseconds | undefined;

	/** @param transitMs arrival less the access unit's own time */
	note(transitMs: number, now: Milliseconds): void {
		this.#since ??= now;
		if (now - this.#since > SPAN_MS) {
			this.#before = this.#current;
			this.#current = Number.POSITIVE_INFINITY;
			this.#since = now;
		}
		this.#current = Math.min(this.#current, transitMs);
	}

	/** Over the last 5 to 10 s; infinite before the first. */
	get ms(): number {
		return Math.min(this.#current, this.#before);
	}

	/** The sender's clock was set anew. */
	forget(): void {
		this.#current = this.#before = Number.POSITIVE_INFINITY;
		this.#since = undefined;
	}
}
