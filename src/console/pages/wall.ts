/**
 * The wall: one channel watched four times at once, once in each packaging. Who narrows a link sees the server move that
 * viewer to another rendition.
 */
import { html, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { ChannelAnswer } from "../api-answers.ts";
import { nameOf } from "../observations.ts";
import { emptyState } from "../parts.ts";
import { hashOf } from "../route.ts";
import { throttle } from "../throttle.ts";
import type { Page, PageContext } from "./page.ts";
import { WallTile } from "./wall-tile.ts";

const TITLES: Readonly<Record<string, string>> = {
	mp4: "fragmented MP4",
	flv: "FLV",
	ts: "MPEG-TS",
	rtp: "MPEG-TS in RTP",
};

/** A channel's source by this name carries in its picture when it was made. */
const TEST_PATTERN = "test pattern";

export class Wall implements Page {
	readonly #context: PageContext;
	readonly #asked: string | undefined;
	#tiles: readonly WallTile[] = [];
	/** Whose tiles they are: the first channel that there is may be another one later. */
	#shown: string | undefined;

	/** @param channel `app/stream`; left out: the first there is */
	constructor(context: PageContext, channel: string | undefined) {
		this.#context = context;
		this.#asked = channel;
	}

	get title(): string {
		const { name } = this;
		return name === undefined ? "Wall" : `Wall of ${name}`;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		await Promise.all(this.#tiles.map((tile) => tile.refresh(signal)));
	}

	view(): TemplateResult {
		const { seen } = this.#context;
		const channel = seen.channel(this.name);
		if (channel === undefined) {
			const text = seen.server === undefined ? "Waiting for the API …" : `There is no channel ${this.name ?? ""}.`;
			return html`<h1 tabindex="-1">${this.title}</h1>
				${emptyState(html`${text} <a href="#/">Go to the overview.</a>`)}`;
		}
		this.#openTiles(channel);
		return html`<div class="wall-head">
				<h1 tabindex="-1">${this.title}</h1>
				${this.#choice()} ${this.#all()}
			</div>
			<p class="lead">
				Four viewers of one channel, each a single HTTP response. Narrow a link, and the server moves that viewer to the
				rendition that fits, at the end of a unit, inside the same response.
			</p>
			<div class="wall">
				${repeat(
					this.#tiles,
					({ settings }) => settings.packaging,
					(tile) => tile.view(channel),
				)}
				${this.#unfit(channel)}
			</div>`;
	}

	close(): void {
		for (const tile of this.#tiles) tile.close();
	}

	get name(): string | undefined {
		const [first] = this.#context.seen.channels;
		return this.#asked ?? (first && nameOf(first));
	}

	#openTiles(channel: ChannelAnswer): void {
		const name = nameOf(channel);
		if (this.#tiles.length > 0 && this.#shown === name) return;
		this.close();
		this.#shown = name;
		const readSignal = channel.source === TEST_PATTERN;
		this.#tiles = Object.keys(TITLES).flatMap((packaging, turn) => {
			const path = channel.urls[packaging];
			const src = path && this.#context.seen.addressOf(path, turn);
			return src ? [new WallTile(this.#context, { packaging, title: TITLES[packaging]!, src, readSignal })] : [];
		});
		this.#context.again();
	}

	#choice(): TemplateResult {
		const names = this.#context.seen.channels.map(nameOf);
		if (names.length < 2) return html``;
		const go = (event: Event): void => {
			location.hash = hashOf({ kind: "wall", channel: (event.target as HTMLSelectElement).value });
		};
		return html`<label>
			Channel
			<select @change=${go}>
				${names.map((name) => html`<option value=${name} ?selected=${name === this.name}>${name}</option>`)}
			</select>
		</label>`;
	}

	#all(): TemplateResult {
		const [first, ...rest] = this.#tiles;
		const same = first !== undefined && rest.every(({ limit }) => limit === first.limit);
		return throttle({
			name: "throttle-all",
			legend: "Throttle all links, Mbit/s",
			chosen: same ? first.limit : undefined,
			disabled: first === undefined,
			choose: (limit) => {
				for (const tile of this.#tiles) void tile.throttle(limit);
			},
		});
	}

	#unfit({ urls }: ChannelAnswer): TemplateResult[] {
		const missing = Object.keys(TITLES).filter((packaging) => urls[packaging] === undefined);
		return missing.map(
			(packaging) => html`<article class="wall-tile">
				<h2><code>.${packaging}</code> ${TITLES[packaging]}</h2>
				${emptyState("This packaging cannot carry the channel's codecs.")}
			</article>`,
		);
	}
}
