/** One tile of the wall: a viewer in one packaging, what it plays, why, and a throttle for its link. */
import { html, nothing, type TemplateResult } from "lit-html";
import type { PenstockPlayerElement } from "../../player/element/player-element.ts";
import type { ChannelAnswer, ViewerAnswer } from "../api-answers.ts";
import { ApiProblem } from "../api-client.ts";
import { BIT_RATE, bitrateOf, levelsOf, topOf } from "../bit-rate-chart.ts";
import { Chart } from "../chart.ts";
import { bitrateText, delayText, sizeText, spanText, UNKNOWN } from "../figure-text.ts";
import { History, type Sample } from "../history.ts";
import { renditionChip } from "../parts.ts";
import { openPicture } from "../picture.ts";
import { hashOf } from "../route.ts";
import { throttle } from "../throttle.ts";
import { ViewerCommands } from "../viewer-commands.ts";
import { VIEWER_LINES, viewerSample } from "../viewer-history.ts";
import type { PageContext } from "./page.ts";

const WINDOW_MS = 60_000;
const CHART_HEIGHT_PX = 132;

/** Narrower than with its unit, which the chart's title has. */
const megabitsText = (bps: Sample): string => (bps === null ? UNKNOWN : (bps / 1e6).toFixed(2));

export interface TileSettings {
	readonly packaging: string;
	/** What people call it. */
	readonly title: string;
	readonly src: string;
	/** It shows the test picture, which tells its age. */
	readonly readSignal: boolean;
}

export class WallTile {
	readonly settings: TileSettings;
	readonly #context: PageContext;
	readonly #commands: ViewerCommands;
	readonly #player: PenstockPlayerElement;
	readonly #history = new History(VIEWER_LINES.length);
	readonly #chart = new Chart({
		...{ title: "Mbit/s, the last minute", lines: VIEWER_LINES, heightPx: CHART_HEIGHT_PX, windowMs: WINDOW_MS },
		...{ text: megabitsText, tick: BIT_RATE.tick },
	});
	#viewer: ViewerAnswer | undefined;
	/** Who has left; the player may not know it yet. */
	#gone: string | undefined;
	#limit: number | null = null;
	/** Whose connection was held to it: a player that connects again is another viewer. */
	#held: string | undefined;

	constructor(context: PageContext, settings: TileSettings) {
		this.settings = settings;
		this.#context = context;
		this.#commands = new ViewerCommands(context.seen.api, context.notices);
		const { src, title, readSignal } = settings;
		this.#player = openPicture({ src, label: `${title}, live`, controls: true, readSignal });
		this.#player.addEventListener("renditionchange", context.draw);
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const id = this.#player.viewer;
		if (id === undefined || id === this.#gone) return;
		try {
			const path = `viewers/${encodeURIComponent(id)}`;
			this.#viewer = await this.#context.seen.api.get<ViewerAnswer>(path, signal);
			this.#remember(this.#viewer);
			await this.#holdAgain(id);
		} catch (error) {
			if (!(error instanceof ApiProblem && error.status === 404)) throw error;
			this.#viewer = undefined;
			this.#gone = id;
		}
	}

	/** Holds this tile's link to so much, and every connection that its player opens later. */
	async throttle(limit: number | null): Promise<void> {
		const before = this.#limit;
		this.#limit = limit;
		this.#context.draw();
		const id = this.#player.viewer;
		if (id === undefined) return;
		this.#held = id;
		const answer = await this.#commands.limit(id, limit);
		// A later choice stands.
		if (answer === undefined && this.#limit === limit) this.#limit = before;
		this.#context.draw();
		this.#context.again();
	}

	get limit(): number | null {
		return this.#limit;
	}

	view(channel: ChannelAnswer | undefined): TemplateResult {
		const { packaging, title } = this.settings;
		const id = `tile-${packaging}`;
		return html`<article class="wall-tile" aria-labelledby=${id}>
			<h2 id=${id}><code>.${packaging}</code> ${title}</h2>
			<div class="picture">${this.#player}</div>
			${this.#plays(channel)} ${this.#why(channel)} ${this.#rates(channel)}
			${throttle({
				name: `throttle-${packaging}`,
				legend: "Throttle this link, Mbit/s",
				chosen: this.#limit,
				disabled: this.#viewer === undefined,
				choose: (limit) => void this.throttle(limit),
			})}
		</article>`;
	}

	close(): void {
		this.#chart.destroy();
	}

	async #holdAgain(id: string): Promise<void> {
		if (this.#limit === null || this.#held === id) return;
		this.#held = id;
		if (!(await this.#commands.limit(id, this.#limit))) this.#limit = null;
	}

	#remember(viewer: ViewerAnswer): void {
		const channel = this.#context.seen.channel(viewer.channel);
		const rateOf = (name: string): number | undefined => {
			const rendition = channel?.renditions.find((one) => one.name === name);
			return rendition?.configuredBps ?? bitrateOf(rendition);
		};
		this.#history.add(this.#context.seen.clock.wall(), viewerSample(viewer, rateOf));
	}

	#plays(channel: ChannelAnswer | undefined): TemplateResult {
		const { rendition, bitrateBps, latencyMs, glassToGlassMs } = this.#player.statistics ?? {};
		return html`<dl class="plays">
			<div><dt>Plays</dt><dd>${renditionChip(rendition?.name, channel)}</dd></div>
			<div><dt>Size</dt><dd>${sizeText(rendition?.width, rendition?.height)}</dd></div>
			<div><dt>Bit rate</dt><dd>${bitrateText(bitrateBps)}</dd></div>
			<div><dt>Delay</dt><dd>${delayText(glassToGlassMs ?? latencyMs)}</dd></div>
		</dl>`;
	}

	#why(channel: ChannelAnswer | undefined): TemplateResult {
		const viewer = this.#viewer;
		if (viewer === undefined) return html`<div class="reason"><p class="hint">Connecting …</p></div>`;
		const last = viewer.lastSwitches.at(-1);
		const ago = last && spanText(this.#context.seen.clock.wall() - Date.parse(last.at));
		const switched =
			last &&
			html`${renditionChip(last.from, channel)} → ${renditionChip(last.to, channel)}
			<span class="hint">${ago} ago</span>: ${last.because.text}`;
		return html`<div class="reason">
			<p>${switched ?? "Not switched yet."}</p>
			<p class="hint">
				${viewer.decision === undefined ? nothing : html`Now: ${viewer.decision.text}.`}
				<a href=${hashOf({ kind: "viewer", id: viewer.id })}>All decisions</a>
			</p>
		</div>`;
	}

	#rates(channel: ChannelAnswer | undefined): TemplateResult {
		const levels = levelsOf(channel);
		const nowEpochMs = this.#context.seen.clock.wall();
		this.#chart.show({ history: this.#history, nowEpochMs, levels, top: topOf(levels) });
		return html`${this.#chart.element}`;
	}
}
