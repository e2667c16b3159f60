/**
 * What every page needs to know: the server's newest figures and channels, how they were before, and whether the API
 * answers at all.
 */
import type { Clock } from "../base/clock.ts";
import type { ChannelAnswer, ServerAnswer, TotalsAnswer } from "./api-answers.ts";
import type { ApiClient } from "./api-client.ts";
import { type Columns, History, HistoryBook } from "./history.ts";

/** The columns of the server's history. */
export const SERVER_FIGURES = ["viewers", "egress", "cpuUsed", "memoryUsed", "eventLoopDelay", "encoderSpeed"] as const;
export type ServerFigure = (typeof SERVER_FIGURES)[number];
export const serverFigure = (figure: ServerFigure): number => SERVER_FIGURES.indexOf(figure);

/** A minute of counters at a sample a second. */
const TOTALS_KEPT = 61;

export class Observations {
	readonly api: ApiClient;
	readonly clock: Clock;
	readonly histories = new HistoryBook();
	server: ServerAnswer | undefined;
	channels: readonly ChannelAnswer[] = [];
	/** Why the newest figures are old; undefined while the API answers. */
	problem: string | undefined;
	readonly #totals: { readonly at: number; readonly totals: TotalsAnswer }[] = [];

	constructor(api: ApiClient, clock: Clock) {
		this.api = api;
		this.clock = clock;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const [server, { channels }] = await Promise.all([
			this.api.get<ServerAnswer>("server", signal),
			this.api.get<{ channels: ChannelAnswer[] }>("channels", signal),
		]);
		// Another start is another server: what it counts begins anew.
		if (this.server?.startedAt !== server.startedAt) this.#totals.length = 0;
		this.server = server;
		this.channels = channels;
		this.#remember(server, channels);
	}

	channel(name: string | undefined): ChannelAnswer | undefined {
		return this.channels.find((channel) => nameOf(channel) === name);
	}

	get serverHistory(): Columns {
		return this.#serverHistory();
	}

	/** Measured bit rates, a column for each rendition. */
	channelHistory(channel: ChannelAnswer): History {
		const names = channel.renditions.map(({ name }) => name);
		return this.histories.open(`channel ${nameOf(channel)} ${names.join(" ")}`, () => new History(names.length));
	}

	/** The counters of a minute ago, or the oldest there are; and how long ago that was. */
	get totalsBefore(): { readonly totals: TotalsAnswer; readonly agoMs: number } | undefined {
		const [oldest] = this.#totals;
		return oldest && { totals: oldest.totals, agoMs: this.clock.now() - oldest.at };
	}

	/** Where a browser finds a stream; several addresses of the same server are taken in turn. */
	addressOf(path: string, turn = 0): string | undefined {
		const origins = this.server?.mediaOrigins ?? [];
		return origins.length === 0 ? undefined : `${origins[turn % origins.length]}${path}`;
	}

	#serverHistory(): History {
		return this.histories.open("server", () => new History(SERVER_FIGURES.length));
	}

	#remember({ machine, totals, viewers }: ServerAnswer, channels: readonly ChannelAnswer[]): void {
		const now = this.clock.wall();
		const { cpuIdle, memoryUsed, eventLoopDelayMs, egressBps, encoderSpeed } = machine;
		const cpuUsed = cpuIdle === undefined ? undefined : 1 - cpuIdle;
		this.#serverHistory().add(now, [viewers, egressBps, cpuUsed, memoryUsed, eventLoopDelayMs, encoderSpeed]);
		for (const channel of channels) {
			this.channelHistory(channel).add(
				now,
				channel.renditions.map(({ measuredBps }) => measuredBps),
			);
		}
		this.#totals.push({ at: this.clock.now(), totals });
		if (this.#totals.length > TOTALS_KEPT) this.#totals.shift();
	}
}

/** `app/stream` */
export const nameOf = ({ app, stream }: Pick<ChannelAnswer, "app" | "stream">): string => `${app}/${stream}`;
