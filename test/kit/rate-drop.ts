/** A viewer's link falls and rises again: what the server decided, when, and what the viewer got of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DecisionSnapshot } from "../../src/server/api-model.ts";
import { type Arrivals, lateness, stallsOf } from "./arrivals.ts";
import type { LinkedPenstock } from "./linked-penstock.ts";

export interface RateDrop {
	readonly wideBps: number;
	readonly narrowBps: number;
	/** How long the link stays narrow. */
	readonly narrowMs: number;
	/** How long the viewer is on the best rendition before; then the link falls within the next `unitMs`, at random. */
	readonly settleMs: number;
	readonly unitMs: number;
	/** How long to wait for a rendition before giving up. */
	readonly patienceMs: number;
	/** A delay under which the viewer counts as back. */
	readonly backUnderMs: number;
	/** Of the player that is made up from the arrivals. */
	readonly bufferMs: number;
}

export interface DropFigures {
	/** From the drop to the first decision to go down. */
	readonly decidedMs: number;
	readonly decision: DecisionSnapshot;
	/** What was decided at the end of the unit that was being sent then. */
	readonly atUnitEnd: DecisionSnapshot | undefined;
	/** From the drop to the first byte of the low rendition at the viewer. */
	readonly lowArrivedMs: number;
	/** Beyond the delay of the fastest picture. */
	readonly peakDelayMs: number;
	/** From the drop until no picture was later than `backUnderMs` any more. */
	readonly backMs: number;
	readonly stalledMs: number;
	/** From the rise to the first byte of the high rendition at the viewer. */
	readonly highArrivedMs: number;
}

/** @throws Error where a rendition does not come in time, or nothing was decided */
export async function fallAndRise(penstock: LinkedPenstock, arrivals: Arrivals, drop: RateDrop): Promise<DropFigures> {
	const { wideBps, narrowBps, narrowMs, settleMs, unitMs, patienceMs, backUnderMs, bufferMs } = drop;
	await penstock.link.setRate(wideBps);
	const id = await arrivals.id;
	await settleOnHigh(arrivals, settleMs, patienceMs);
	// It has been waited for the beginning of a unit, and what is measured must not begin there each time.
	await sleep(Math.random() * unitMs);
	const fellAt = await penstock.link.setRate(narrowBps);
	const toMonotonic = performance.now() - Date.now();
	const low = await arrivals.untilRendition("low", fellAt, patienceMs);
	const decisions = await penstock.decisions(id);
	const since = decisions.filter(({ at }) => Date.parse(at) + toMonotonic >= fellAt);
	const first = since.findIndex(({ kind, to }) => kind === "switch" && to !== "high");
	const decision = since[first];
	if (decision === undefined) throw new Error(`nobody decided to go down: ${JSON.stringify(decisions)}`);
	await arrivals.watchUntil(fellAt + narrowMs);
	const after = lateness(arrivals.pictures).filter(({ at }) => at >= fellAt);
	const stalls = stallsOf(arrivals.pictures, bufferMs).filter(({ at }) => at >= fellAt);
	const roseAt = await penstock.link.setRate(wideBps);
	const high = await arrivals.untilRendition("high", roseAt, patienceMs).catch(async (cause: unknown) => {
		const late = (await penstock.decisions(id))
			.slice(-20)
			.map(({ at, kind, to, text }) => `${at} ${kind} ${to}: ${text}`);
		throw new Error(`not on high again: ${late.join("\n")}`, { cause });
	});
	return {
		decidedMs: Date.parse(decision.at) + toMonotonic - fellAt,
		decision,
		atUnitEnd: since.slice(first).find(({ moment }) => moment === "unit-end"),
		lowArrivedMs: low.at - fellAt,
		peakDelayMs: Math.max(...after.map(({ lateMs }) => lateMs)),
		backMs: (after.findLast(({ lateMs }) => lateMs > backUnderMs)?.at ?? fellAt) - fellAt,
		stalledMs: stalls.reduce((sum, { ms }) => sum + ms, 0),
		highArrivedMs: high.at - roseAt,
	};
}

/** Until it has been on high for so long without a change. */
async function settleOnHigh(arrivals: Arrivals, settleMs: number, patienceMs: number): Promise<void> {
	const deadline = performance.now() + patienceMs;
	for (;;) {
		const from = performance.now();
		await arrivals.untilRendition("high", from, deadline - from);
		await arrivals.watchUntil(performance.now() + settleMs);
		if (arrivals.units.at(-1)!.rendition === "high" && arrivals.switches(from) <= 1) return;
		if (performance.now() > deadline) throw new Error(`the viewer was not on high for ${settleMs} ms`);
	}
}
