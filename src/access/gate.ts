/**
 * The one gate of all protocols (SEC4). What no right names is refused; who has a right shows it by one of its means, and
 * where there is a hook for the verb it has the last word. A yes is good for a while: who holds a session asks again,
 * **with the same object**, and by that the gate knows it.
 */
import type { Clock } from "../base/clock.ts";
import { type ErrorCode, PenstockError } from "../base/errors.ts";
import type { AccessAnswer, AccessGate, AccessRequest } from "../wire/access.ts";
import type { AccessCounts, AccessOutcome } from "./access-counts.ts";
import type { AccessMemory, Session } from "./access-memory.ts";
import { bringsNothing, offeredBy } from "./credentials.ts";
import type { Hooks } from "./hooks.ts";
import { sourceOf } from "./ip-address.ts";
import type { Prover, Verdict } from "./prover.ts";
import type { Rights } from "./rights.ts";
import type { Means } from "./settings.ts";
import { Turns } from "./turns.ts";

export interface GateOptions {
	readonly rights: Rights;
	readonly prover: Prover;
	readonly hooks?: Hooks;
	readonly whenHookAway: "refuse" | "grant";
	readonly memory: AccessMemory;
	readonly counts: AccessCounts;
	readonly clock: Clock;
	readonly recheckMs: number;
}

type Judged =
	| Verdict
	| { readonly kind: "no-right" }
	| { readonly kind: "no-credentials" }
	| { readonly kind: "hook-no" };

const HOOK_OF = { publish: "on_publish", play: "on_play" } as const;
/** Calls of one source: one that asks without end leaves the hook to the others. */
const HOOK_TURNS = { atOnce: 8, mostWaiting: 1000 };

export class Gate implements AccessGate {
	readonly #options: GateOptions;
	readonly #hookTurns = new Turns(HOOK_TURNS);

	constructor(options: GateOptions) {
		this.#options = options;
	}

	/** Never throws. */
	async ask(request: AccessRequest): Promise<AccessAnswer> {
		const { memory, counts, clock, recheckMs } = this.#options;
		const session = memory.sessionOf(request);
		const judged = await this.#judge(request, session);
		counts.add(request, outcomeOf(judged));
		if (judged.kind !== "proven") return { kind: "refused", error: errorOf(judged, request) };
		session.granted = true;
		const until = Math.min(judged.until ?? Number.POSITIVE_INFINITY, clock.wall() + recheckMs);
		return { kind: "granted", principal: judged.principal, until };
	}

	async #judge(request: AccessRequest, session: Session): Promise<Judged> {
		const means = this.#options.rights.meansFor(request);
		if (means.length === 0) return { kind: "no-right" };
		const proven = await this.#prove(request, means, session);
		if (proven.kind !== "proven" || this.#options.hooks?.has(HOOK_OF[request.verb]) !== true) return proven;
		const answer = await this.#askHook(request, session, proven.principal === "hook");
		if (answer === "yes") return proven;
		proven.undo?.();
		return answer;
	}

	async #prove(request: AccessRequest, means: readonly Means[], session: Session): Promise<Judged> {
		if (means.includes("anyone")) return { kind: "proven", principal: "anyone" };
		const byHook = means.includes("hook") && this.#options.hooks?.has(HOOK_OF[request.verb]) === true;
		const offered = offeredBy(request.credentials);
		if (offered === undefined) return { kind: "wrong" };
		if (bringsNothing(offered) && !byHook) return { kind: "no-credentials" };
		const verdict = await this.#options.prover.prove(request, offered, means, session);
		// What is wrong here may be right for the hook; who is held back here is held back there, too.
		const isHeld = verdict.kind === "held" && verdict.by === "source";
		return byHook && verdict.kind !== "proven" && !isHeld ? { kind: "proven", principal: "hook" } : verdict;
	}

	/** @param alone nothing else has judged what was brought: a no means that it was wrong */
	async #askHook(request: AccessRequest, session: Session, alone: boolean): Promise<"yes" | Judged> {
		const { hooks, prover, whenHookAway } = this.#options;
		const source = sourceOf(request.address);
		const isGuess = alone && !session.granted && !bringsNothing(offeredBy(request.credentials) ?? {});
		const word = await this.#hookTurns.run(source, async () => {
			const waitMs = isGuess ? prover.waitOf(request) : 0;
			if (waitMs > 0) return { kind: "held", by: "source", waitMs } as const;
			return await hooks!.ask(HOOK_OF[request.verb], request, session.hooked);
		});
		switch (word?.kind) {
			case "yes":
				session.hooked = true;
				return "yes";
			case "no":
				session.hooked = false;
				if (isGuess) prover.failedAtHook(request);
				return { kind: "hook-no" };
			case "held":
				return word;
			default:
				// A session that goes on is not ended by a hook that has failed.
				if (session.hooked || whenHookAway === "grant") return "yes";
				return { kind: "away", why: word?.why ?? "too many wait for the hook" };
		}
	}
}

function outcomeOf({ kind }: Judged): AccessOutcome {
	if (kind === "proven") return "granted";
	return kind === "held" ? "held-back" : kind;
}

function errorOf(judged: Exclude<Judged, { kind: "proven" }>, { verb, app, stream }: AccessRequest): PenstockError {
	const what = `${verb} of /${app}/${stream}`;
	const [code, text] = refusalOf(judged);
	return new PenstockError(code, `${what} is refused: ${text}.`);
}

function refusalOf(judged: Exclude<Judged, { kind: "proven" }>): readonly [ErrorCode, string] {
	switch (judged.kind) {
		case "no-right":
			return ["ACCESS_REFUSED", "no right of the configuration is for it"];
		case "no-credentials":
			return ["ACCESS_CREDENTIALS", "it needs a token, a signed URL, or user and password"];
		case "wrong":
			return [
				"ACCESS_REFUSED",
				"what was brought does not fit; after many failures it takes minutes until it is looked at again",
			];
		case "unfit":
			return ["ACCESS_REFUSED", `what was brought is genuine, but ${judged.why}`];
		case "expired":
			return ["ACCESS_EXPIRED", "what was brought has expired; get a new one"];
		case "replayed":
			return ["ACCESS_REPLAYED", "the URL was good for one time, and was used before; get a new one"];
		case "held":
			return ["ACCESS_RATE", `there were too many failures; try again in ${Math.ceil(judged.waitMs / 1000)} s`];
		case "hook-no":
			return ["ACCESS_HOOK", "the hook has said no"];
		case "away":
			return ["ACCESS_AWAY", `who has to be asked cannot be: ${judged.why}`];
	}
}
