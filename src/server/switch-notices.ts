/**
 * A viewer's switches as a hook is told of them: the first at once, then one a second at most. Of several within the
 * second the last is told, from the rendition that the hook knows of; none, if that is where it led back to.
 */
import type { SwitchTold } from "../access/hook-message.ts";
import type { Clock, Timer } from "../base/clock.ts";

const PAUSE_MS = 1000;

export class SwitchNotices {
	readonly #clock: Clock;
	readonly #tell: (switched: SwitchTold) => void;
	#pause: Timer | undefined;
	#pending: SwitchTold | undefined;

	constructor(clock: Clock, tell: (switched: SwitchTold) => void) {
		this.#clock = clock;
		this.#tell = tell;
	}

	note(switched: SwitchTold): void {
		if (this.#pause === undefined) this.#say(switched);
		else this.#pending = { ...switched, from: this.#pending?.from ?? switched.from };
	}

	/** Nothing more is told. Idempotent. */
	close(): void {
		this.#pause?.cancel();
		this.#pending = undefined;
	}

	#say(switched: SwitchTold): void {
		this.#pause = this.#clock.after(PAUSE_MS, () => {
			this.#pause = undefined;
			const pending = this.#pending;
			this.#pending = undefined;
			if (pending !== undefined && pending.from !== pending.to) this.#say(pending);
		});
		this.#tell(switched);
	}
}
