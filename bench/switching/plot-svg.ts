/** The little of SVG that plots need: numbers with few digits, escaped text, a scale from values to pixels. */

/** Text and lines. */
export const INK = "#24292f";
export const FAINT = "#8c959f";
export const GRID = "#d8dee4";
export const CAPACITY = "#d6e4f0";
export const CAPACITY_EDGE = "#8fb3d1";
export const STALL = "#d1242f";

export interface Axis {
	readonly from: number;
	readonly to: number;
	/** In pixels; `end` is the smaller one on an axis that goes up. */
	readonly start: number;
	readonly end: number;
}

export const at = ({ from, to, start, end }: Axis, value: number): number =>
	start + ((value - from) / (to - from)) * (end - start);

/** Round values, about `count` of them, over the axis. */
export function ticks({ from, to }: Pick<Axis, "from" | "to">, count: number): number[] {
	const rough = (to - from) / count;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
	const first = Math.ceil(from / step - 1e-9);
	const last = Math.floor(to / step + 1e-9);
	return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

type Attributes = Readonly<Record<string, string | number>>;

export const element = (name: string, attributes: Attributes, content = ""): string => {
	const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
	return content === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
};

const attributeText = (value: string | number): string =>
	typeof value === "number" ? String(Number(value.toFixed(2))) : escapeText(value);

export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
	element("text", { x, y, fill: INK, "font-size": 12, ...attributes }, escapeText(content));

export const line = (
	x1: number,
	y1: number,
	x2: number,
	y2: number,
	stroke: string,
	attributes: Attributes = {},
): string => element("line", { x1, y1, x2, y2, stroke, ...attributes });

/** Of points in pixels. */
export const path = (points: readonly (readonly [x: number, y: number])[]): string =>
	points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export function drawing(width: number, height: number, title: string, content: readonly string[]): string {
	const body = [
		element("title", {}, escapeText(title)),
		element("rect", { x: 0, y: 0, width, height, fill: "#ffffff" }),
		...content,
	];
	const attributes = {
		xmlns: "http://www.w3.org/2000/svg",
		viewBox: `0 0 ${width} ${height}`,
		width,
		height,
		"font-family": "system-ui, 'DejaVu Sans', sans-serif",
	};
	return `${element("svg", attributes, `\n${body.join("\n")}\n`)}\n`;
}

const escapeText = (content: string): string =>
	content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
