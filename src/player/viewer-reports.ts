/** Reports of one session, from its first second to its last: what to tell, and when. */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";
import type { ChannelDescription } from "../wire/channel-description.ts";
import type { ReportServer } from "../wire/viewer-report.ts";
import { CpuPressure } from "./cpu-pressure.ts";
import type { PlayerStatistics } from "./player-model.ts";
import { reportFigures, type SessionStart } from "./report-figures.ts";
import { ReportSender } from "./report-sender.ts";
import { smoothUpTo } from "./smooth-rendition.ts";
import { usefulBitrate } from "./useful-bitrate.ts";

export interface ViewerReportsOptions {
	readonly session: string;
	readonly urlOf: (server: ReportServer) => string | undefined;
	readonly clock: Clock;
	readonly statistics: () => PlayerStatistics;
	/** Where the picture is shown, if its size limits what is of use. */
	readonly limitTo: HTMLElement | undefined;
}

const INTERVAL_MS = 1000;

export class ViewerReports {
	readonly #options: ViewerReportsOptions;
	readonly #sender: ReportSender;
	readonly #start: SessionStart;
	readonly #pressure = new CpuPressure();
	readonly #leaving = new AbortController();
	#description: ChannelDescription | undefined;
	/** What decides over `#smoothUpTo`, to ask again only when it is another. */
	#askedFor = "";
	#smoothUpTo: string | undefined;
	#sentAt: Milliseconds | undefined;

	constructor(options: ViewerReportsOptions) {
		this.#options = options;
		this.#sender = new ReportSender(options.session, options.urlOf, options.clock);
		this.#start = options.statistics();
		const { signal } = this.#leaving;
		addEventListener("pagehide", () => this.#sender.farewell(this.#report()), { signal });
		document.addEventListener("visibilitychange", () => this.#send(), { signal });
		this.#send();
	}

	/** Called often: reports once a second. */
	tick(): void {
		const { clock } = this.#options;
		if (this.#sentAt === undefined || clock.now() - this.#sentAt >= INTERVAL_MS) this.#send();
	}

	switched(unit: number | undefined): void {
		this.#sender.acknowledge(this.#report(), unit);
	}

	described(description: ChannelDescription): void {
		this.#description = description;
		const key = JSON.stringify(
			description.renditions.map(({ name, width, height, codec, frameRate }) => [
				name,
				width,
				height,
				codec,
				frameRate,
			]),
		);
		if (key === this.#askedFor) return;
		this.#askedFor = key;
		void smoothUpTo(description.renditions).then((name) => {
			if (key === this.#askedFor) this.#smoothUpTo = name;
		});
	}

	destroy(): void {
		this.#leaving.abort();
		this.#pressure.destroy();
	}

	#send(): void {
		this.#sentAt = this.#options.clock.now();
		void this.#sender.send(this.#report());
	}

	#report() {
		const page = { hidden: document.hidden, smoothUpTo: this.#smoothUpTo, maxBitrateBps: this.#usefulBitrate() };
		const figures = reportFigures(this.#options.statistics(), page, this.#start);
		return { figures, pressure: this.#pressure.state };
	}

	#usefulBitrate(): number | undefined {
		const { limitTo } = this.#options;
		if (limitTo === undefined || this.#description === undefined) return undefined;
		const { clientWidth, clientHeight } = limitTo;
		const view = { width: clientWidth * devicePixelRatio, height: clientHeight * devicePixelRatio };
		return usefulBitrate(this.#description.renditions, view);
	}
}
