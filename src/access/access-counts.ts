/** What the gate has said, for metrics: few labels, each with few values. */
import type { AccessRequest } from "../wire/access.ts";

export const ACCESS_OUTCOMES = [
	...["granted", "no-right", "no-credentials", "wrong", "expired", "replayed", "unfit", "held-back", "away", "hook-no"],
] as const;
export type AccessOutcome = (typeof ACCESS_OUTCOMES)[number];

export interface AccessCount {
	readonly verb: string;
	readonly protocol: string;
	readonly outcome: AccessOutcome;
	readonly count: number;
}

/** What hooks have answered, since the start. */
export interface HookCounts {
	yes: number;
	no: number;
	away: number;
	/** Answered from what was kept. */
	kept: number;
	/** Notices that could not be handed over. */
	lost: number;
}

export class AccessCounts {
	readonly hooks: HookCounts = { yes: 0, no: 0, away: 0, kept: 0, lost: 0 };
	/** How often something that a client brought was compared with a secret, or its signature checked. */
	evaluated = 0;
	readonly #counts = new Map<string, AccessCount>();

	add({ verb, protocol }: AccessRequest, outcome: AccessOutcome): void {
		const key = `${verb} ${protocol} ${outcome}`;
		const count = (this.#counts.get(key)?.count ?? 0) + 1;
		this.#counts.set(key, { verb, protocol, outcome, count });
	}

	/** Those that are not zero. */
	all(): readonly AccessCount[] {
		return [...this.#counts.values()];
	}
}
