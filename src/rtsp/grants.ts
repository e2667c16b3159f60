/**
 * What the gate has granted on one connection: by verb and stream, so that a client that showed its token with DESCRIBE
 * need not show it with each SETUP, and so that what was granted until a time ends then (SEC4).
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { AccessRequest, Verb } from "../wire/access.ts";
import type { RtspRequest } from "../wire/rtsp-message.ts";
import type { RtspTarget } from "../wire/rtsp-target.ts";
import type { Authenticator, ConnectionAuth } from "./authenticator.ts";
import { lastReply, type Reply, refusal } from "./reply.ts";

export interface Grant {
	readonly principal: string;
	readonly request: AccessRequest;
	/** Wall clock, ms. */
	until: number | undefined;
}

export type Admission =
	| { readonly kind: "admitted"; readonly grant: Grant }
	| { readonly kind: "refused"; readonly reply: Reply };

/** A client asks for one stream, mostly. */
const MOST_GRANTS = 4;

export class Grants {
	readonly #clock: Clock;
	readonly #authenticator: Authenticator;
	readonly #auth: ConnectionAuth;
	/** The newest last. */
	readonly #grants = new Map<string, Grant>();
	#renewing = false;

	constructor(clock: Clock, authenticator: Authenticator, address: string) {
		this.#clock = clock;
		this.#authenticator = authenticator;
		this.#auth = authenticator.open(address);
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
				const grant: Grant = { principal, until, request: asked };
				this.#grants.delete(key);
				this.#grants.set(key, grant);
				if (this.#grants.size > MOST_GRANTS) this.#grants.delete(this.#grants.keys().next().value!);
				return { kind: "admitted", grant };
			}
		}
	}

	/** Asks again where a grant is over. @returns why it does not hold any more; undefined where it does */
	async renew(grant: Grant): Promise<PenstockError | undefined> {
		if (this.#renewing || !this.#isOver(grant)) return undefined;
		this.#renewing = true;
		try {
			const answer = await this.#authenticator.renew(grant.request);
			if (answer instanceof PenstockError) return answer;
			grant.until = answer.until;
			return undefined;
		} finally {
			this.#renewing = false;
		}
	}

	#isOver({ until }: Grant): boolean {
		return until !== undefined && until <= this.#clock.wall();
	}
}
