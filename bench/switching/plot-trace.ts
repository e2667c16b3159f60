/**
 * What each contender played on one trace: a panel each over the same time, with what the network took as an area, the
 * rendition that was playing as a line on it, and stalls in red.
 */
import type { Ladder, RunResult, Timeline } from "./model.ts";
import {
	type Axis,
	at,
	CAPACITY,
	CAPACITY_EDGE,
	drawing,
	element,
	FAINT,
	GRID,
	INK,
	line,
	path,
	STALL,
	text,
	ticks,
} from "./plot-svg.ts";

/** Entries of a timeline are so far apart. */
const STEP_S = 0.1;
const WIDTH = 1000;
const LEFT = 64;
const RIGHT = 70;
const HEADER = 80;
const PANEL = 104;
const GAP = 34;
const FOOTER = 44;
const STALL_STRIP = 6;

export interface PlottedRun {
	readonly run: RunResult;
	/** Excess stall and share of the oracle's bit rate of this run, both as ratios. */
	readonly excess: number;
	readonly share: number;
}

/** @param runs with timelines, all in the same world */
export function plotTrace(title: string, ladder: Ladder, runs: readonly PlottedRun[]): string {
	const seconds = runs[0]!.run.durationMs / 1000;
	const time: Axis = { from: 0, to: seconds, start: LEFT, end: WIDTH - RIGHT };
	const best = ladder.rungs.at(-1)!.bitrateBps;
	const height = HEADER + runs.length * (PANEL + GAP) - GAP + FOOTER;
	const panels = runs.map((run, index) => {
		const top = HEADER + index * (PANEL + GAP);
		const rate: Axis = { from: 0, to: (1.5 * best) / 1e6, start: top + PANEL, end: top };
		return panel(run, ladder, time, rate);
	});
	const bottom = height - FOOTER;
	const foot = ticks(time, 10).map((second) =>
		text(at(time, second), bottom + 16, String(second), { "text-anchor": "middle", "font-size": 11 }),
	);
	return drawing(WIDTH, height, title, [
		text(LEFT, 22, title, { "font-size": 15, "font-weight": 600 }),
		legend(42),
		...panels.flat(),
		...foot,
		text((time.start + time.end) / 2, bottom + 34, "seconds since the viewer's request", { "text-anchor": "middle" }),
	]);
}

function legend(y: number): string {
	const middle = y - 4;
	return [
		element("rect", { x: LEFT, y: middle - 6, width: 22, height: 12, fill: CAPACITY, stroke: CAPACITY_EDGE }),
		text(LEFT + 28, y, "what the network takes"),
		line(LEFT + 190, middle, LEFT + 212, middle, INK, { "stroke-width": 2 }),
		text(LEFT + 218, y, "rendition that is playing"),
		element("rect", { x: LEFT + 390, y: middle - 3, width: 22, height: STALL_STRIP, fill: STALL }),
		text(LEFT + 418, y, "stall"),
		text(LEFT + 470, y, "rates are cut off at 1.5 times the best rendition", { fill: FAINT }),
	].join("");
}

function panel({ run, excess, share }: PlottedRun, ladder: Ladder, time: Axis, rate: Axis): string[] {
	const timeline = run.timeline;
	if (timeline === undefined) throw new Error(`the run of ${run.contender} on ${run.traceId} has no timeline to plot.`);
	const figures =
		`${(run.meanBps / 1e6).toFixed(2)} Mbit/s, ${(100 * share).toFixed(0)} % of the oracle's; ` +
		`${run.switchesPerMin.toFixed(1)} switches a minute; stalled ${(100 * run.stallRatio).toFixed(1)} % ` +
		`(${signed(100 * excess)} points against the lowest rendition); delay p95 ${(run.delayP95Ms / 1000).toFixed(1)} s`;
	const name = element("tspan", { "font-weight": 600 }, run.contender);
	const rungs = ladder.rungs.flatMap(({ name: rung, bitrateBps }) => {
		const y = at(rate, bitrateBps / 1e6);
		return [
			line(time.start, y, time.end, y, GRID, { "stroke-width": 1 }),
			text(time.end + 6, y + 3.5, rung, { "font-size": 10, fill: FAINT }),
		];
	});
	const scale = ticks(rate, 3).map((mbps) =>
		text(time.start - 8, at(rate, mbps) + 4, String(mbps), { "text-anchor": "end", "font-size": 11 }),
	);
	return [
		element("text", { x: time.start, y: rate.end - 6, fill: INK, "font-size": 12 }, `${name}  ${figures}`),
		text(time.start - 8, rate.end - 6, "Mbit/s", { "text-anchor": "end", "font-size": 10, fill: FAINT }),
		capacityArea(timeline, time, rate),
		...rungs,
		...scale,
		...playingLines(timeline, ladder, time, rate),
		line(time.start, rate.start, time.end, rate.start, FAINT),
		line(time.start, rate.start, time.start, rate.end, FAINT),
	];
}

const signed = (points: number): string => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;

/** A mean for each two pixels or so: more would be a smear. */
function capacityArea({ linkBps }: Timeline, time: Axis, rate: Axis): string {
	const perPoint = Math.max(1, Math.round((2 * linkBps.length) / (time.end - time.start)));
	const points: [number, number][] = [];
	for (let first = 0; first < linkBps.length; first += perPoint) {
		const some = linkBps.slice(first, first + perPoint);
		const mbps = some.reduce((sum, bps) => sum + bps, 0) / some.length / 1e6;
		const y = at(rate, Math.min(mbps, rate.to));
		points.push([at(time, first * STEP_S), y], [at(time, Math.min((first + perPoint) * STEP_S, time.to)), y]);
	}
	const outline = path(points);
	const d = `${outline}L${time.end} ${rate.start}L${time.start} ${rate.start}Z`;
	return element("path", { d, fill: CAPACITY }) + element("path", { d: outline, fill: "none", stroke: CAPACITY_EDGE });
}

/** One line for each stretch between stalls; a stall after the first picture is red. */
function playingLines({ playing }: Timeline, ladder: Ladder, time: Axis, rate: Axis): string[] {
	const drawn: string[] = [];
	let stretch: [number, number][] = [];
	const started = playing.findIndex((rung) => rung >= 0);
	const finish = (): void => {
		if (stretch.length > 0)
			drawn.push(element("path", { d: path(stretch), fill: "none", stroke: INK, "stroke-width": 1.8 }));
		stretch = [];
	};
	for (const { value, from, to } of runsOf(playing)) {
		const [start, end] = [at(time, from * STEP_S), at(time, Math.min(to * STEP_S, time.to))];
		if (value >= 0) {
			const y = at(rate, ladder.rungs[value]!.bitrateBps / 1e6);
			stretch.push([start, y], [end, y]);
			continue;
		}
		finish();
		if (started < 0 || from < started) continue;
		const [x, width] = [start, Math.max(1.5, end - start)];
		drawn.push(
			element("rect", { x, y: rate.end, width, height: rate.start - rate.end, fill: STALL, opacity: 0.12 }),
			element("rect", { x, y: rate.start - STALL_STRIP, width, height: STALL_STRIP, fill: STALL }),
		);
	}
	finish();
	return drawn;
}

/** Equal neighbours as one. */
function runsOf(values: readonly number[]): { value: number; from: number; to: number }[] {
	const runs: { value: number; from: number; to: number }[] = [];
	for (const [index, value] of values.entries()) {
		const last = runs.at(-1);
		if (last?.value === value) last.to = index + 1;
		else runs.push({ value, from: index, to: index + 1 });
	}
	return runs;
}
