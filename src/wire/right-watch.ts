/**
 * A right while somebody holds it: asked for again when it ends, in the same words, until its holder lets it go.
 * Invariant: a right that ends at a time of the wall clock is asked for again within half a minute of that time, however
 * the clock jumps; and whoever is refused is told so once.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { AccessAnswer, AccessGate, AccessRequest } from "./access.ts";

export interface Right {
	/** By which the gate knows the session. */
	readonly request: AccessRequest;
	/** Wall clock, ms; undefined: for ever. Moved on with each yes. */
	until: number | undefined;
}

export interface RightWatchParts {
	readonly gate: AccessGate;
	readonly clock: Clock;
	readonly right: Right;
	/** It holds no more. Told once, and not behind `end`. */
	readonly onLost: (error: PenstockError) => void;
}

/** Wall clocks jump, so that a right which ends later is looked at so often. */
const LONGEST_LEG_MS = 30_000;
/** A gate that answers with what is over already is not asked in a circle. */
const SHORTEST_MS = 1000;

export class RightWatch {
	readonly #parts: RightWatchParts;
	#timer: Timer | undefined;
	#over = false;

	constructor(parts: RightWatchParts) {
		this.#parts = parts;
		this.#look();
	}

	/** Its holder has gone. Idempotent. */
	end(): void {
		this.#over = true;
		this.#timer?.cancel();
	}

	#look(): void {
		const { clock, right } = this.#parts;
		if (this.#over || right.until === undefined) return;
		const left = right.until - clock.wall();
		if (left <= 0) void this.#askAgain();
		else this.#timer = clock.after(Math.min(left, LONGEST_LEG_MS), () => this.#look());
	}

	async #askAgain(): Promise<void> {
		const { gate, clock, right, onLost } = this.#parts;
		const answer = await askGate(gate, right.request);
		if (this.#over) return;
		if (answer.kind === "refused") {
			this.#over = true;
			onLost(answer.error);
			return;
		}
		right.until = answer.until === undefined ? undefined : Math.max(answer.until, clock.wall() + SHORTEST_MS);
		this.#look();
	}
}

/** Never rejects: a gate that fails has refused. */
export async function askGate(gate: AccessGate, request: AccessRequest): Promise<AccessAnswer> {
	try {
		return await gate.ask(request);
	} catch (thrown) {
		if (thrown instanceof PenstockError) return { kind: "refused", error: thrown };
		const text = `leave could not be asked for: ${messageOf(thrown)}.`;
		return { kind: "refused", error: new PenstockError("INTERNAL", text, { cause: thrown }) };
	}
}
