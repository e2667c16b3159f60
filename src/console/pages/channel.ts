/** One channel: its picture, its renditions with their bit rates over time, and who watches it. */
import { html, nothing, type TemplateResult } from "lit-html";
import type { PenstockPlayerElement } from "../../player/element/player-element.ts";
import type { ChannelAnswer, RenditionAnswer, ViewerAnswer } from "../api-answers.ts";
import { ApiProblem } from "../api-client.ts";
import { BIT_RATE, levelsOf } from "../bit-rate-chart.ts";
import { Chart, type ChartLine } from "../chart.ts";
import { chartTable } from "../chart-table.ts";
import { bitrateText, countText, delayText, sizeText, spanText, speedText, UNKNOWN } from "../figure-text.ts";
import { KEEP_MS } from "../history.ts";
import { badge, emptyState, fact, inkOf, renditionChip, scrolling, stateBadge } from "../parts.ts";
import { openPicture } from "../picture.ts";
import { hashOf } from "../route.ts";
import { viewerTable } from "../viewer-table.ts";
import type { Page, PageContext } from "./page.ts";

const VIEWERS_SHOWN = 20;

export class Channel implements Page {
	readonly title: string;
	readonly #context: PageContext;
	readonly #name: string;
	#viewers: readonly ViewerAnswer[] = [];
	#picture: { readonly src: string; readonly element: PenstockPlayerElement } | undefined;
	#chart: { readonly key: string; readonly lines: readonly ChartLine[]; readonly chart: Chart } | undefined;

	/** @param name `app/stream` */
	constructor(context: PageContext, name: string) {
		this.#context = context;
		this.#name = name;
		this.title = name;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const query = new URLSearchParams({ channel: this.#name, limit: String(VIEWERS_SHOWN), offset: "0" });
		try {
			const answer = await this.#context.seen.api.get<{ viewers: ViewerAnswer[] }>(`viewers?${query}`, signal);
			this.#viewers = answer.viewers;
		} catch (error) {
			// No such channel: the page says so.
			if (!(error instanceof ApiProblem && error.status === 404)) throw error;
		}
	}

	view(): TemplateResult {
		const { seen } = this.#context;
		const channel = seen.channel(this.#name);
		if (channel === undefined) {
			const text = seen.server === undefined ? "Waiting for the API …" : `There is no channel ${this.#name}.`;
			return html`<h1 tabindex="-1">${this.#name}</h1>
				${emptyState(html`${text} <a href="#/">Go to the overview.</a>`)}`;
		}
		return html`<h1 tabindex="-1">${this.#name} ${stateBadge(channel)}</h1>
			<div class="beside">
				<div>${this.#player(channel)}</div>
				${this.#facts(channel)}
			</div>
			<section aria-labelledby="renditions">
				<h2 id="renditions">Renditions</h2>
				${renditionTable(channel)} ${this.#rates(channel)}
			</section>
			${this.#watching(channel)}`;
	}

	close(): void {
		this.#chart?.chart.destroy();
	}

	#player(channel: ChannelAnswer): TemplateResult {
		const path = channel.urls["mp4"] ?? Object.values(channel.urls)[0];
		const src = path && this.#context.seen.addressOf(path);
		if (!src || (!channel.live && !channel.onDemand)) return html`<div class="picture">no picture</div>`;
		if (this.#picture?.src !== src) {
			const settings = { src, label: `${this.#name}, live`, controls: true };
			this.#picture = { src, element: openPicture(settings) };
		}
		return html`<div class="picture">${this.#picture.element}</div>`;
	}

	#facts(channel: ChannelAnswer): TemplateResult {
		const { source, unitMs, ringMs, audio, ladder, drift, urls } = channel;
		const sound =
			audio === undefined ? UNKNOWN : `${audio.codec}, ${audio.sampleRateHz / 1000} kHz, ${audio.channels} ch.`;
		const runs =
			ladder.startedAt === undefined
				? UNKNOWN
				: spanText(this.#context.seen.clock.wall() - Date.parse(ladder.startedAt));
		const watch = this.#context.seen.addressOf(`/play/${this.#name}`);
		return html`<div>
			<dl class="facts">
				${fact("Source", source)} ${fact("Viewers", countText(channel.viewers))}
				${fact("Unit", delayText(unitMs), `${delayText(ringMs)} kept`)} ${fact("Sound", sound)}
				${fact("Encoder", speedText(ladder.speed), "of real time")}
				${fact("Running for", runs, `${countText(ladder.restarts)} restarts`)}
				${fact("Drift", drift.lastMs === undefined ? "none" : delayText(drift.lastMs), `${countText(drift.count)} times`)}
				${
					ladder.lastError === undefined
						? nothing
						: fact("Last error", html`<span class="error">${ladder.lastError}</span>`)
				}
			</dl>
			<p class="links">
				<a href=${hashOf({ kind: "wall", channel: this.#name })}>Wall</a>
				${watch === undefined ? nothing : html`<a href=${watch} target="_blank" rel="noreferrer">Watch page</a>`}
				${Object.entries(urls).map(([packaging, path]) => {
					const href = this.#context.seen.addressOf(path);
					return href === undefined
						? nothing
						: html`<a href=${href} target="_blank" rel="noreferrer">.${packaging}</a>`;
				})}
			</p>
		</div>`;
	}

	#rates(channel: ChannelAnswer): TemplateResult {
		const { seen } = this.#context;
		const key = channel.renditions.map(({ name }) => name).join(" ");
		if (this.#chart?.key !== key) {
			this.#chart?.chart.destroy();
			const lines = channel.renditions.map(
				({ name }, place): ChartLine => ({ name, ink: inkOf(place), shape: "line" }),
			);
			const chart = new Chart({
				title: "Measured bit rate, Mbit/s",
				lines,
				heightPx: 200,
				windowMs: KEEP_MS,
				...BIT_RATE,
			});
			this.#chart = { key, lines, chart };
		}
		const { chart, lines } = this.#chart;
		const history = seen.channelHistory(channel);
		chart.show({ history, nowEpochMs: seen.clock.wall(), levels: levelsOf(channel) });
		return html`${chart.element} ${chartTable("Measured bit rate", lines, history, BIT_RATE.text)}`;
	}

	#watching({ viewers }: ChannelAnswer): TemplateResult {
		const caption = `Viewers of ${this.#name}`;
		const all = html`<p>
			<a href=${hashOf({ kind: "viewers", channel: this.#name })}>All ${countText(viewers)} viewers</a>
		</p>`;
		return html`<section aria-labelledby="watching">
			<h2 id="watching">Viewers</h2>
			${
				this.#viewers.length === 0
					? emptyState("Nobody is watching.")
					: viewerTable(this.#viewers, this.#context.seen, { caption, withChannel: false })
			}
			${viewers > VIEWERS_SHOWN ? all : nothing}
		</section>`;
	}
}

function renditionTable(channel: ChannelAnswer): TemplateResult {
	if (channel.renditions.length === 0) return emptyState("No rendition is known yet.");
	const table = html`<table>
		<caption class="unseen">
			Renditions
		</caption>
		<thead>
			<tr>
				<th scope="col">Name</th>
				<th scope="col" class="number">Size</th>
				<th scope="col">Codec</th>
				<th scope="col" class="number">Configured</th>
				<th scope="col" class="number">Measured</th>
				<th scope="col" class="number">Units</th>
				<th scope="col">Alignment</th>
				<th scope="col" class="number">Misaligned</th>
				<th scope="col" class="number">Late</th>
				<th scope="col" class="number">Missing</th>
				<th scope="col" class="number">Overlong</th>
				<th scope="col" class="number">Dropped</th>
			</tr>
		</thead>
		<tbody>
			${channel.renditions.map((rendition) => renditionRow(rendition, channel))}
		</tbody>
	</table>`;
	return scrolling("Renditions", table);
}

function renditionRow(rendition: RenditionAnswer, channel: ChannelAnswer): TemplateResult {
	const { name, width, height, codec, refused, aligned } = rendition;
	const state =
		refused !== undefined ? badge("refused", "bad") : aligned ? badge("aligned", "good") : badge("not aligned", "bad");
	return html`<tr>
		<th scope="row">${renditionChip(name, channel)}</th>
		<td class="number">${sizeText(width, height)}</td>
		<td>${codec ?? UNKNOWN}</td>
		<td class="number">${rendition.configuredBps === undefined ? "copied" : bitrateText(rendition.configuredBps)}</td>
		<td class="number">${bitrateText(rendition.measuredBps)}</td>
		<td class="number">${countText(rendition.units)}</td>
		<td>${state} ${refused === undefined ? nothing : html`<span class="error">${refused}</span>`}</td>
		<td class="number">${countText(rendition.misaligned)}</td>
		<td class="number">${countText(rendition.late)}</td>
		<td class="number">${countText(rendition.missing)}</td>
		<td class="number">${countText(rendition.overlong)}</td>
		<td class="number">${countText(rendition.droppedAccessUnits)}</td>
	</tr>`;
}
