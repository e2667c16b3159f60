/** What an operator does to a viewer; what came of it is told, and commands resolve with the viewer as it then is. */
import type { ViewerAnswer } from "./api-answers.ts";
import type { ApiClient } from "./api-client.ts";
import { confirm } from "./confirmation.ts";
import type { Notices } from "./notices.ts";

/** What a viewer's connection may be held to, in bit/s; null is no limit. */
export const LIMITS: readonly (number | null)[] = [null, 4_000_000, 2_000_000, 1_000_000, 500_000];

export const limitText = (maxBps: number | null): string => (maxBps === null ? "full" : String(maxBps / 1e6));

export class ViewerCommands {
	readonly #api: ApiClient;
	readonly #notices: Notices;

	constructor(api: ApiClient, notices: Notices) {
		this.#api = api;
		this.#notices = notices;
	}

	/** @param rendition its name, or "auto" */
	wish(id: string, rendition: string): Promise<ViewerAnswer | undefined> {
		const done = rendition === "auto" ? "The server chooses for this viewer again." : `Held at ${rendition}.`;
		return this.#notices.tell(this.#api.put<ViewerAnswer>(`${pathOf(id)}/rendition`, { rendition }), done);
	}

	limit(id: string, maxBps: number | null): Promise<ViewerAnswer | undefined> {
		const done = maxBps === null ? "The limit is lifted." : `The viewer's link is held to ${limitText(maxBps)} Mbit/s.`;
		return this.#notices.tell(this.#api.put<ViewerAnswer>(`${pathOf(id)}/limit`, { maxBps }), done);
	}

	/** Asks first. */
	async kick(id: string, address: string): Promise<void> {
		const yes = await confirm({
			title: "End this viewer's stream?",
			text: `The connection of ${address} is closed at once. Its player may connect again by itself.`,
			action: "End the stream",
		});
		if (yes) await this.#notices.tell(this.#api.delete(pathOf(id)), `The stream of ${address} was ended.`);
	}
}

const pathOf = (id: string): string => `viewers/${encodeURIComponent(id)}`;
