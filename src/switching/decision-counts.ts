/**
 * How many decisions there were, by kind, direction and cause. Counted at the ends of units, where each viewer gets one;
 * a plain hold costs one look-up and allocates nothing.
 */

import type { Name } from "../base/name.ts";
import type { Cause, Decision, RenditionFacts } from "./state.ts";

export type DecisionDirection = "up" | "down" | "none";

export interface DecisionCount {
	readonly kind: Decision["kind"];
	readonly direction: DecisionDirection;
	readonly cause: Cause;
	readonly count: number;
}

type Counts = Map<Cause, number>;

export class DecisionCounts implements Iterable<DecisionCount> {
	readonly #holds: Counts = new Map();
	readonly #ups: Counts = new Map();
	readonly #downs: Counts = new Map();

	/** @param renditions from the best to the lowest */
	note(decision: Decision, current: Name, renditions: readonly RenditionFacts[]): void {
		const { cause } = decision.because;
		const counts = decision.kind === "hold" ? this.#holds : this.#switches(decision.to, current, renditions);
		counts.set(cause, (counts.get(cause) ?? 0) + 1);
	}

	#switches(to: Name, current: Name, renditions: readonly RenditionFacts[]): Counts {
		const place = (name: Name): number => renditions.findIndex((one) => one.name === name);
		return place(to) < place(current) ? this.#ups : this.#downs;
	}

	*[Symbol.iterator](): Iterator<DecisionCount> {
		for (const [cause, count] of this.#holds) yield { kind: "hold", direction: "none", cause, count };
		for (const [cause, count] of this.#ups) yield { kind: "switch", direction: "up", cause, count };
		for (const [cause, count] of this.#downs) yield { kind: "switch", direction: "down", cause, count };
	}
}
