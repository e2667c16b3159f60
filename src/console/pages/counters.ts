/** What the server has counted since its start: drops, refusals, reports, switches, decisions. */
import { html, type TemplateResult } from "lit-html";
import type { TotalsAnswer } from "../api-answers.ts";
import { bytesText, countText, spanText, UNKNOWN } from "../figure-text.ts";
import { emptyState, fact, scrolling } from "../parts.ts";
import type { Page, PageContext } from "./page.ts";

/** A counter's labels, in the order of its table's columns. */
interface CounterRow {
	readonly labels: readonly string[];
	readonly count: number;
}

interface CounterTable {
	readonly title: string;
	readonly columns: readonly string[];
	readonly empty: string;
	readonly rows: (totals: TotalsAnswer) => readonly CounterRow[];
}

const TABLES: readonly CounterTable[] = [
	{
		title: "Drops",
		columns: ["Reason"],
		empty: "No viewer was moved over media.",
		rows: ({ drops }) => drops.map(({ reason, count }) => ({ labels: [reason], count })),
	},
	{
		title: "Viewers gone",
		columns: ["Reason"],
		empty: "No viewer has left yet.",
		rows: ({ left }) => left.map(({ reason, count }) => ({ labels: [reason], count })),
	},
	{
		title: "Requests refused",
		columns: ["Code"],
		empty: "No request was refused unread.",
		rows: ({ requestsRefused }) => requestsRefused.map(({ code, count }) => ({ labels: [code], count })),
	},
	{
		title: "Reports of viewers",
		columns: ["Server", "Result"],
		empty: "No viewer has reported yet.",
		rows: ({ reports }) => reports.map(({ server, result, count }) => ({ labels: [server, result], count })),
	},
	{
		title: "Switches",
		columns: ["Direction", "Cause"],
		empty: "No viewer was switched yet.",
		rows: ({ switches }) => switches.map(({ direction, cause, count }) => ({ labels: [direction, cause], count })),
	},
	{
		title: "Decisions at the ends of units",
		columns: ["Decision", "Direction", "Cause"],
		empty: "No decision was made yet.",
		rows: ({ decisions }) =>
			decisions.map(({ kind, direction, cause, count }) => ({ labels: [kind, direction, cause], count })),
	},
];

export class Counters implements Page {
	readonly title = "Counters";
	readonly #context: PageContext;

	constructor(context: PageContext) {
		this.#context = context;
	}

	async refresh(): Promise<void> {}

	view(): TemplateResult {
		const { server, totalsBefore, clock } = this.#context.seen;
		const totals = server?.totals;
		const since = server === undefined ? UNKNOWN : spanText(clock.wall() - Date.parse(server.startedAt));
		return html`<h1 tabindex="-1">Counters</h1>
			<dl class="facts">
				${fact("Counted for", since)} ${fact("Viewers accepted", countText(totals?.viewersAccepted))}
				${fact("Viewers refused", countText(totals?.viewersRefused), "over the limit")}
				${fact("Sent", bytesText(totals?.bytesSent))}
				${fact("Policy errors", countText(totals?.policyErrors), "answers of a module that were none")}
			</dl>
			<div class="counters">
				${
					totals === undefined
						? ""
						: TABLES.map((table) => counterTable(table, totals, totalsBefore?.totals, totalsBefore?.agoMs ?? 0))
				}
			</div>`;
	}

	close(): void {}
}

function counterTable(
	{ title, columns, empty, rows }: CounterTable,
	totals: TotalsAnswer,
	before: TotalsAnswer | undefined,
	agoMs: number,
): TemplateResult {
	const now = rows(totals).toSorted((a, b) => b.count - a.count);
	if (now.length === 0) return html`<section><h2>${title}</h2>${emptyState(empty)}</section>`;
	const keyOf = ({ labels }: CounterRow): string => labels.join("/");
	const old = new Map(before && rows(before).map((row) => [keyOf(row), row.count]));
	const table = html`<table>
		<caption class="unseen">
			${title}
		</caption>
		<thead>
			<tr>
				${columns.map((column) => html`<th scope="col">${column}</th>`)}
				<th scope="col" class="number">Count</th>
				<th scope="col" class="number">Last ${agoMs > 58_500 ? "minute" : spanText(agoMs)}</th>
			</tr>
		</thead>
		<tbody>
			${now.map(
				(row) => html`<tr>
					${row.labels.map((label, index) =>
						index === 0 ? html`<th scope="row">${label}</th>` : html`<td>${label}</td>`,
					)}
					<td class="number">${countText(row.count)}</td>
					<td class="number">${countText(row.count - (old.get(keyOf(row)) ?? 0))}</td>
				</tr>`,
			)}
		</tbody>
	</table>`;
	return html`<section><h2>${title}</h2>${scrolling(title, table)}</section>`;
}
