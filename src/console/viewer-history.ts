/** A viewer's last minutes: what it is sent, what its network is taken to bear, what it reports, what it is held to. */
import type { DecisionAnswer, ViewerAnswer, ViewerFiguresAnswer } from "./api-answers.ts";
import type { ChartLine } from "./chart.ts";
import { History, KEEP_MS, type Sample } from "./history.ts";

/** In steps, all of them: between two samples nobody knows better than the first. */
export const VIEWER_LINES: readonly ChartLine[] = [
	{ name: "sent", ink: "--accent", shape: "area" },
	{ name: "estimated", ink: "--estimate", shape: "steps" },
	{ name: "reported", ink: "--reported", shape: "steps" },
	{ name: "limit", ink: "--limit", shape: "dashed" },
];

/** The bit rate of a rendition, by its name. */
export type RateOf = (rendition: string) => number | undefined;

/** What the figures stand for that go into a history, in the order of `VIEWER_LINES`. */
export function viewerSample(viewer: ViewerAnswer, rateOf: RateOf): readonly (number | null | undefined)[] {
	return [rateOf(viewer.rendition), viewer.network?.capacityBps, reportedBps(viewer.figures), viewer.maxBps];
}

/**
 * A history that begins before the page was opened: the server remembers a viewer's last switches and decisions.
 * @param nowEpochMs by the page's clock; nothing older than what is kept is taken
 */
export function historySoFar(
	viewer: ViewerAnswer,
	decisions: readonly DecisionAnswer[],
	rateOf: RateOf,
	nowEpochMs: number,
): History {
	const moments = [
		...viewer.lastSwitches.flatMap(({ at, from, to }) => [
			{ at: Date.parse(at) - 1, values: [rateOf(from)] },
			{ at: Date.parse(at), values: [rateOf(to)] },
		]),
		...decisions.map(({ at, current, inputs }) => ({
			at: Date.parse(at) - 2,
			values: [rateOf(current), inputs.network?.capacityBps, reportedBps(inputs.viewer)],
		})),
	];
	const history = new History(VIEWER_LINES.length);
	const before: Sample[] = [];
	for (const { at, values } of moments.toSorted((a, b) => a.at - b.at)) {
		if (at < nowEpochMs - KEEP_MS || at > nowEpochMs) continue;
		// What a moment says nothing of is as it was.
		for (let index = 0; index < 3; index++) before[index] = values[index] ?? before[index] ?? null;
		history.add(at, before);
	}
	return history;
}

/** Of what stands for a report that never came, a decision's figures know, too. */
function reportedBps({ bandwidthBps }: ViewerFiguresAnswer): number | undefined {
	return bandwidthBps?.source === "emulated" ? undefined : bandwidthBps?.value;
}
