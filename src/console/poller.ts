/**
 * Asks once a second while somebody looks: not while the page is hidden, and never twice at once. A call of `again`
 * takes the place of the round under way, whose answers then come to nothing: the newest wins.
 */
import type { Clock, Timer } from "../base/clock.ts";

const INTERVAL_MS = 1_000;

export class Poller {
	readonly #clock: Clock;
	readonly #page: Document;
	readonly #round: (signal: AbortSignal) => Promise<void>;
	#timer: Timer | undefined;
	#underWay: AbortController | undefined;

	/** @param round may throw nothing but what `signal` gives as its reason */
	constructor(clock: Clock, page: Document, round: (signal: AbortSignal) => Promise<void>) {
		this.#clock = clock;
		this.#page = page;
		this.#round = round;
		page.addEventListener("visibilitychange", () => (page.hidden ? this.#stop() : this.again()));
	}

	again(): void {
		this.#stop();
		if (this.#page.hidden) return;
		const round = new AbortController();
		const began = this.#clock.now();
		this.#underWay = round;
		const next = (): void => {
			if (this.#underWay !== round) return;
			this.#timer = this.#clock.after(INTERVAL_MS - (this.#clock.now() - began), () => this.again());
		};
		this.#round(round.signal).then(next, next);
	}

	#stop(): void {
		this.#timer?.cancel();
		this.#underWay?.abort();
		this.#underWay = undefined;
	}
}
