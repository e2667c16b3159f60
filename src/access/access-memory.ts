/**
 * What outlives a change of the configuration: which sessions there are, what was good for one time, who has guessed,
 * and what was counted.
 * A session is known by the very object that it asks with; when that is gone, nothing of it is left here.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { AccessRequest } from "../wire/access.ts";
import { AccessCounts } from "./access-counts.ts";
import { GuessLimit } from "./guess-limit.ts";
import { UsedOnce } from "./used-once.ts";

export interface Session {
	/** Whom a hook knows it by. */
	readonly clientId: string;
	/** It was let in before. */
	granted: boolean;
	/** A hook has said yes to it. */
	hooked: boolean;
	/** Single-use URLs that are its own. */
	readonly taken: Set<string>;
}

const MOST_USED_ONCE = 100_000;

export class AccessMemory {
	readonly counts = new AccessCounts();
	readonly guesses: GuessLimit;
	readonly usedOnce = new UsedOnce(MOST_USED_ONCE);
	/** Since when all is remembered: wall clock, ms. */
	readonly started: number;
	readonly #sessions = new WeakMap<AccessRequest, Session>();

	constructor(clock: Clock) {
		this.guesses = new GuessLimit(clock);
		this.started = clock.wall();
	}

	sessionOf(request: AccessRequest): Session {
		const known = this.#sessions.get(request);
		if (known !== undefined) return known;
		const session: Session = {
			clientId: randomBytes(8).toString("hex"),
			granted: false,
			hooked: false,
			taken: new Set(),
		};
		this.#sessions.set(request, session);
		return session;
	}
}
