/** The first page: the server's figures, and every channel with its picture. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { ChannelAnswer } from "../api-answers.ts";
import { bitrateText, countText, delayText, shareText, speedText, UNKNOWN } from "../figure-text.ts";
import { LivePictures } from "../live-pictures.ts";
import { nameOf, type ServerFigure, serverFigure } from "../observations.ts";
import { emptyState, fact, stateBadge } from "../parts.ts";
import { hashOf } from "../route.ts";
import { sparkline } from "../sparkline.ts";
import type { Page, PageContext } from "./page.ts";

export class Overview implements Page {
	readonly title = "Overview";
	readonly #context: PageContext;
	readonly #pictures = new LivePictures();

	constructor(context: PageContext) {
		this.#context = context;
	}

	async refresh(): Promise<void> {}

	view(): TemplateResult {
		const { channels, server } = this.#context.seen;
		this.#pictures.keepOnly(new Set(channels.filter(({ live }) => live).map(nameOf)));
		return html`<h1 tabindex="-1">Overview</h1>
			${this.#tiles()}
			<section aria-labelledby="channels">
				<h2 id="channels">Channels</h2>
				${server !== undefined && channels.length === 0 ? emptyState("There is no channel now.") : nothing}
				<ul class="cards">
					${repeat(channels, nameOf, (channel) => this.#card(channel))}
				</ul>
			</section>`;
	}

	close(): void {
		this.#pictures.close();
	}

	#tiles(): TemplateResult {
		const { machine, totals, viewers } = this.#context.seen.server ?? {};
		const { cpuIdle, memoryUsed, eventLoopDelayMs, egressBps, egressLimitBps, encoderSpeed } = machine ?? {};
		const accepted = totals === undefined ? UNKNOWN : `${countText(totals.viewersAccepted)} since the start`;
		const limit = egressLimitBps === undefined ? "to all viewers" : `of ${bitrateText(egressLimitBps)}`;
		const used = cpuIdle === undefined ? undefined : 1 - cpuIdle;
		return html`<section aria-labelledby="server">
			<h2 id="server" class="unseen">Server</h2>
			<dl class="tiles">
				${this.#tile("Viewers", countText(viewers), accepted, "viewers")}
				${this.#tile("Sent", bitrateText(egressBps), limit, "egress", egressLimitBps)}
				${this.#tile("CPU used", shareText(used), "of the machine", "cpuUsed", 1)}
				${this.#tile("Memory used", shareText(memoryUsed), "of the machine", "memoryUsed", 1)}
				${this.#tile("Event loop's delay", delayText(eventLoopDelayMs), "99 % are below", "eventLoopDelay")}
				${this.#tile("Slowest encoder", speedText(encoderSpeed), "of real time", "encoderSpeed")}
			</dl>
		</section>`;
	}

	#tile(name: string, value: string, hint: string, figure: ServerFigure, most?: number): TemplateResult {
		return html`<div class="tile">
			<dt>${name}</dt>
			<dd>
				<span class="figure">${value}</span>
				<span class="hint">${hint}</span>
				${sparkline(this.#context.seen.serverHistory, serverFigure(figure), most)}
			</dd>
		</div>`;
	}

	#card(channel: ChannelAnswer): TemplateResult {
		const name = nameOf(channel);
		const { ladder, renditions, viewers, source } = channel;
		const watch = this.#context.seen.addressOf(`/play/${name}`);
		const shown = renditions.map((one) => `${one.name} ${bitrateText(one.measuredBps ?? one.configuredBps)}`);
		return html`<li class="card">
			${this.#picture(channel)}
			<div class="card-text">
				<h3><a href=${hashOf({ kind: "channel", channel: name })}>${name}</a> ${stateBadge(channel)}</h3>
				<p class="source">${source}</p>
				<dl class="facts">
					${fact("Viewers", countText(viewers))} ${fact("Encoder", speedText(ladder.speed))}
					${fact("Restarts", countText(ladder.restarts))}
				</dl>
				<p class="hint">${shown.join(" · ")}</p>
				${ladder.lastError === undefined ? nothing : html`<p class="error">${ladder.lastError}</p>`}
				<p class="links">
					<a href=${hashOf({ kind: "wall", channel: name })}>Wall</a>
					<a href=${hashOf({ kind: "viewers", channel: name })}>Viewers</a>
					${watch === undefined ? nothing : html`<a href=${watch} target="_blank" rel="noreferrer">Watch page</a>`}
				</p>
			</div>
		</li>`;
	}

	#picture(channel: ChannelAnswer): TemplateResult {
		const path = channel.urls["mp4"] ?? Object.values(channel.urls)[0];
		const src = path && this.#context.seen.addressOf(path);
		if (!channel.live || !src) return html`<div class="picture">no picture</div>`;
		const rendition = channel.renditions.at(-1)?.name;
		return html`${this.#pictures.place(nameOf(channel), { src, rendition, label: `Picture of ${nameOf(channel)}` })}`;
	}
}
