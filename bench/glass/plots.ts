/** The plots: everybody's delay on one axis, and what was shown while a link fell. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quantile } from "../kit/report.ts";
import { type Axis, at, drawing, element, FAINT, GRID, INK, line, path, text, ticks } from "../switching/plot-svg.ts";
import { RENDERERS, type RendererName } from "./contenders.ts";
import type { Fall, Falls } from "./link-falls.ts";
import type { Turn } from "./turn.ts";

const WIDTH = 760;
const OURS = "#0969da";
const THEIRS = "#9a6700";
const COLOURS: Readonly<Record<RendererName, string>> = { webcodecs: OURS, mse: "#bf3989" };

/** @returns the files that were written */
export function writePlots(directory: string, turns: readonly Turn[], falls: Falls | undefined): string[] {
	mkdirSync(directory, { recursive: true });
	const plots = { "delays.svg": plotDelays(turns), ...(falls && { "fall.svg": plotFall(falls.falls) }) };
	return Object.entries(plots).map(([name, content]) => {
		const file = join(directory, name);
		writeFileSync(file, content);
		return file;
	});
}

const ROW_HEIGHT = 26;
const TOP = 62;
const LEFT = 150;
/** Of the axis, which is logarithmic: from 10 ms to 10 s. */
const DECADES = [1, 2, 3, 4] as const;

/** A row for each contender: its middle, and a bar from the 5th to the 95th percentile of all its pictures. */
function plotDelays(turns: readonly Turn[]): string {
	const rows = [...Map.groupBy(turns, ({ contender }) => contender.name)].map(([name, own]) => {
		const ages = own.flatMap(({ sightings }) => sightings.map(({ ageMs }) => ageMs));
		const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => Math.max(10, quantile(ages, share)));
		return { name, low: low!, middle: middle!, high: high! };
	});
	const bottom = TOP + rows.length * ROW_HEIGHT;
	const axis: Axis = { from: 1, to: 4, start: LEFT, end: WIDTH - 90 };
	const place = (ms: number): number => at(axis, Math.log10(ms));
	const title = "From a picture's making to its showing in the browser";
	return drawing(WIDTH, bottom + 40, title, [
		text(20, 24, title, { "font-size": 15, "font-weight": 600 }),
		text(20, 43, "dot: median; bar: 5th to 95th percentile of all pictures; logarithmic", { fill: FAINT }),
		...DECADES.flatMap((decade) => [
			line(at(axis, decade), TOP - 6, at(axis, decade), bottom, GRID),
			text(at(axis, decade), bottom + 18, labelOf(10 ** decade), { "text-anchor": "middle", "font-size": 11 }),
		]),
		...rows.flatMap(({ name, low, middle, high }, index) => {
			const y = TOP + (index + 0.5) * ROW_HEIGHT;
			const colour = RENDERERS.some((renderer) => name.startsWith(renderer)) ? OURS : THEIRS;
			return [
				text(LEFT - 10, y + 4, name, { "text-anchor": "end" }),
				line(place(low), y, place(high), y, colour, { "stroke-width": 4, "stroke-opacity": 0.4 }),
				element("circle", { cx: place(middle), cy: y, r: 5, fill: colour }),
				text(Math.max(place(high), place(middle)) + 10, y + 4, `${Math.round(middle)} ms`, { "font-size": 11 }),
			];
		}),
	]);
}

const labelOf = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

const FALL_HEIGHT = 360;
const BEFORE_MS = 2000;
const AFTER_MS = 6000;

/** The first fall of each renderer: how old the newest picture in the page is, all the time. */
function plotFall(falls: readonly Fall[]): string {
	const shown = RENDERERS.flatMap((renderer) => falls.find((fall) => fall.renderer === renderer) ?? []);
	const lines = shown.map((fall) => ({ fall, ages: agesOver(fall) }));
	const oldest = Math.max(...lines.flatMap(({ ages }) => ages.map(({ ageMs }) => ageMs)));
	const lastMs = Math.max(...shown.map(({ fellAtMs, roseAtMs }) => roseAtMs - fellAtMs)) + AFTER_MS;
	const time: Axis = { from: -BEFORE_MS / 1000, to: lastMs / 1000, start: 70, end: WIDTH - 20 };
	const age: Axis = { from: 0, to: 1.1 * oldest, start: FALL_HEIGHT - 50, end: 66 };
	const title = "A link falls from 10 to 1 Mbit/s and rises again: the age of what is shown";
	return drawing(WIDTH, FALL_HEIGHT, title, [
		text(20, 24, title, { "font-size": 15, "font-weight": 600 }),
		text(time.end, 50, "dots: first pictures of the lower and of the best rendition", {
			fill: FAINT,
			"text-anchor": "end",
		}),
		...ticks(age, 5).flatMap((ms) => [
			line(time.start, at(age, ms), time.end, at(age, ms), GRID),
			text(time.start - 8, at(age, ms) + 4, `${ms} ms`, { "text-anchor": "end", "font-size": 11 }),
		]),
		...ticks(time, 10).map((s) =>
			text(at(time, s), age.start + 18, `${s} s`, { "text-anchor": "middle", "font-size": 11 }),
		),
		...lines.flatMap(({ fall, ages }, index) => {
			const colour = COLOURS[fall.renderer];
			const points = ages.map(({ atMs, ageMs }) => [at(time, atMs / 1000), at(age, ageMs)] as const);
			const rose = at(time, (fall.roseAtMs - fall.fellAtMs) / 1000);
			return [
				element("path", { d: path(points), fill: "none", stroke: colour, "stroke-width": 1.5 }),
				line(rose, age.start, rose, age.end, colour, { "stroke-dasharray": "2 4" }),
				...[fall.down, fall.up].map(({ shownAtMs }) =>
					element("circle", { cx: at(time, (shownAtMs - fall.fellAtMs) / 1000), cy: age.start, r: 4, fill: colour }),
				),
				text(time.start + 100 * index, 50, fall.renderer, { fill: colour, "font-weight": 600 }),
			];
		}),
		line(at(time, 0), age.start, at(time, 0), age.end, INK, { "stroke-dasharray": "4 3" }),
		line(time.start, age.start, time.end, age.start, FAINT),
	]);
}

/** A picture ages until the next one: two points for each, at its showing and at its end. */
function agesOver({ sightings, fellAtMs, roseAtMs }: Fall): { readonly atMs: number; readonly ageMs: number }[] {
	const inside = sightings.filter(({ atMs }) => atMs >= fellAtMs - BEFORE_MS && atMs < roseAtMs + AFTER_MS);
	return inside.flatMap(({ atMs, ageMs }, index) => {
		const endMs = inside[index + 1]?.atMs ?? atMs;
		return [
			{ atMs: atMs - fellAtMs, ageMs },
			{ atMs: endMs - fellAtMs, ageMs: ageMs + endMs - atMs },
		];
	});
}
