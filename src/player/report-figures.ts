/** From a player's statistics to the figures of a report (docs/wire/reports.md). */
import { isName } from "../base/name.ts";
import type { ReportedFigures } from "../wire/viewer-report.ts";
import type { PlayerStatistics } from "./player-model.ts";

/** What the page knows and the statistics do not. */
export interface PageFigures {
	readonly hidden: boolean;
	readonly smoothUpTo: string | undefined;
	readonly maxBitrateBps: number | undefined;
}

/** Counts of a session begin where it began. */
export type SessionStart = Pick<PlayerStatistics, "framesShown" | "framesDropped" | "stalls" | "stalledMs">;

/**
 * A player that aims at a delay of some ten milliseconds has next to nothing in hand while all is well, which is bad
 * news from every other; so what it has is told from here on, and when it has nothing left.
 */
const BUFFER_TOLD_FROM_MS = 200;

export function reportFigures(statistics: PlayerStatistics, page: PageFigures, start: SessionStart): ReportedFigures {
	const { throughputBps, bitrateBps, glassToGlassMs, positionMs, rendition } = statistics;
	const bufferMs = bufferOf(statistics);
	const { hidden, smoothUpTo, maxBitrateBps } = page;
	return {
		hidden,
		droppedFrames: statistics.framesDropped - start.framesDropped,
		shownFrames: statistics.framesShown - start.framesShown,
		stalls: statistics.stalls - start.stalls,
		stalledMs: Math.round(statistics.stalledMs - start.stalledMs),
		...(throughputBps !== undefined && { bandwidthBps: Math.round(throughputBps) }),
		...(bitrateBps !== undefined && { shownBitrateBps: Math.round(bitrateBps) }),
		...(bufferMs !== undefined && { bufferMs }),
		// From the making of a picture: only the test signal tells when that was.
		...(glassToGlassMs !== undefined && { delayMs: Math.max(0, Math.round(glassToGlassMs)) }),
		...(positionMs !== undefined && positionMs >= 0 && { playheadMs: Math.round(positionMs) }),
		...(rendition?.name !== undefined && isName(rendition.name) && { renditionShown: rendition.name }),
		...(smoothUpTo !== undefined && { smoothUpTo }),
		...(maxBitrateBps !== undefined && { maxBitrateBps }),
	};
}

function bufferOf({ state, bufferMs }: PlayerStatistics): number | undefined {
	if (state === "stalled") return 0;
	return bufferMs >= BUFFER_TOLD_FROM_MS ? Math.round(bufferMs) : undefined;
}
