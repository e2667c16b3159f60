/**
 * Looks at what a client brings, by the means that a right allows, and holds back who guesses (SEC15, SEC20). Nothing
 * that was not evaluated counts as a guess, and the same wrong thing brought again is no new one: an encoder with last
 * year's key locks nobody out.
 */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";
import type { AccessRequest } from "../wire/access.ts";
import type { AccessCounts } from "./access-counts.ts";
import type { AccessMemory, Session } from "./access-memory.ts";
import { type Offered, requestKey } from "./credentials.ts";
import { sourceOf } from "./ip-address.ts";
import type { JwtIssuer } from "./jwt.ts";
import { looksLikeJwt } from "./jwt-shape.ts";
import type { Proof } from "./proof.ts";
import { Recent } from "./recent.ts";
import { Secret } from "./secret.ts";
import type { Means } from "./settings.ts";
import type { SignedUrls } from "./signed-url.ts";
import { Turns } from "./turns.ts";

export interface ProverOptions {
	readonly keys: ReadonlyMap<string, Secret>;
	readonly users: ReadonlyMap<string, Secret>;
	readonly signedUrls: SignedUrls;
	readonly issuers: ReadonlyMap<string, JwtIssuer>;
	readonly memory: AccessMemory;
	readonly counts: AccessCounts;
	readonly clock: Clock;
}

/** Held back, for its source's failures or for a secret's: not looked at now. */
export type Verdict = Proof | { readonly kind: "held"; readonly by: "source" | "secret"; readonly waitMs: number };

interface Attempt {
	readonly request: AccessRequest;
	readonly offered: Offered;
	readonly session: Session;
	readonly source: string;
}

const MOST_WRONG = 10_000;
/** A token that is wrong may be right when its issuer's keys have been read again; all else stays wrong. */
const TOKEN_WRONG_MS = 30_000;
/** Of all sources together: more than that come from an attack. */
const MOST_WAITING = 2000;
const SHORT_WAIT_MS = 1000;
/** Until one more may try. */
const SECRET_WAIT_MS = 300_000;
/** Compared with where there is no such user, so that it takes as long. */
const NOBODY = new Secret("nobody's password");
/** The most helpful to be told comes first. */
const RANK: readonly Verdict["kind"][] = ["proven", "expired", "replayed", "unfit", "away", "held", "wrong"];

export class Prover {
	readonly #options: ProverOptions;
	readonly #turns = new Turns({ atOnce: 1, mostWaiting: MOST_WAITING });
	/** What was wrong, and when it was last looked at. */
	readonly #wrong = new Recent<Milliseconds>(MOST_WRONG);

	constructor(options: ProverOptions) {
		this.#options = options;
	}

	/** Those of one source one after another, so that what one has guessed is known before the next. */
	async prove(request: AccessRequest, offered: Offered, means: readonly Means[], session: Session): Promise<Verdict> {
		const source = sourceOf(request.address);
		const attempt = { request, offered, session, source };
		const verdict = await this.#turns.run(source, () => this.#tryAll(attempt, means));
		return verdict ?? { kind: "held", by: "source", waitMs: SHORT_WAIT_MS };
	}

	/** How long this source is held back; 0 where it is not. */
	waitOf(request: AccessRequest): number {
		return this.#options.memory.guesses.waitOf(sourceOf(request.address));
	}

	/** The hook has said no to what only it can judge: a guess, unless it is the same again. */
	failedAtHook(request: AccessRequest): void {
		const key = requestKey(request, "hook");
		if (this.#wrong.get(key) === undefined) this.#options.memory.guesses.failed(sourceOf(request.address));
		this.#wrong.set(key, this.#options.clock.now());
	}

	async #tryAll(attempt: Attempt, means: readonly Means[]): Promise<Verdict> {
		const { request, offered, session, source } = attempt;
		const { guesses } = this.#options.memory;
		const waitMs = session.granted ? 0 : guesses.waitOf(source);
		if (waitMs > 0) return { kind: "held", by: "source", waitMs };
		const now = this.#options.clock.now();
		// By the means, too: an address of another network may have others.
		const key = requestKey(request, JSON.stringify(means));
		const wrongAt = this.#wrong.get(key);
		const staysMs = looksLikeJwt(offered.token ?? "") ? TOKEN_WRONG_MS : Number.POSITIVE_INFINITY;
		if (wrongAt !== undefined && now - wrongAt < staysMs) return { kind: "wrong" };
		const verdicts: Verdict[] = [];
		for (const one of means) {
			const verdict = await this.#try(one, attempt);
			if (verdict?.kind === "proven") return verdict;
			if (verdict !== undefined) verdicts.push(verdict);
		}
		if (verdicts.length === 0 && this.#isStranger(attempt, means))
			verdicts.push(this.#compare(NOBODY, attempt.offered.password ?? ""));
		const [best] = verdicts.sort((a, b) => RANK.indexOf(a.kind) - RANK.indexOf(b.kind));
		if (best?.kind !== "wrong") return best ?? { kind: "wrong" };
		// It may be right for the hook, which is asked next and will say if it was a guess.
		if (means.includes("hook")) return best;
		if (wrongAt === undefined) guesses.failed(source);
		this.#wrong.set(key, now);
		return best;
	}

	/** Undefined where nothing was brought for it. */
	async #try(means: Means, { request, offered, session, source }: Attempt): Promise<Verdict | undefined> {
		if (typeof means === "string") return undefined;
		const { keys, users, signedUrls, issuers, clock, counts } = this.#options;
		const { token, signed, user, password = "" } = offered;
		if ("key" in means) {
			const key = keys.get(means.key);
			if (key === undefined || token === undefined || looksLikeJwt(token)) return undefined;
			return this.#trySecret(key, token, `key:${means.key}`, source);
		}
		if ("user" in means) {
			const known = users.get(means.user);
			return known === undefined || user !== means.user
				? undefined
				: this.#trySecret(known, password, `user:${means.user}`, source);
		}
		if ("signed" in means) {
			if (signed?.kid !== means.signed) return undefined;
			counts.evaluated++;
			return signedUrls.judge(signed, request, session.taken, clock.wall());
		}
		const issuer = issuers.get(means.jwt);
		if (issuer === undefined || token === undefined || !looksLikeJwt(token)) return undefined;
		counts.evaluated++;
		return await issuer.judge(token, request, clock.wall());
	}

	#trySecret(secret: Secret, presented: string, principal: string, source: string): Verdict {
		const { guesses } = this.#options.memory;
		if (!guesses.mayTry(principal, source)) return { kind: "held", by: "secret", waitMs: SECRET_WAIT_MS };
		const verdict = this.#compare(secret, presented);
		if (verdict.kind === "wrong") {
			guesses.missed(principal);
			return verdict;
		}
		guesses.knew(principal, source);
		return { kind: "proven", principal };
	}

	#compare(secret: Secret, presented: string): Proof {
		this.#options.counts.evaluated++;
		return secret.matches(presented) ? { kind: "proven", principal: "" } : { kind: "wrong" };
	}

	/** A user who has no right here, where others have. */
	#isStranger({ offered }: Attempt, means: readonly Means[]): boolean {
		return offered.user !== undefined && means.some((one) => typeof one === "object" && "user" in one);
	}
}
