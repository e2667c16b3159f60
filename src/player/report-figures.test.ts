import { expect, test } from "vitest";
import { FIGURES, lacking } from "../wire/viewer-report.ts";
import type { PlayerStatistics } from "./player-model.ts";
import { reportFigures } from "./report-figures.ts";

const STATISTICS: PlayerStatistics = {
	...{
		renderer: "webcodecs",
		state: "playing",
		rendition: { name: "mid", width: 480, height: 270, codec: "avc1.4d4015" },
	},
	...{ framesReceived: 120, framesDecoded: 118, framesShown: 110, framesDropped: 8, bufferMs: 61.5, latencyMs: 70.25 },
	...{ glassToGlassMs: 81.7, bitrateBps: 612_345.6, throughputBps: 9_876_543.2, stalls: 3, stalledMs: 456.7 },
	...{ switches: 2, reconnects: 1, faults: 0, audioUnderruns: 0, audioVideoOffsetMs: 3, playbackRate: 1 },
	...{ positionMs: 123_456.7, startUpMs: 80 },
};
const PAGE = { hidden: false, smoothUpTo: "high", maxBitrateBps: undefined };
const BEGIN = { framesShown: 0, framesDropped: 0, stalls: 0, stalledMs: 0 };

test("says what the player measured, in figures that a server takes", () => {
	const figures = reportFigures(STATISTICS, { ...PAGE, maxBitrateBps: 4e6 }, BEGIN);
	expect(figures).toEqual({
		...{ hidden: false, droppedFrames: 8, shownFrames: 110, stalls: 3, stalledMs: 457, bandwidthBps: 9_876_543 },
		...{ shownBitrateBps: 612_346, delayMs: 82, playheadMs: 123_457, renditionShown: "mid", smoothUpTo: "high" },
		maxBitrateBps: 4e6,
	});
	for (const [name, value] of Object.entries(figures)) {
		expect(lacking(value, FIGURES[name as keyof typeof FIGURES].form), name).toBeUndefined();
	}
});

test("counts from the session's beginning, not from the player's", () => {
	const start = { framesShown: 100, framesDropped: 8, stalls: 2, stalledMs: 400 };
	expect(reportFigures(STATISTICS, PAGE, start)).toMatchObject({
		...{ droppedFrames: 0, shownFrames: 10, stalls: 1, stalledMs: 57 },
	});
});

test("a buffer that is short on purpose is not told; one that is empty, or long, is", () => {
	const bufferOf = (more: Partial<PlayerStatistics>) => reportFigures({ ...STATISTICS, ...more }, PAGE, BEGIN).bufferMs;
	expect(bufferOf({ bufferMs: 60 })).toBeUndefined();
	expect(bufferOf({ bufferMs: 640.4 })).toBe(640);
	expect(bufferOf({ state: "stalled", bufferMs: 20 })).toBe(0);
});

test("leaves out what is not known, and names that no rendition can have", () => {
	const unknown = { ...STATISTICS, glassToGlassMs: undefined, bitrateBps: undefined, throughputBps: undefined };
	const figures = reportFigures(
		{ ...unknown, positionMs: undefined, rendition: { name: "a b", width: 1, height: 1, codec: "" } },
		{ hidden: true, smoothUpTo: undefined, maxBitrateBps: undefined },
		BEGIN,
	);
	expect(figures).toEqual({ hidden: true, droppedFrames: 8, shownFrames: 110, stalls: 3, stalledMs: 457 });
});
