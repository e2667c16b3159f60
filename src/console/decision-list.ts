/** A viewer's last decisions: what, why, and from which figures. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { ChannelAnswer, DecisionAnswer, FigureAnswer } from "./api-answers.ts";
import { bitrateText, bytesText, delayText, shareText, speedText, timeText } from "./figure-text.ts";
import { emptyState, fact, renditionChip } from "./parts.ts";
import { capacityText } from "./viewer-table.ts";

export function decisionList(decisions: readonly DecisionAnswer[], channel: ChannelAnswer | undefined): TemplateResult {
	if (decisions.length === 0) return emptyState("No decision was made yet: the first comes at the end of a unit.");
	return html`<ol class="decisions">
		${repeat(
			decisions.toReversed(),
			// Times are worked out from ages, and so differ a little from answer to answer.
			({ at, text }) => `${Math.round(Date.parse(at) / 100)} ${text}`,
			(decision) => html`<li>${decisionEntry(decision, channel)}</li>`,
		)}
	</ol>`;
}

function decisionEntry(decision: DecisionAnswer, channel: ChannelAnswer | undefined): TemplateResult {
	const { at, current, kind, to, cause, text, moment } = decision;
	const what =
		kind === "hold"
			? html`hold ${renditionChip(current, channel)}`
			: html`${renditionChip(current, channel)} → ${renditionChip(to, channel)}`;
	return html`<details>
		<summary>
			<time datetime=${at}>${timeText(at)}</time>
			<span class="what">${what}</span>
			<span class="why"><b>${cause}</b> ${text}</span>
			${moment === "within-unit" ? html`<span class="hint">planned within the unit</span>` : nothing}
		</summary>
		${inputs(decision)}
	</details>`;
}

function inputs({ inputs: { network, viewer, server, lagMs } }: DecisionAnswer): TemplateResult {
	return html`<div class="inputs">
		<section>
			<h4>Network</h4>
			<dl class="facts">
				${
					network === undefined
						? fact("Connection", "not seen")
						: html`${fact("Takes", capacityText(network), network.basis ?? nothing)}
						${fact("Seen", delayText(network.capacityAgeMs), "ago")} ${fact("Queue stands for", delayText(network.overdueMs))}
						${fact("Under way", bytesText(network.outstandingBytes), delayText(network.outstandingMediaMs))}
						${fact("Round trip", delayText(network.roundTripMs), `least ${delayText(network.minRoundTripMs)}`)}
						${fact("Varies by", network.variability.toFixed(2))}
						${fact("Held back by the viewer", shareText(network.receiverLimited))}`
				}
				${fact("Lag", delayText(lagMs))}
			</dl>
		</section>
		<section>
			<h4>Viewer</h4>
			<dl class="facts">
				${told("Bandwidth", viewer.bandwidthBps, bitrateText)} ${told("Buffer", viewer.bufferMs, delayText)}
				${told("CPU idle", viewer.cpuIdle, shareText)} ${told("Memory used", viewer.memoryUsed, shareText)}
				${told("Frames dropped", viewer.droppedShare, shareText)} ${told("Decodes up to", viewer.smoothUpTo, String)}
				${told("Hidden", viewer.hidden, (hidden) => (hidden ? "yes" : "no"))}
				${told("Wants at most", viewer.maxBitrateBps, bitrateText)}
				${Object.keys(viewer).length === 0 ? fact("Figures", "none") : nothing}
			</dl>
		</section>
		<section>
			<h4>Server</h4>
			<dl class="facts">
				${fact("CPU idle", shareText(server.cpuIdle))} ${fact("Memory used", shareText(server.memoryUsed))}
				${fact("Event loop's delay", delayText(server.eventLoopDelayMs))} ${fact("Sends", bitrateText(server.egressBps))}
				${fact("Slowest encoder", speedText(server.encoderSpeed))}
				${server.duress === undefined ? nothing : fact("Duress", server.duress.text)}
			</dl>
		</section>
	</div>`;
}

/** A figure of the viewer's, with its source and its age; nothing where there is none. */
export function told<Value>(
	name: string,
	figure: FigureAnswer<Value> | undefined,
	text: (value: Value) => string,
): TemplateResult | typeof nothing {
	if (figure === undefined) return nothing;
	return fact(name, text(figure.value), `${figure.source} ${delayText(figure.ageMs)} ago`);
}
