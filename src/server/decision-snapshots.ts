/**
 * What decisions look like in the API: each with the figures that it was made from, those of the viewer, of its
 * connection and of the server.
 */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";
import type { Figure, ServerFigures, ViewerFigures } from "../switching/state.ts";
import type { DecisionRecord } from "../switching/switch-control.ts";
import type { DecisionSnapshot, FiguresSnapshot, MachineSnapshot, NetworkSnapshot } from "./api-model.ts";

export function decisionSnapshot(record: DecisionRecord, clock: Clock): DecisionSnapshot {
	const { at, moment, current, decision, viewer, network, server, lag } = record;
	const { kind, because } = decision;
	return {
		at: new Date(clock.wall() - (clock.now() - at)).toISOString(),
		moment,
		current,
		kind,
		...(decision.kind === "switch" && { to: decision.to }),
		...because,
		inputs: {
			...(network && { network: networkSnapshot(network, at) }),
			viewer: figuresSnapshot(viewer, at),
			server: machineSnapshot(server),
			lagMs: lag,
		},
	};
}

/** @param now what ages are counted to */
export function networkSnapshot(network: NonNullable<DecisionRecord["network"]>, now: Milliseconds): NetworkSnapshot {
	const { capacity, capacityAt, basis, overdue, outstandingBytes, roundTrip, minRoundTrip } = network;
	const { outstandingMedia, variability, receiverLimited } = network;
	return {
		...(capacity !== undefined && { capacityBps: Math.round(capacity), capacityAgeMs: now - capacityAt, basis }),
		overdueMs: overdue,
		outstandingBytes,
		outstandingMediaMs: outstandingMedia,
		roundTripMs: roundTrip,
		minRoundTripMs: minRoundTrip,
		variability,
		receiverLimited,
	};
}

/** @param now what ages are counted to */
export function figuresSnapshot(figures: ViewerFigures, now: Milliseconds): FiguresSnapshot {
	const { bandwidth, cpuIdle, memoryUsed, buffer, droppedShare, smoothUpTo, hidden, maxBitrate } = figures;
	const shown = <Value>({ value, at, source }: Figure<Value>) => ({ value, ageMs: now - at, source });
	return {
		...(bandwidth && { bandwidthBps: shown(bandwidth) }),
		...(cpuIdle && { cpuIdle: shown(cpuIdle) }),
		...(memoryUsed && { memoryUsed: shown(memoryUsed) }),
		...(buffer && { bufferMs: shown(buffer) }),
		...(droppedShare && { droppedShare: shown(droppedShare) }),
		...(smoothUpTo && { smoothUpTo: shown(smoothUpTo) }),
		...(hidden && { hidden: shown(hidden) }),
		...(maxBitrate && { maxBitrateBps: shown(maxBitrate) }),
	};
}

export function machineSnapshot(figures: ServerFigures): MachineSnapshot {
	const { cpuIdle, memoryUsed, eventLoopDelayMs, egress, egressLimit, encoderSpeed, duress } = figures;
	return {
		...(cpuIdle !== undefined && { cpuIdle }),
		...(memoryUsed !== undefined && { memoryUsed }),
		...(eventLoopDelayMs !== undefined && { eventLoopDelayMs }),
		...(egress !== undefined && { egressBps: Math.round(egress) }),
		...(egressLimit !== undefined && { egressLimitBps: egressLimit }),
		...(encoderSpeed !== undefined && { encoderSpeed }),
		...(duress !== undefined && { duress: { ...duress } }),
	};
}
