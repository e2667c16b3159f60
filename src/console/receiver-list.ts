/** The receivers of a rule as a table, a row each. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { endpointText, receiverKey } from "../wire/distributor-rule.ts";
import type { ReceiverAnswer } from "./distribution-answers.ts";
import { dropsText } from "./drop-table.ts";
import { bitrateText, countText, packetRateText } from "./figure-text.ts";
import { badge, scrolling } from "./parts.ts";
import type { Rates } from "./rates.ts";

/** As counters of `Rates`. */
export const receiverCounts = ({ packets, bytes }: ReceiverAnswer): number[] => [packets, bytes * 8];

/** What is said of it beside address and port. */
function settingsText(receiver: ReceiverAnswer): string {
	const { owner, vlan, sourcePort, ttl, dscp, maxPacketsPerSecond, maxBitsPerSecond } = receiver;
	return [
		owner ?? "",
		vlan === undefined ? "" : `VLAN ${vlan}`,
		sourcePort === undefined ? "" : `from port ${sourcePort}`,
		ttl === undefined || ttl === 64 ? "" : `TTL ${ttl}`,
		dscp ? `DSCP ${dscp}` : "",
		maxPacketsPerSecond === undefined ? "" : `≤ ${countText(maxPacketsPerSecond)} /s`,
		maxBitsPerSecond === undefined ? "" : `≤ ${bitrateText(maxBitsPerSecond)}`,
	]
		.filter(Boolean)
		.join(", ");
}

/** @param remove left out where the rule cannot be changed here */
export function receiverList(
	receivers: readonly ReceiverAnswer[],
	rates: Rates,
	remove: ((receiver: ReceiverAnswer) => void) | undefined,
): TemplateResult {
	const table = html`<table>
		<caption class="unseen">
			Receivers
		</caption>
		<thead>
			<tr>
				<th scope="col">Receiver</th>
				<th scope="col">State</th>
				<th scope="col" class="number">Out</th>
				<th scope="col" class="number">Bit rate</th>
				<th scope="col" class="number">Packets</th>
				<th scope="col" class="number">Not sent</th>
				${remove === undefined ? nothing : html`<th scope="col"><span class="unseen">Removal</span></th>`}
			</tr>
		</thead>
		<tbody>
			${repeat(receivers, receiverKey, (receiver) => receiverRow(receiver, rates.of(receiverKey(receiver)), remove))}
		</tbody>
	</table>`;
	return scrolling("Receivers", table);
}

function receiverRow(
	receiver: ReceiverAnswer,
	rates: readonly number[] | undefined,
	remove: ((receiver: ReceiverAnswer) => void) | undefined,
): TemplateResult {
	const [packets, bits] = rates ?? [];
	const where = endpointText(receiver);
	return html`<tr>
		<th scope="row">${where} <span class="hint">${settingsText(receiver)}</span></th>
		<td>${receiver.state === "ready" ? badge("ready", "good") : badge("no way to it", "bad")}</td>
		<td class="number">${packetRateText(packets)}</td>
		<td class="number">${bitrateText(bits)}</td>
		<td class="number">${countText(receiver.packets)}</td>
		<td class="number">${dropsText(receiver.drops) || "0"}</td>
		${
			remove === undefined
				? nothing
				: html`<td class="number">${receiver.owner === undefined ? removal(where, () => remove(receiver)) : nothing}</td>`
		}
	</tr>`;
}

const removal = (where: string, remove: () => void): TemplateResult =>
	html`<button aria-label=${`Remove ${where} …`} @click=${remove}>Remove …</button>`;
