/** Viewers as a table, a row each. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { NetworkAnswer, ViewerAnswer } from "./api-answers.ts";
import { bitrateText, countText, delayText, UNKNOWN } from "./figure-text.ts";
import type { Observations } from "./observations.ts";
import { renditionChip, scrolling } from "./parts.ts";
import { hashOf } from "./route.ts";

export interface ViewerTableSettings {
	readonly caption: string;
	/** Left out where all are of one channel. */
	readonly withChannel: boolean;
	/** Left out where nobody is ended here. */
	readonly end?: (viewer: ViewerAnswer) => void;
}

export function viewerTable(
	viewers: readonly ViewerAnswer[],
	seen: Observations,
	settings: ViewerTableSettings,
): TemplateResult {
	const { caption, withChannel, end } = settings;
	const table = html`<table class="viewers">
		<caption class="unseen">
			${caption}
		</caption>
		<thead>
			<tr>
				<th scope="col">Viewer</th>
				${withChannel ? html`<th scope="col">Channel</th>` : nothing}
				<th scope="col">Packaging</th>
				<th scope="col">Rendition</th>
				<th scope="col">Wish</th>
				<th scope="col" class="number">Estimated</th>
				<th scope="col" class="number">Reported</th>
				<th scope="col" class="number">Delay</th>
				<th scope="col" class="number">Buffer</th>
				<th scope="col" class="number">Switches</th>
				<th scope="col" class="number">Lag</th>
				<th scope="col" class="number">Drops</th>
				${end === undefined ? nothing : html`<th scope="col"><span class="unseen">End</span></th>`}
			</tr>
		</thead>
		<tbody>
			${repeat(
				viewers,
				({ id }) => id,
				(viewer) => viewerRow(viewer, seen, settings),
			)}
		</tbody>
	</table>`;
	return scrolling(caption, table);
}

function viewerRow(
	viewer: ViewerAnswer,
	seen: Observations,
	{ withChannel, end }: ViewerTableSettings,
): TemplateResult {
	const { id, channel, packaging, rendition, wish, remoteAddress, network, figures, told, maxBps } = viewer;
	return html`<tr>
		<th scope="row">
			<a href=${hashOf({ kind: "viewer", id })}>${remoteAddress}</a>
			<span class="hint">${shortId(id)}</span>
		</th>
		${withChannel ? html`<td>${channel}</td>` : nothing}
		<td>.${packaging}</td>
		<td>${renditionChip(rendition, seen.channel(channel))}</td>
		<td>${wish}${typeof maxBps === "number" ? html` <span class="hint">≤ ${bitrateText(maxBps)}</span>` : nothing}</td>
		<td class="number">${capacityText(network)}</td>
		<td class="number">${bitrateText(figures.bandwidthBps?.value)}</td>
		<td class="number">${delayText(told.delayMs)}</td>
		<td class="number">${delayText(figures.bufferMs?.value)}</td>
		<td class="number">${countText(viewer.switches)}</td>
		<td class="number">${delayText(viewer.lagMs)}</td>
		<td class="number">${countText(dropsOf(viewer))}</td>
		${end === undefined ? nothing : html`<td><button @click=${() => end(viewer)}>End</button></td>`}
	</tr>`;
}

/** What the network takes, as the server sees it; a lower bound says so. */
export function capacityText(network: NetworkAnswer | undefined): string {
	if (network?.capacityBps === undefined) return UNKNOWN;
	const bound = network.basis === "floor" || network.basis === "paced" ? "≥ " : "";
	return `${bound}${bitrateText(network.capacityBps)}`;
}

export const dropsOf = ({ drops }: ViewerAnswer): number => Object.values(drops).reduce((sum, count) => sum + count, 0);

/** By reason. */
export const dropsText = ({ drops }: ViewerAnswer): string =>
	Object.entries(drops)
		.filter(([, count]) => count > 0)
		.map(([reason, count]) => `${countText(count)} ${reason}`)
		.join(", ");

/** Enough of an id to tell viewers of one address apart. */
export const shortId = (id: string): string => id.slice(0, 8);
