/** Figures of a viewer as somebody gives them, a report or the API, made into those that a policy weighs. */
import type { Name } from "../base/name.ts";
import { bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import type { Figure, FigureSource, ViewerFigures } from "../switching/state.ts";

/** Any of them; a viewer's others stay as they are. */
export interface GivenFigures {
	readonly bandwidthBps?: number | undefined;
	readonly cpuIdle?: number | undefined;
	readonly memoryUsed?: number | undefined;
	readonly bufferMs?: number | undefined;
	readonly droppedShare?: number | undefined;
	readonly smoothUpTo?: Name | undefined;
	readonly hidden?: boolean | undefined;
	readonly maxBitrateBps?: number | undefined;
}

/** @param at when they were obtained */
export function withGiven(
	before: ViewerFigures,
	given: GivenFigures,
	at: Milliseconds,
	source: FigureSource,
): ViewerFigures {
	const figure = <Value>(value: Value): Figure<Value> => ({ value, at, source });
	const { bandwidthBps, cpuIdle, memoryUsed, bufferMs, droppedShare, smoothUpTo, hidden, maxBitrateBps } = given;
	return {
		...before,
		...(bandwidthBps !== undefined && { bandwidth: figure(bitsPerSecond(bandwidthBps)) }),
		...(cpuIdle !== undefined && { cpuIdle: figure(cpuIdle) }),
		...(memoryUsed !== undefined && { memoryUsed: figure(memoryUsed) }),
		...(bufferMs !== undefined && { buffer: figure(milliseconds(bufferMs)) }),
		...(droppedShare !== undefined && { droppedShare: figure(droppedShare) }),
		...(smoothUpTo !== undefined && { smoothUpTo: figure(smoothUpTo) }),
		...(hidden !== undefined && { hidden: figure(hidden) }),
		...(maxBitrateBps !== undefined && { maxBitrate: figure(bitsPerSecond(maxBitrateBps)) }),
	};
}
