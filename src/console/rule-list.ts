/** Rules as a table, a row each. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { endpointText, type FlowMatch } from "../wire/distributor-rule.ts";
import type { RuleAnswer, TrafficAnswer } from "./distribution-answers.ts";
import { copiesNotSent, dropsText } from "./drop-table.ts";
import { bitrateText, countText, packetRateText } from "./figure-text.ts";
import { badge, scrolling } from "./parts.ts";
import type { Rates } from "./rates.ts";
import { hashOf } from "./route.ts";

/** Received and sent, as counters of `Rates`. */
export const trafficCounts = (rule: { readonly received: TrafficAnswer; readonly sent: TrafficAnswer }): number[] => [
	rule.received.packets,
	rule.received.bytes * 8,
	rule.sent.packets,
	rule.sent.bytes * 8,
];

/** `10.0.0.1:5004`, with VLAN and publisher where the rule names them. */
export function matchText({ address, port, vlan, source }: FlowMatch): string {
	const from = source && (source.port === undefined ? source.address : endpointText({ ...source, port: source.port }));
	return [
		endpointText({ address, port }),
		vlan === undefined ? "" : `VLAN ${vlan}`,
		from === undefined ? "" : `from ${from}`,
	]
		.filter(Boolean)
		.join(" · ");
}

export function ruleList(rules: readonly RuleAnswer[], rates: Rates): TemplateResult {
	const table = html`<table>
		<caption class="unseen">
			Rules
		</caption>
		<thead>
			<tr>
				<th scope="col">Rule</th>
				<th scope="col">Takes</th>
				<th scope="col">Media</th>
				<th scope="col" class="number">Receivers</th>
				<th scope="col" class="number">In</th>
				<th scope="col" class="number">Out</th>
				<th scope="col" class="number">Out, bit rate</th>
				<th scope="col" class="number">Copies not sent</th>
			</tr>
		</thead>
		<tbody>
			${repeat(
				rules,
				({ name }) => name,
				(rule) => ruleRow(rule, rates.of(rule.name)),
			)}
		</tbody>
	</table>`;
	return scrolling("Rules", table);
}

function ruleRow(rule: RuleAnswer, rates: readonly number[] | undefined): TemplateResult {
	const [inPackets, , outPackets, outBits] = rates ?? [];
	const { name, match, media, receivers, drops, fault, origin } = rule;
	return html`<tr>
		<th scope="row">
			<a href=${hashOf({ kind: "rule", name })}>${name}</a>
			${fault === undefined ? nothing : badge("not carried out", "bad")}
			${origin === "run-time" ? nothing : html`<span class="hint">${origin === "config" ? "configured" : "RTSP"}</span>`}
		</th>
		<td>${matchText(match)}</td>
		<td>${media}</td>
		<td class="number">${countText(receivers)}</td>
		<td class="number">${packetRateText(inPackets)}</td>
		<td class="number">${packetRateText(outPackets)}</td>
		<td class="number">${bitrateText(outBits)}</td>
		<td class="number" title=${dropsText(drops) || nothing}>${countText(copiesNotSent(drops))}</td>
	</tr>`;
}
