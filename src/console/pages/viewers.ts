/** All viewers, or those of a channel, a page at a time; found by address, packaging or rendition. RTSP's players below. */
import { html, nothing, type TemplateResult } from "lit-html";
import type { ViewerAnswer } from "../api-answers.ts";
import { countText } from "../figure-text.ts";
import { nameOf } from "../observations.ts";
import { lastPage, PAGE_ROWS, pageButtons, partText } from "../paging.ts";
import { emptyState } from "../parts.ts";
import { PlayerList } from "../player-list.ts";
import { hashOf } from "../route.ts";
import { ViewerCommands } from "../viewer-commands.ts";
import { viewerTable } from "../viewer-table.ts";
import type { Page, PageContext } from "./page.ts";

/** What is asked for where the page itself looks through them: the most that the API gives at once. */
const SEARCH_ROWS = 1_000;

interface ViewersAnswer {
	readonly viewers: readonly ViewerAnswer[];
	readonly total: number;
}

export class Viewers implements Page {
	readonly title = "Viewers";
	readonly #context: PageContext;
	readonly #channel: string | undefined;
	readonly #commands: ViewerCommands;
	readonly #players: PlayerList;
	#answer: ViewersAnswer | undefined;
	#first = 0;
	#search = "";

	constructor(context: PageContext, channel: string | undefined) {
		this.#context = context;
		this.#channel = channel;
		this.#commands = new ViewerCommands(context.seen.api, context.notices);
		this.#players = new PlayerList(context, channel);
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const searching = this.#search !== "";
		const query = new URLSearchParams({
			...(this.#channel !== undefined && { channel: this.#channel }),
			limit: String(searching ? SEARCH_ROWS : PAGE_ROWS),
			offset: String(searching ? 0 : this.#first),
		});
		[this.#answer] = await Promise.all([
			this.#context.seen.api.get<ViewersAnswer>(`viewers?${query}`, signal),
			this.#players.refresh(signal),
		]);
		// Viewers leave, and then there may be no such page any more.
		if (!searching) this.#first = Math.min(this.#first, lastPage(this.#answer.total));
	}

	view(): TemplateResult {
		const { viewers = [], total = 0 } = this.#answer ?? {};
		const found = viewers.filter((viewer) => fits(viewer, this.#search));
		const shown = found.slice(0, PAGE_ROWS);
		const caption = this.#channel === undefined ? "Viewers" : `Viewers of ${this.#channel}`;
		const end = (viewer: ViewerAnswer): void => void this.#end(viewer);
		return html`<h1 tabindex="-1">Viewers</h1>
			${this.#filter()}
			${
				shown.length === 0
					? emptyState(this.#whyEmpty(total))
					: viewerTable(shown, this.#context.seen, { caption, withChannel: this.#channel === undefined, end })
			}
			${this.#paging(shown.length, found.length, total)} ${this.#players.view()}`;
	}

	close(): void {}

	#whyEmpty(total: number): string {
		if (this.#answer === undefined) return "Waiting for the API …";
		if (total > 0) return "No viewer fits this search.";
		return this.#players.total === 0 ? "Nobody is watching." : "Nobody is watching by HTTP.";
	}

	async #end({ id, remoteAddress }: ViewerAnswer): Promise<void> {
		await this.#commands.kick(id, remoteAddress);
		this.#context.again();
	}

	#filter(): TemplateResult {
		const chosen = this.#channel ?? "";
		const names = this.#context.seen.channels.map(nameOf);
		const go = (event: Event): void => {
			const { value } = event.target as HTMLSelectElement;
			location.hash = hashOf({ kind: "viewers", channel: value === "" ? undefined : value });
		};
		return html`<form class="filter" role="search" @submit=${(event: Event) => event.preventDefault()}>
			<label>
				Channel
				<select @change=${go}>
					<option value="" ?selected=${chosen === ""}>all</option>
					${names.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
				</select>
			</label>
			<label>
				Find
				<input
					type="search"
					placeholder="address, packaging, rendition"
					.value=${this.#search}
					@input=${(event: Event) => this.#find((event.target as HTMLInputElement).value)}
				/>
			</label>
		</form>`;
	}

	#find(text: string): void {
		this.#search = text.trim();
		this.#first = 0;
		this.#context.draw();
		this.#context.again();
	}

	#paging(shown: number, found: number, total: number): TemplateResult {
		const searching = this.#search !== "";
		const unseen = total > SEARCH_ROWS ? `, looked for among the first ${countText(SEARCH_ROWS)}` : "";
		const text = searching
			? `${countText(found)} of ${countText(total)}${unseen}`
			: partText(this.#first, shown, total);
		const turnTo = (row: number): void => {
			this.#first = row;
			this.#context.again();
		};
		return html`<p class="paging">
			<span>${text}</span>
			${searching || total <= PAGE_ROWS ? nothing : pageButtons(this.#first, total, turnTo)}
		</p>`;
	}
}

/** Whether each word of the search stands somewhere in what the table shows of the viewer. */
function fits({ id, remoteAddress, packaging, rendition, wish, channel, userAgent }: ViewerAnswer, search: string) {
	const text = [id, remoteAddress, `.${packaging}`, rendition, wish, channel, userAgent].join(" ").toLowerCase();
	return search
		.toLowerCase()
		.split(/\s+/)
		.every((word) => text.includes(word));
}
