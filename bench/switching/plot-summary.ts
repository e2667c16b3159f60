/**
 * All contenders in one picture: excess stall against the share of the oracle's bit rate, with their 95 % intervals.
 * The best corner is at the bottom right. A contender that stalls far more than the others is put on the upper edge
 * with its figure, or nothing would be seen of the rest.
 */
import { type Axis, at, drawing, element, FAINT, GRID, INK, line, text, ticks } from "./plot-svg.ts";
import type { Estimate } from "./statistics.ts";

export interface PlottedContender {
	readonly name: string;
	/** As ratios. */
	readonly excess: Estimate;
	readonly share: Estimate;
}

const WIDTH = 760;
const HEIGHT = 520;
const COLOURS = ["#0969da", "#9a6700", "#1a7f37", "#8250df", "#bf3989", "#57606a", "#bc4c00", "#1b7c83", "#cf222e"];
/** Beyond so many times the median, a contender goes to the edge. */
const FAR_OUT = 4;

export function plotSummary(title: string, contenders: readonly PlottedContender[]): string {
	const share: Axis = { from: 0, to: 105, start: 70, end: WIDTH - 30 };
	const excess: Axis = { ...excessRange(contenders), start: HEIGHT - 60, end: 60 };
	const zero = at(excess, 0);
	const grid = [
		...ticks(share, 10).flatMap((percent) => [
			line(at(share, percent), excess.start, at(share, percent), excess.end, GRID),
			text(at(share, percent), excess.start + 18, String(percent), { "text-anchor": "middle", "font-size": 11 }),
		]),
		...ticks(excess, 6).flatMap((points) => [
			line(share.start, at(excess, points), share.end, at(excess, points), GRID),
			text(share.start - 8, at(excess, points) + 4, String(points), { "text-anchor": "end", "font-size": 11 }),
		]),
	];
	const middle = (excess.start + excess.end) / 2;
	const labels = new Labels(share, excess);
	return drawing(WIDTH, HEIGHT, title, [
		text(share.start, 24, title, { "font-size": 15, "font-weight": 600 }),
		text(share.start, 43, "bars: 95 % intervals over traces; better is further down and to the right", { fill: FAINT }),
		...grid,
		line(share.start, zero, share.end, zero, FAINT),
		text((share.start + share.end) / 2, HEIGHT - 18, "share of the oracle's bit rate, %", { "text-anchor": "middle" }),
		text(20, middle, "excess stall, points of the time", {
			"text-anchor": "middle",
			transform: `rotate(-90 20 ${middle})`,
		}),
		...contenders.flatMap((contender, index) => {
			const colour = COLOURS[index % COLOURS.length]!;
			return mark(contender, { xs: share, ys: excess, colour, labels });
		}),
	]);
}

/** In points; from a little below 0 to a little above the last that is not far out. */
function excessRange(contenders: readonly PlottedContender[]): Pick<Axis, "from" | "to"> {
	const sorted = contenders.map(({ excess }) => 100 * excess.value).sort((a, b) => a - b);
	const middle = Math.max(0.1, sorted[Math.floor(sorted.length / 2)] ?? 0);
	const near = contenders.filter(({ excess }) => 100 * excess.value <= FAR_OUT * middle);
	const highest = Math.max(0.2, ...near.map(({ excess }) => 100 * (excess.interval?.[1] ?? excess.value)));
	const lowest = Math.min(0, ...near.map(({ excess }) => 100 * (excess.interval?.[0] ?? excess.value)));
	return { from: Math.min(-0.08 * highest, 1.1 * lowest), to: 1.12 * highest };
}

interface Place {
	readonly xs: Axis;
	readonly ys: Axis;
	readonly colour: string;
	readonly labels: Labels;
}

function mark({ name, excess, share }: PlottedContender, { xs, ys, colour, labels }: Place): string[] {
	const points = 100 * excess.value;
	const off = points > ys.to;
	const [x, y] = [at(xs, 100 * share.value), off ? ys.end : at(ys, points)];
	const within = (axis: Axis, ratio: number): number => at(axis, Math.min(axis.to, Math.max(axis.from, 100 * ratio)));
	const bar = (x1: number, y1: number, x2: number, y2: number): string =>
		line(x1, y1, x2, y2, colour, { "stroke-width": 1.5 });
	const bars: string[] = [];
	if (share.interval !== undefined) bars.push(bar(within(xs, share.interval[0]), y, within(xs, share.interval[1]), y));
	if (excess.interval !== undefined && !off) {
		bars.push(bar(x, within(ys, excess.interval[0]), x, within(ys, excess.interval[1])));
	}
	return [
		...bars,
		off
			? element("path", { d: `M${x - 6} ${y + 8}L${x} ${y - 2}L${x + 6} ${y + 8}Z`, fill: colour })
			: element("circle", { cx: x, cy: y, r: 4.5, fill: colour }),
		labels.beside(x, y, off ? `${name}: ${points.toFixed(1)} ↑` : name, name === "adaptive"),
	];
}

const CHARACTER_WIDTH = 7;
const LABEL_HEIGHT = 14;

/** Names beside their points, where no other name is. */
class Labels {
	readonly #xs: Axis;
	readonly #ys: Axis;
	readonly #taken: { readonly left: number; readonly right: number; readonly bottom: number }[] = [];

	constructor(xs: Axis, ys: Axis) {
		this.#xs = xs;
		this.#ys = ys;
	}

	beside(x: number, y: number, label: string, bold: boolean): string {
		const width = label.length * CHARACTER_WIDTH;
		const places = [y - 7, y + 16, y + 31, y - 22].flatMap((bottom) => [
			{ left: x + 8, right: x + 8 + width, bottom },
			{ left: x - 8 - width, right: x - 8, bottom },
		]);
		const free = places.find((place) => this.#isFree(place)) ?? places[0]!;
		this.#taken.push(free);
		const toTheRight = free.left > x;
		return text(toTheRight ? free.left : free.right, free.bottom, label, {
			"text-anchor": toTheRight ? "start" : "end",
			fill: INK,
			"font-weight": bold ? 700 : 400,
		});
	}

	#isFree({ left, right, bottom }: { left: number; right: number; bottom: number }): boolean {
		if (left < this.#xs.start || right > this.#xs.end || bottom - LABEL_HEIGHT < this.#ys.end - 4) return false;
		return this.#taken.every(
			(other) => left >= other.right || right <= other.left || Math.abs(bottom - other.bottom) >= LABEL_HEIGHT,
		);
	}
}
