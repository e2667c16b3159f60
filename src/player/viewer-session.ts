/** One session at a server: who this viewer is there, what it wishes for, and what it reports. */
import type { Clock } from "../base/clock.ts";
import type { ChannelDescription } from "../wire/channel-description.ts";
import type { ChannelClient } from "./channel-client.ts";
import type { PlayerProblem, PlayerStatistics } from "./player-model.ts";
import { ViewerReports } from "./viewer-reports.ts";

export interface ViewerSessionOptions {
	/** By which the server knows it. */
	readonly secret: string;
	readonly client: ChannelClient;
	readonly clock: Clock;
	/** What the request for the stream said. */
	readonly rendition: string;
	/** Undefined where nothing is to be reported. */
	readonly statistics: (() => PlayerStatistics) | undefined;
	/** Where the picture is shown, if its size limits what is of use. */
	readonly limitTo: HTMLElement | undefined;
	readonly onDescription: (description: ChannelDescription) => void;
	/** A wish was not taken; `rendition` is the one before it. */
	readonly onRefusal: (problem: PlayerProblem, rendition: string) => void;
}

/** Renditions hardly ever change, their measured bit rates a little. */
const DESCRIBE_MS = 15_000;
/** After no answer. */
const ASK_AGAIN_MS = 4000;

export class ViewerSession {
	readonly #options: ViewerSessionOptions;
	readonly #reports: ViewerReports | undefined;
	/** What the server knows. */
	#rendition: string;
	#wished: string;
	#describeAt = Number.NEGATIVE_INFINITY;
	#over = false;

	constructor(options: ViewerSessionOptions) {
		const { rendition, secret: session, client, clock, statistics, limitTo } = options;
		this.#options = options;
		this.#rendition = rendition;
		this.#wished = rendition;
		const urlOf = client.reportUrl.bind(client);
		if (statistics !== undefined) {
			this.#reports = new ViewerReports({ session, urlOf, clock, statistics, limitTo });
		}
		void this.#describe();
	}

	/** Asks for another rendition, or leaves it to the server ("auto"): playing goes on. */
	async wish(rendition: string): Promise<void> {
		if (rendition === this.#wished) return;
		this.#wished = rendition;
		const problem = await this.#options.client.wish(this.#options.secret, rendition);
		if (this.#over) return;
		if (problem === undefined) {
			this.#rendition = rendition;
		} else if (rendition === this.#wished) {
			this.#wished = this.#rendition;
			this.#options.onRefusal(problem, this.#rendition);
		}
	}

	/** Called often. */
	tick(): void {
		this.#reports?.tick();
		if (this.#options.clock.now() >= this.#describeAt) void this.#describe();
	}

	/** The first picture of another rendition is shown; `unit` is the one that it begins with. */
	switched(unit: number | undefined): void {
		this.#reports?.switched(unit);
	}

	destroy(): void {
		this.#over = true;
		this.#reports?.destroy();
	}

	async #describe(): Promise<void> {
		const { client, clock, onDescription } = this.#options;
		const now = clock.now();
		this.#describeAt = now + DESCRIBE_MS;
		const description = await client.describe(now);
		if (this.#over) return;
		if (description === undefined) {
			this.#describeAt = clock.now() + ASK_AGAIN_MS;
			return;
		}
		this.#reports?.described(description);
		onDescription(description);
	}
}
