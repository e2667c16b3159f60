/**
 * The nonces of one connection. They are worth nothing on another one, so that who overhears an answer cannot use it
 * again; on the connection, where clients count (`nc`), a count is taken once; and each is too old after a while.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

/** Some clients answer each challenge of a pair, some the one before the last. */
const KEPT = 4;
const NONCE_LIFE_MS = 300_000;

interface Nonce {
	readonly at: Milliseconds;
	lastCount: number;
}

export type NonceVerdict = "good" | "stale" | "unknown";

export class Nonces {
	readonly #clock: Clock;
	/** In the order in which they were given. */
	readonly #given = new Map<string, Nonce>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	fresh(): string {
		const nonce = randomBytes(16).toString("hex");
		this.#given.set(nonce, { at: this.#clock.now(), lastCount: 0 });
		if (this.#given.size > KEPT) this.#given.delete(this.#given.keys().next().value!);
		return nonce;
	}

	/** Takes a count of a client that counts. @param count undefined of one that does not */
	take(nonce: string, count: number | undefined): NonceVerdict {
		const given = this.#given.get(nonce);
		if (given === undefined) return "unknown";
		const repeated = count === undefined ? given.lastCount > 0 : count <= given.lastCount;
		if (repeated || this.#clock.now() - given.at > NONCE_LIFE_MS) return "stale";
		given.lastCount = count ?? 0;
		return "good";
	}
}
