/** Who publishes: a row each, and a button that ends it. */
import { html, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { PublisherAnswer } from "../api-answers.ts";
import { confirm } from "../confirmation.ts";
import { bitrateText, bytesText, countText, spanText, UNKNOWN } from "../figure-text.ts";
import { emptyState, scrolling } from "../parts.ts";
import { hashOf } from "../route.ts";
import type { Page, PageContext } from "./page.ts";

interface PublishersAnswer {
	readonly publishers: readonly PublisherAnswer[];
}

export class Publishers implements Page {
	readonly title = "Publishers";
	readonly #context: PageContext;
	#answer: PublishersAnswer | undefined;

	constructor(context: PageContext) {
		this.#context = context;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		this.#answer = await this.#context.seen.api.get<PublishersAnswer>("publishers", signal);
	}

	view(): TemplateResult {
		const publishers = this.#answer?.publishers ?? [];
		const why = this.#answer === undefined ? "Waiting for the API …" : "Nobody publishes.";
		return html`<h1 tabindex="-1">Publishers</h1>
			${publishers.length === 0 ? emptyState(why) : this.#table(publishers)}`;
	}

	close(): void {}

	#table(publishers: readonly PublisherAnswer[]): TemplateResult {
		const table = html`<table>
			<caption class="unseen">
				Publishers
			</caption>
			<thead>
				<tr>
					<th scope="col">Channel</th>
					<th scope="col">From</th>
					<th scope="col">Let in by</th>
					<th scope="col" class="number">For</th>
					<th scope="col">Video</th>
					<th scope="col">Audio</th>
					<th scope="col" class="number">Bit rate</th>
					<th scope="col" class="number">Received</th>
					<th scope="col" class="number">Dropped</th>
					<th scope="col" class="number">Faults</th>
					<th scope="col"><span class="unseen">End</span></th>
				</tr>
			</thead>
			<tbody>
				${repeat(
					publishers,
					({ id }) => id,
					(publisher) => this.#row(publisher),
				)}
			</tbody>
		</table>`;
		return scrolling("Publishers", table);
	}

	#row(publisher: PublisherAnswer): TemplateResult {
		const { channel, protocol, remoteAddress, principal, since, video, audio, bitrateBps } = publisher;
		const { bytes, dropped, faults } = publisher;
		const size = video === undefined ? UNKNOWN : `${video.codec} ${video.width}×${video.height}`;
		return html`<tr>
			<th scope="row"><a href=${hashOf({ kind: "channel", channel })}>${channel}</a></th>
			<td>${protocol.toUpperCase()} <span class="hint">${remoteAddress}</span></td>
			<td>${principal}</td>
			<td class="number">${spanText(this.#context.seen.clock.wall() - Date.parse(since))}</td>
			<td>${size}</td>
			<td>${audio === undefined ? UNKNOWN : `${audio.codec} ${audio.sampleRateHz / 1000} kHz`}</td>
			<td class="number">${bitrateText(bitrateBps)}</td>
			<td class="number">${bytesText(bytes)}</td>
			<td class="number">${countText(dropped)}</td>
			<td class="number">${countText(faults)}</td>
			<td><button @click=${() => void this.#kick(publisher)}>End</button></td>
		</tr>`;
	}

	async #kick({ id, channel, remoteAddress }: PublisherAnswer): Promise<void> {
		const { seen, notices, again } = this.#context;
		const yes = await confirm({
			title: `End the publication of ${channel}?`,
			text: `The connection of ${remoteAddress} is closed at once. Its encoder may connect again by itself.`,
			action: "End the publication",
		});
		if (!yes) return;
		const path = `publishers/${encodeURIComponent(id)}`;
		await notices.tell(seen.api.delete(path), `The publication of ${channel} was ended.`);
		again();
	}
}
