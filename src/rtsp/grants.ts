/**
 * What the gate has granted on one connection: by verb and stream, so that a client that showed its token with DESCRIBE
 * need not show it with each SETUP, and so that what was granted until a time ends then (SEC4). Whatever was granted is
 * told to be over once: with its session, or with the connection where there was none.
 */
import type { Clock } from "../base/clock.ts";
import type { AccessRequest, Verb } from "../wire/access.ts";
import type { Right } from "../wire/right-watch.ts";
import type { RtspRequest } from "../wire/rtsp-message.ts";
import type { RtspTarget } from "../wire/rtsp-target.ts";
import type { Authenticator, ConnectionAuth } from "./authenticator.ts";
import { lastReply, type Reply, refusal } from "./reply.ts";

export interface Grant extends Right {
	readonly principal: string;
	/** A session goes on by it. */
	isHeld: boolean;
}

export type Admission =
	| { readonly kind: "admitted"; readonly grant: Grant }
	| { readonly kind: "refused"; readonly reply: Reply };

/** A client asks for one stream, mostly. */
const MOST_GRANTS = 4;
/** The connection ended before the gate had answered. */
const UNREAD = lastReply({ status: 408, headers: [] });

export class Grants {
	readonly #clock: Clock;
	readonly #auth: ConnectionAuth;
	readonly #onOver: (request: AccessRequest) => void;
	/** The newest last. */
	readonly #grants = new Map<string, Grant>();
	#closed = false;

	/** @param onOver told once for each grant that was not handed over */
	constructor(clock: Clock, authenticator: Authenticator, address: string, onOver: (request: AccessRequest) => void) {
		this.#clock = clock;
		this.#auth = authenticator.open(address);
		this.#onOver = onOver;
	}

	/** Asks the gate, unless it has said yes to the same before. @param query without a track's control */
	async admit(request: RtspRequest, verb: Verb, target: RtspTarget, query: string): Promise<Admission> {
		const key = `${verb} ${target.app}/${target.stream}`;
		const known = this.#grants.get(key);
		if (known !== undefined && !this.#isOver(known)) return { kind: "admitted", grant: known };
		const verdict = await this.#auth.ask(request, verb, target, query);
		switch (verdict.kind) {
			case "challenge":
				return { kind: "refused", reply: refusal(verdict.error, 401, ...verdict.headers) };
			case "refused":
				return { kind: "refused", reply: lastReply(refusal(verdict.error)) };
			case "granted": {
				const { principal, until, request: asked } = verdict;
				if (this.#closed) {
					this.#onOver(asked);
					return { kind: "refused", reply: UNREAD };
				}
				const grant: Grant = { principal, until, request: asked, isHeld: false };
				if (known !== undefined) this.#drop(key, known);
				this.#grants.set(key, grant);
				this.#makeRoom();
				return { kind: "admitted", grant };
			}
		}
	}

	/** Whoever has it from now on tells himself when it is over. */
	handOver(grant: Grant): void {
		for (const [key, one] of this.#grants) if (one === grant) this.#grants.delete(key);
	}

	/** What was granted is over. */
	release(grant: Grant): void {
		this.handOver(grant);
		this.#onOver(grant.request);
	}

	/** The connection has ended; grants of a session are its own to release. */
	close(): void {
		this.#closed = true;
		for (const [key, grant] of this.#grants) this.#drop(key, grant);
	}

	#makeRoom(): void {
		if (this.#grants.size <= MOST_GRANTS) return;
		const [oldest] = [...this.#grants].filter(([, { isHeld }]) => !isHeld);
		if (oldest !== undefined) this.#drop(...oldest);
	}

	#drop(key: string, grant: Grant): void {
		this.#grants.delete(key);
		if (!grant.isHeld) this.#onOver(grant.request);
	}

	#isOver({ until }: Grant): boolean {
		return until !== undefined && until <= this.#clock.wall();
	}
}
