/** One viewer: what it gets and why, and what an operator may do to it. */
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { ChannelAnswer, DecisionAnswer, ViewerAnswer } from "../api-answers.ts";
import { ApiProblem } from "../api-client.ts";
import { BIT_RATE, bitrateOf, levelsOf, topOf } from "../bit-rate-chart.ts";
import { Chart } from "../chart.ts";
import { chartTable } from "../chart-table.ts";
import { decisionList, told } from "../decision-list.ts";
import { bitrateText, bytesText, countText, delayText, shareText, spanText } from "../figure-text.ts";
import { History, KEEP_MS } from "../history.ts";
import { badge, emptyState, fact, renditionChip } from "../parts.ts";
import { hashOf } from "../route.ts";
import { throttle } from "../throttle.ts";
import { ViewerCommands } from "../viewer-commands.ts";
import { historySoFar, VIEWER_LINES, viewerSample } from "../viewer-history.ts";
import { capacityText, dropsOf, dropsText, shortId } from "../viewer-table.ts";
import type { Page, PageContext } from "./page.ts";

interface Asked {
	readonly wish?: string;
	readonly maxBps?: number | null;
}

export class Viewer implements Page {
	readonly title: string;
	readonly #context: PageContext;
	readonly #id: string;
	readonly #commands: ViewerCommands;
	readonly #chart = new Chart({
		...{ title: "Bit rates, Mbit/s", lines: VIEWER_LINES, heightPx: 240, windowMs: KEEP_MS, ...BIT_RATE },
	});
	#viewer: ViewerAnswer | undefined;
	#decisions: readonly DecisionAnswer[] = [];
	#gone = false;
	/** What the operator has asked for and the server has not answered yet. */
	#asked: Asked = {};

	constructor(context: PageContext, id: string) {
		this.#context = context;
		this.#id = id;
		this.#commands = new ViewerCommands(context.seen.api, context.notices);
		this.title = `Viewer ${shortId(id)}`;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		// Who is gone does not come back under this id.
		if (this.#gone) return;
		const path = `viewers/${encodeURIComponent(this.#id)}`;
		const { api } = this.#context.seen;
		try {
			const [viewer, { decisions }] = await Promise.all([
				api.get<ViewerAnswer>(path, signal),
				api.get<{ decisions: DecisionAnswer[] }>(`${path}/decisions`, signal),
			]);
			this.#viewer = viewer;
			this.#decisions = decisions;
			this.#remember(viewer);
		} catch (error) {
			if (!(error instanceof ApiProblem && error.status === 404)) throw error;
			this.#gone = true;
		}
	}

	view(): TemplateResult {
		const viewer = this.#viewer;
		if (viewer === undefined) {
			const text = this.#gone ? "There is no such viewer; it may have left." : "Waiting for the API …";
			return html`<h1 tabindex="-1">${this.title}</h1>
				${emptyState(html`${text} <a href="#/viewers">Go to the viewers.</a>`)}`;
		}
		const channel = this.#context.seen.channel(viewer.channel);
		return html`<h1 tabindex="-1">${this.title} ${this.#gone ? badge("has left", "calm") : nothing}</h1>
			<div class="beside">
				${this.#facts(viewer, channel)} ${this.#controls(viewer, channel)}
			</div>
			<section aria-labelledby="bit-rates">
				<h2 id="bit-rates">What it is sent, and what its network takes</h2>
				${this.#rates(channel)}
			</section>
			<section aria-labelledby="decisions">
				<h2 id="decisions">Decisions</h2>
				<p class="hint">Switches, plans, and holds with another cause than before; the newest first.</p>
				${decisionList(this.#decisions, channel)}
			</section>`;
	}

	close(): void {
		this.#chart.destroy();
	}

	#remember(viewer: ViewerAnswer): void {
		const now = this.#context.seen.clock.wall();
		const rateOf = this.#rateOf(viewer);
		const history = this.#context.seen.histories.open(`viewer ${this.#id}`, () =>
			historySoFar(viewer, this.#decisions, rateOf, now),
		);
		history.add(now, viewerSample(viewer, rateOf));
	}

	/** As configured, so that the steps do not wobble. */
	#rateOf(viewer: ViewerAnswer): (rendition: string) => number | undefined {
		const renditions = this.#context.seen.channel(viewer.channel)?.renditions ?? [];
		return (name) => {
			const rendition = renditions.find((one) => one.name === name);
			return rendition?.configuredBps ?? bitrateOf(rendition);
		};
	}

	#facts(viewer: ViewerAnswer, channel: ChannelAnswer | undefined): TemplateResult {
		const { figures, told: said, network } = viewer;
		const connected = spanText(this.#context.seen.clock.wall() - Date.parse(viewer.connectedAt));
		const shown = said.renditionShown === undefined || said.renditionShown === viewer.rendition;
		return html`<dl class="facts">
			${fact("Address", viewer.remoteAddress)}
			${fact("Channel", html`<a href=${hashOf({ kind: "channel", channel: viewer.channel })}>${viewer.channel}</a>`)}
			${fact("Packaging", `.${viewer.packaging}`)} ${fact("Player", viewer.userAgent || "does not say")}
			${fact("Connected for", connected)}
			${fact("Rendition", renditionChip(viewer.rendition, channel), shown ? nothing : `shows ${said.renditionShown}`)}
			${fact("Wish", viewer.wish)} ${fact("Sent", bytesText(viewer.bytesSent))}
			${fact("Estimated", capacityText(network), "by the connection")}
			${told("Reported", figures.bandwidthBps, bitrateText)} ${told("Buffer", figures.bufferMs, delayText)}
			${said.delayMs === undefined ? nothing : fact("Delay", delayText(said.delayMs), "reported")}
			${told("CPU idle", figures.cpuIdle, shareText)} ${told("Frames dropped", figures.droppedShare, shareText)}
			${told("Decodes up to", figures.smoothUpTo, String)}
			${said.stalls === undefined ? nothing : fact("Stalls", countText(said.stalls), delayText(said.stalledMs))}
			${fact("Switches", countText(viewer.switches))} ${fact("Lag", delayText(viewer.lagMs))}
			${fact("Drops", countText(dropsOf(viewer)), dropsText(viewer) || nothing)}
		</dl>`;
	}

	#controls(viewer: ViewerAnswer, channel: ChannelAnswer | undefined): TemplateResult {
		const { wish = viewer.wish, maxBps = viewer.maxBps ?? null } = this.#asked;
		const ask = (asked: Asked): void => void this.#ask(asked);
		const renditions = ["auto", ...(channel?.renditions ?? []).map(({ name }) => name)];
		return html`<section class="controls" aria-labelledby="controls">
			<h2 id="controls">Controls</h2>
			<label>
				Rendition
				<select
					?disabled=${this.#gone}
					.value=${live(wish)}
					@change=${(event: Event) => ask({ wish: (event.target as HTMLSelectElement).value })}
				>
					${renditions.map((name) => html`<option value=${name}>${name === "auto" ? "auto: the server chooses" : name}</option>`)}
				</select>
			</label>
			${throttle({
				name: "limit",
				legend: "Link, Mbit/s",
				chosen: maxBps,
				disabled: this.#gone,
				choose: (limit) => ask({ maxBps: limit }),
			})}
			<button
				class="danger"
				?disabled=${this.#gone}
				@click=${() => void this.#end(viewer.remoteAddress)}
			>
				End the stream …
			</button>
		</section>`;
	}

	async #ask(asked: Asked): Promise<void> {
		const { wish, maxBps } = asked;
		this.#asked = asked;
		this.#context.draw();
		const answer =
			wish !== undefined
				? await this.#commands.wish(this.#id, wish)
				: await this.#commands.limit(this.#id, maxBps ?? null);
		this.#viewer = answer ?? this.#viewer;
		// What was asked for in the meantime is still to be answered.
		if (this.#asked === asked) this.#asked = {};
		this.#context.draw();
		this.#context.again();
	}

	async #end(address: string): Promise<void> {
		await this.#commands.kick(this.#id, address);
		this.#context.again();
	}

	#rates(channel: ChannelAnswer | undefined): TemplateResult {
		const { histories, clock } = this.#context.seen;
		const history = histories.open(`viewer ${this.#id}`, () => new History(VIEWER_LINES.length));
		const levels = levelsOf(channel);
		this.#chart.show({ history, nowEpochMs: clock.wall(), levels, top: topOf(levels) });
		return html`${this.#chart.element} ${chartTable("Bit rates", VIEWER_LINES, history, BIT_RATE.text)}`;
	}
}
