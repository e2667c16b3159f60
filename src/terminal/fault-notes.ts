/** Counts faults of one kind and tells of them at most once a second, the first at once. */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

const QUIET_MS = 1000;

export class FaultNotes {
	readonly #clock: Clock;
	readonly #tell: (message: string, count: number) => void;
	#toldAt: Milliseconds | undefined;
	#untold: string | undefined;
	count = 0;
	/** The first that was noted. */
	first: string | undefined;

	constructor(clock: Clock, tell: (message: string, count: number) => void) {
		this.#clock = clock;
		this.#tell = tell;
	}

	note(message: string): void {
		this.count++;
		this.first ??= message;
		this.#untold = message;
		const now = this.#clock.now();
		if (this.#toldAt === undefined || now - this.#toldAt >= QUIET_MS) this.flush();
	}

	/** Tells what has been kept back. */
	flush(): void {
		if (this.#untold === undefined) return;
		const message = this.#untold;
		this.#untold = undefined;
		this.#toldAt = this.#clock.now();
		this.#tell(message, this.count);
	}
}
