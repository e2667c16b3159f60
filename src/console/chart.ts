/**
 * A chart of figures over the last minutes, on a canvas: uPlot draws, this gives it a steady window of time, the page's
 * own colours, a legend of HTML and a text for those who do not see it.
 */
import uPlot from "uplot";
import type { Columns, Sample } from "./history.ts";

export interface ChartLine {
	readonly name: string;
	/** The custom property that has its colour. */
	readonly ink: string;
	/** "steps": a value holds until the next; "area" is the same, filled. */
	readonly shape: "line" | "dashed" | "steps" | "area";
}

export interface ChartSettings {
	/** What it shows, with its unit. */
	readonly title: string;
	readonly lines: readonly ChartLine[];
	readonly heightPx: number;
	readonly windowMs: number;
	/** A value in the legend. */
	readonly text: (value: Sample) => string;
	/** A value at the axis. */
	readonly tick: (value: number) => string;
}

/** A height that has a name: a rendition's bit rate. */
export interface ChartLevel {
	readonly name: string;
	readonly value: number;
}

export interface ChartContent {
	readonly history: Columns;
	readonly nowEpochMs: number;
	readonly levels?: readonly ChartLevel[];
	/** The top of the axis; what is above is not seen. Left out: what there is, and some room. */
	readonly top?: number | undefined;
}

const AXIS_WIDTH_PX = 42;
const AXIS_HEIGHT_PX = 26;
const FONT = "11px system-ui, sans-serif";
/** Below it, two names of levels would lie on each other. */
const LEVEL_GAP_PX = 13;

export class Chart {
	readonly element: HTMLElement;
	readonly #settings: ChartSettings;
	readonly #plot: uPlot;
	readonly #picture: HTMLElement;
	readonly #values: HTMLElement[];
	readonly #size: ResizeObserver;
	readonly #scheme = matchMedia("(prefers-color-scheme: dark)");
	readonly #repaint = (): void => this.#plot.redraw(false, true);
	#content: ChartContent = { history: { times: [], columns: [] }, nowEpochMs: 0 };

	constructor(settings: ChartSettings) {
		this.#settings = settings;
		this.element = document.createElement("figure");
		this.element.className = "chart";
		const caption = document.createElement("figcaption");
		caption.textContent = settings.title;
		this.#picture = document.createElement("div");
		this.#picture.className = "chart-picture";
		this.#picture.role = "img";
		this.#picture.style.height = `${settings.heightPx}px`;
		const legend = document.createElement("ul");
		legend.className = "legend";
		this.#values = settings.lines.map((line) => legendEntry(legend, line));
		this.element.append(caption, this.#picture, legend);
		this.#plot = new uPlot(this.#options(), [[], ...settings.lines.map(() => [])], this.#picture);
		this.#size = new ResizeObserver(([entry]) => this.#fit(entry?.contentRect.width ?? 0));
		this.#size.observe(this.#picture);
		this.#scheme.addEventListener("change", this.#repaint);
	}

	show(content: ChartContent): void {
		this.#content = content;
		const { times, columns } = content.history;
		this.#plot.setData([times, ...columns] as unknown as uPlot.AlignedData);
		this.#picture.ariaLabel = this.#summary();
		this.#tellValues();
	}

	destroy(): void {
		this.#size.disconnect();
		this.#scheme.removeEventListener("change", this.#repaint);
		this.#plot.destroy();
	}

	#fit(width: number): void {
		if (width > 0) this.#plot.setSize({ width: Math.floor(width), height: this.#settings.heightPx });
	}

	#options(): uPlot.Options {
		const { lines, heightPx, tick } = this.#settings;
		const stroke = (): string => this.#colour("--muted");
		const grid = { stroke: () => this.#colour("--line"), width: 1 };
		const axis = { stroke, font: FONT, grid, ticks: { show: false } };
		return {
			width: 300,
			height: heightPx,
			padding: [8, 24, 0, 0],
			legend: { show: false },
			cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
			scales: { x: { time: true, range: () => this.#window() }, y: { range: (_, __, max) => [0, this.#top(max)] } },
			axes: [
				{ ...axis, size: AXIS_HEIGHT_PX, space: 60, values: (_, splits) => splits.map(timeOfDay) },
				{ ...axis, size: AXIS_WIDTH_PX, space: 24, values: (_, splits) => splits.map(tick) },
			],
			series: [{}, ...lines.map((line) => this.#series(line))],
			hooks: { drawAxes: [(plot) => this.#drawLevels(plot)], setCursor: [() => this.#tellValues()] },
		};
	}

	#series({ name, ink, shape }: ChartLine): uPlot.Series {
		const stepped = shape === "steps" || shape === "area";
		return {
			label: name,
			stroke: () => this.#colour(ink),
			width: shape === "dashed" ? 1.5 : 2,
			points: { show: false },
			...(shape === "dashed" && { dash: [5, 4] }),
			...(shape === "area" && { fill: () => `color-mix(in srgb, ${this.#colour(ink)} 16%, transparent)` }),
			...(stepped && { paths: uPlot.paths.stepped!({ align: 1 }) }),
		};
	}

	#window(): [number, number] {
		const now = this.#content.nowEpochMs / 1000;
		return [now - this.#settings.windowMs / 1000, now];
	}

	#top(max: number | null): number {
		const levels = (this.#content.levels ?? []).map(({ value }) => value);
		return this.#content.top ?? (Math.max(max ?? 0, ...levels) * 1.15 || 1);
	}

	#drawLevels(plot: uPlot): void {
		const { ctx, bbox } = plot;
		const scale = devicePixelRatio;
		ctx.save();
		ctx.font = FONT.replace("11px", `${11 * scale}px`);
		ctx.textAlign = "left";
		ctx.textBaseline = "bottom";
		ctx.fillStyle = this.#colour("--muted");
		ctx.strokeStyle = this.#colour("--line-strong");
		ctx.lineWidth = scale;
		ctx.setLineDash([2 * scale, 3 * scale]);
		let named = Number.NEGATIVE_INFINITY;
		for (const { name, value } of this.#content.levels ?? []) {
			const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
			ctx.beginPath();
			ctx.moveTo(bbox.left, y);
			ctx.lineTo(bbox.left + bbox.width, y);
			ctx.stroke();
			if (y - named < LEVEL_GAP_PX * scale) continue;
			ctx.fillText(name, bbox.left + 4 * scale, y - scale);
			named = y;
		}
		ctx.restore();
	}

	#colour(property: string): string {
		return getComputedStyle(this.element).getPropertyValue(property).trim();
	}

	/** What is under the pointer, else the newest. */
	#tellValues(): void {
		const { history } = this.#content;
		const pointed = this.#plot.cursor.idx ?? history.times.length - 1;
		for (const [index, output] of this.#values.entries()) {
			output.textContent = this.#settings.text(history.columns[index]?.[pointed] ?? null);
		}
	}

	#summary(): string {
		const { lines, text, title } = this.#settings;
		const { times, columns } = this.#content.history;
		const [from] = this.#window();
		const first = times.findIndex((time) => time >= from);
		const parts = lines.map(({ name }, index) => {
			const values = (columns[index] ?? []).slice(Math.max(first, 0)).filter((value) => value !== null);
			if (first < 0 || values.length === 0) return `${name}: not known`;
			return `${name}: now ${text(values.at(-1)!)}, from ${text(Math.min(...values))} to ${text(Math.max(...values))}`;
		});
		return `${title}. ${parts.join("; ")}.`;
	}
}

function legendEntry(legend: HTMLElement, { name, ink, shape }: ChartLine): HTMLElement {
	const entry = document.createElement("li");
	const swatch = document.createElement("span");
	swatch.className = `swatch swatch-${shape}`;
	swatch.style.setProperty("--ink", `var(${ink})`);
	const value = document.createElement("span");
	value.className = "legend-value";
	entry.append(swatch, name, value);
	legend.append(entry);
	return value;
}

const timeOfDay = (seconds: number): string =>
	new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
