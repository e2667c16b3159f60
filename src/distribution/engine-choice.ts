/** Which engine works here: the one that was asked for, or with `auto` the best of those that start. */
import { clauseOf, PenstockError } from "../base/errors.ts";
import { ENGINE_KINDS, type EngineKind } from "../wire/distributor-answer.ts";
import type { DistributionEngine, EngineListener } from "./engine.ts";

/** From the fastest to the one that works everywhere. */
export type WantedEngine = "auto" | EngineKind;

export interface EngineCandidate {
	readonly kind: EngineKind;
	/** Not started yet. */
	readonly engine: DistributionEngine;
}

export interface RefusedEngine {
	readonly kind: EngineKind;
	readonly why: string;
}

export interface EngineChoice {
	readonly engine: DistributionEngine;
	readonly kind: EngineKind;
	/** A sentence, for the log. */
	readonly because: string;
	/** What was tried before. */
	readonly refused: readonly RefusedEngine[];
}

/**
 * Starts one of the candidates.
 * @throws PenstockError ENGINE_UNAVAILABLE, with what every engine lacks
 */
export async function chooseEngine(
	wanted: WantedEngine,
	candidates: readonly EngineCandidate[],
	listener: EngineListener,
): Promise<EngineChoice> {
	const refused: RefusedEngine[] = [];
	const kinds = wanted === "auto" ? ENGINE_KINDS : [wanted];
	for (const kind of kinds) {
		const candidate = candidates.find((one) => one.kind === kind);
		if (candidate === undefined) {
			refused.push({ kind, why: "it is not set up" });
			continue;
		}
		try {
			await candidate.engine.start(listener);
			return { engine: candidate.engine, kind, because: sentence(wanted, kind, refused), refused };
		} catch (thrown) {
			refused.push({ kind, why: clauseOf(thrown) });
		}
	}
	throw new PenstockError("ENGINE_UNAVAILABLE", `no engine works here: ${listOf(refused)}.`);
}

const listOf = (refused: readonly RefusedEngine[]): string =>
	refused.map(({ kind, why }) => `${kind}: ${why}`).join("; ");

function sentence(wanted: WantedEngine, kind: EngineKind, refused: readonly RefusedEngine[]): string {
	if (wanted !== "auto") return `engine ${kind}, as configured`;
	if (refused.length === 0) return `engine ${kind}, the best that there is`;
	return `engine ${kind}, the best that works here (${listOf(refused)})`;
}
