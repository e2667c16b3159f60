/**
 * The traces that the benchmark runs on by default, so that a stranger's clone has them: designed shapes, and made
 * networks whose ups and downs resemble recorded ones. Seeded: the same seed gives the same traces on every machine.
 *
 * Mean bandwidths say little here, since every trace is scaled to the ladder under test; what counts is the shape.
 */
import { FIXED_LINE, LTE, type MadeNetwork, MOBILE_3G, makeSlots } from "./made-network.ts";
import type { Trace, TraceSlot } from "./model.ts";
import { Random } from "./random.ts";

const FAMILIES = ["steps", "cascade", "spikes", "jitter", "3g", "lte", "fixed-line", "constant"] as const;
type Family = (typeof FAMILIES)[number];

const TRACES_PER_FAMILY = 6;
/** As long as a run is at most, so that none is looped. */
const LENGTH_S = 300;
/** From one that hardly varies to the roughest: where between the quartiles' far sides of the recordings a trace lies. */
const ROUGHNESS: Readonly<Record<"3g" | "lte" | "fixed-line", readonly number[]>> = {
	"3g": [0.6, 0.8, 0.95, 1.1, 1.25, 1.4],
	lte: [0.5, 0.7, 0.9, 1.05, 1.2, 1.4],
	"fixed-line": [0.3, 0.6, 0.8, 0.95, 1.05, 1.2],
};

export function generateTraces(seed = 1): Trace[] {
	return FAMILIES.flatMap((family) =>
		Array.from({ length: TRACES_PER_FAMILY }, (_, index) => {
			const id = `${family}/${index + 1}`;
			return { id, family, slots: slotsOf(family, index, new Random(`trace ${id} seed ${seed}`)) };
		}),
	);
}

function slotsOf(family: Family, index: number, random: Random): TraceSlot[] {
	const made = (network: MadeNetwork, roughness: readonly number[]): TraceSlot[] =>
		makeSlots(network, roughness[index]!, LENGTH_S, random);
	switch (family) {
		case "steps":
			return steps(index, random);
		case "cascade":
			return cascade(index, random);
		case "spikes":
			return spikes(index, random);
		case "jitter":
			return jitter(index, random);
		case "3g":
			return made(MOBILE_3G, ROUGHNESS["3g"]);
		case "lte":
			return made(LTE, ROUGHNESS.lte);
		case "fixed-line":
			return made(FIXED_LINE, ROUGHNESS["fixed-line"]);
		case "constant":
			return constant(index);
	}
}

const slot = (seconds: number, mbps: number, latencyMs = 20): TraceSlot => ({
	durationMs: Math.round(seconds * 1000),
	bandwidthBps: Math.round(mbps * 1e6),
	latencyMs,
});

/** Repeats a pattern, each time made anew, for the length of a trace. */
function repeat(pattern: () => TraceSlot[]): TraceSlot[] {
	const slots: TraceSlot[] = [];
	for (let endMs = 0; endMs < LENGTH_S * 1000; ) {
		const next = pattern();
		slots.push(...next);
		for (const { durationMs } of next) endMs += durationMs;
	}
	return slots;
}

/** Up and down between two levels, at once: 2 to 10 apart, 8 to 30 s each. */
function steps(index: number, random: Random): TraceSlot[] {
	const depth = [2, 3, 4, 5, 7, 10][index]!;
	const stay = [30, 20, 12, 25, 15, 8][index]!;
	return repeat(() => [slot(stay * random.between(0.7, 1.3), 6), slot(stay * random.between(0.7, 1.3), 6 / depth)]);
}

/** Stairs down and up again. */
function cascade(index: number, random: Random): TraceSlot[] {
	const levels = [3, 5, 4, 5, 6, 4][index]!;
	const stay = [30, 15, 20, 10, 6, 8][index]!;
	const floor = [0.4, 0.3, 0.25, 0.2, 0.15, 0.1][index]!;
	return repeat(() =>
		Array.from({ length: 2 * (levels - 1) }, (_, step) => {
			const down = Math.min(step, 2 * (levels - 1) - step) / (levels - 1);
			return slot(stay * random.between(0.9, 1.1), 6 * floor ** down);
		}),
	);
}

/** A level, from which it falls for a moment (the first three) or above which it rises. */
function spikes(index: number, random: Random): TraceSlot[] {
	const factor = [0.5, 0.25, 0.1, 2, 3, 4][index]!;
	const [shortest, longest] = [
		[1, 4],
		[2, 6],
		[0.5, 2],
		[1, 4],
		[3, 10],
		[2, 8],
	][index]! as [number, number];
	return repeat(() => [slot(random.between(10, 30), 4), slot(random.between(shortest, longest), 4 * factor)]);
}

/** Restless: to and fro too quickly to follow, about a level that stays. */
function jitter(index: number, random: Random): TraceSlot[] {
	const period = [0.1, 0.25, 0.5, 1, 2, 4][index]!;
	const deviation = [0.4, 0.4, 0.35, 0.35, 0.3, 0.3][index]!;
	return repeat(() => [slot(period, 4 * random.logNormal(deviation), Math.round(random.between(20, 80)))]);
}

/** Always the same; the round trip is what differs, and the link's own restlessness. */
const constant = (index: number): TraceSlot[] => [slot(LENGTH_S, 4, [20, 35, 50, 65, 80, 100][index]!)];
