/** Who plays by RTSP: a row each, a page at a time, and a button that ends it. Nothing where nobody does. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { PlayerAnswer } from "./api-answers.ts";
import { confirm } from "./confirmation.ts";
import { bytesText, countText, spanText, UNKNOWN } from "./figure-text.ts";
import type { PageContext } from "./pages/page.ts";
import { lastPage, PAGE_ROWS, pageButtons, partText } from "./paging.ts";
import { badge, scrolling } from "./parts.ts";

interface PlayersAnswer {
	readonly players: readonly PlayerAnswer[];
	readonly total: number;
}

export class PlayerList {
	readonly #context: PageContext;
	readonly #channel: string | undefined;
	#answer: PlayersAnswer = { players: [], total: 0 };
	#first = 0;

	/** @param channel whose players alone are shown: `app/stream` */
	constructor(context: PageContext, channel: string | undefined) {
		this.#context = context;
		this.#channel = channel;
	}

	get total(): number {
		return this.#answer.total;
	}

	/** @throws ApiProblem */
	async refresh(signal: AbortSignal): Promise<void> {
		const query = new URLSearchParams({
			...(this.#channel !== undefined && { channel: this.#channel }),
			...{ limit: String(PAGE_ROWS), offset: String(this.#first) },
		});
		this.#answer = await this.#context.seen.api.get<PlayersAnswer>(`players?${query}`, signal);
		// Players leave, and then there may be no such page any more.
		this.#first = Math.min(this.#first, lastPage(this.total));
	}

	view(): TemplateResult | typeof nothing {
		const { players, total } = this.#answer;
		if (total === 0) return nothing;
		const turnTo = (row: number): void => {
			this.#first = row;
			this.#context.again();
		};
		return html`<section aria-labelledby="players">
			<h2 id="players">By RTSP</h2>
			${this.#table(players)}
			<p class="paging">
				<span>${partText(this.#first, players.length, total)}</span>
				${total <= PAGE_ROWS ? nothing : pageButtons(this.#first, total, turnTo)}
			</p>
		</section>`;
	}

	#table(players: readonly PlayerAnswer[]): TemplateResult {
		const table = html`<table>
			<caption class="unseen">
				Players of RTSP
			</caption>
			<thead>
				<tr>
					<th scope="col">Player</th>
					<th scope="col">Stream</th>
					<th scope="col">Let in by</th>
					<th scope="col">Media</th>
					<th scope="col">State</th>
					<th scope="col" class="number">For</th>
					<th scope="col" class="number">Packets</th>
					<th scope="col" class="number">Sent</th>
					<th scope="col"><span class="unseen">End</span></th>
				</tr>
			</thead>
			<tbody>
				${repeat(
					players,
					({ id }) => id,
					(player) => this.#row(player),
				)}
			</tbody>
		</table>`;
		return scrolling("Players of RTSP", table);
	}

	#row(player: PlayerAnswer): TemplateResult {
		const { id, channel, remoteAddress, principal, since, playing, media } = player;
		const ways = media.map(
			({ kind, transport }) => `${kind} by ${transport === "multicast" ? transport : transport.toUpperCase()}`,
		);
		return html`<tr>
			<th scope="row">${remoteAddress} <span class="hint">${id}</span></th>
			<td>${channel}</td>
			<td>${principal}</td>
			<td>${ways.length === 0 ? UNKNOWN : ways.join(", ")}</td>
			<td>${playing ? badge("playing", "good") : badge("waiting", "calm")}</td>
			<td class="number">${spanText(this.#context.seen.clock.wall() - Date.parse(since))}</td>
			<td class="number">${countText(sumOf(player, "packets"))}</td>
			<td class="number">${bytesText(sumOf(player, "bytes"))}</td>
			<td><button @click=${() => void this.#kick(player)}>End</button></td>
		</tr>`;
	}

	async #kick({ id, channel, remoteAddress }: PlayerAnswer): Promise<void> {
		const { seen, notices, again } = this.#context;
		const yes = await confirm({
			title: `End what ${remoteAddress} plays?`,
			text: `Its connection is closed at once, and no packet of ${channel} is sent to it any more. It may connect again by itself.`,
			action: "End the session",
		});
		if (!yes) return;
		await notices.tell(
			seen.api.delete(`players/${encodeURIComponent(id)}`),
			`The session of ${remoteAddress} was ended.`,
		);
		again();
	}
}

/** Of those media that somebody counts; undefined where there is none. */
function sumOf({ media }: PlayerAnswer, figure: "packets" | "bytes"): number | undefined {
	const known = media.flatMap((medium) => medium[figure] ?? []);
	return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
}
