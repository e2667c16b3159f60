/** A chart's figures as a table, for whoever would rather read them. */
import { html, type TemplateResult } from "lit-html";
import type { ChartLine } from "./chart.ts";
import { timeText } from "./figure-text.ts";
import type { Columns, Sample } from "./history.ts";

const EVERY_S = 30;
const MOST_ROWS = 20;

export function chartTable(
	title: string,
	lines: readonly ChartLine[],
	history: Columns,
	text: (value: Sample) => string,
): TemplateResult {
	return html`<details class="chart-table">
		<summary>As a table</summary>
		<div class="scroll" role="region" tabindex="0" aria-label="${title}, as a table">
			<table>
				<caption>
					${title}, every ${EVERY_S} s, the newest first
				</caption>
				<thead>
					<tr>
						<th scope="col">Time</th>
						${lines.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
					</tr>
				</thead>
				<tbody>
					${rowsOf(history).map(
						(row) => html`<tr>
							<th scope="row">${timeText(new Date(history.times[row]! * 1000).toISOString())}</th>
							${history.columns.map((column) => html`<td class="number">${text(column[row] ?? null)}</td>`)}
						</tr>`,
					)}
				</tbody>
			</table>
		</div>
	</details>`;
}

/** The newest sample, and before it one for each half minute. */
function rowsOf({ times }: Columns): number[] {
	const rows: number[] = [];
	for (let index = times.length - 1; index >= 0 && rows.length < MOST_ROWS; index--) {
		const before = rows.at(-1);
		if (before === undefined || times[before]! - times[index]! >= EVERY_S) rows.push(index);
	}
	return rows;
}
