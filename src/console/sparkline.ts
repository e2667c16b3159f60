/** A figure's last minutes as a line without axes, beside the figure itself. */
import { nothing, svg, type TemplateResult } from "lit-html";
import type { Columns } from "./history.ts";

const WIDTH = 100;
const HEIGHT = 28;
const WINDOW_S = 300;

/** @param most the top of the scale; left out: what there is */
export function sparkline(history: Columns, figure: number, most?: number): TemplateResult {
	const { times, columns } = history;
	const values = columns[figure] ?? [];
	const end = times.at(-1) ?? 0;
	const top = most ?? (Math.max(...values.map((value) => value ?? 0)) * 1.1 || 1);
	const points = values.flatMap((value, index) => {
		const age = end - times[index]!;
		if (value === null || age > WINDOW_S) return [];
		const x = WIDTH - (age / WINDOW_S) * WIDTH;
		const y = HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2);
		return [`${x.toFixed(1)},${y.toFixed(1)}`];
	});
	return svg`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
		${points.length > 1 ? svg`<polyline points=${points.join(" ")} />` : nothing}
	</svg>`;
}
