/**
 * Takes a player's figures to the network server and to the status server (S10): CMCD version 2 events. Reporting never
 * disturbs watching: a server that is slow misses reports, and one that takes none is not asked again.
 */
import type { Clock } from "../base/clock.ts";
import { CPU_PRESSURE, cmcdOfFigures, SWITCH_ACK } from "../wire/cmcd-report.ts";
import { figuresFor, type ReportedFigures, type ReportServer } from "../wire/viewer-report.ts";
import { cmcdLine } from "./cmcd-line.ts";

export interface BrowserReport {
	readonly figures: ReportedFigures;
	/** A state of the Compute Pressure API. */
	readonly pressure: string | undefined;
}

const SERVERS: readonly ReportServer[] = ["network", "status"];
/** An answer that takes longer is nobody's; until then nothing else is sent there. */
const TIMEOUT_MS = 3000;
const CMCD_MIME_TYPE = "application/cmcd";
const NO_SESSION = "REPORT_SESSION";

export class ReportSender {
	readonly #session: string;
	readonly #urlOf: (server: ReportServer) => string | undefined;
	readonly #clock: Clock;
	readonly #busy = new Set<ReportServer>();
	/** They take no reports here. */
	readonly #closed = new Set<ReportServer>();
	#sequence = 0;

	/** @param session its secret; a sender is for one session */
	constructor(session: string, urlOf: (server: ReportServer) => string | undefined, clock: Clock) {
		this.#session = session;
		this.#urlOf = urlOf;
		this.#clock = clock;
	}

	/** Resolves when those that it went to have answered, or will not. */
	async send(report: BrowserReport): Promise<void> {
		const posts: Promise<void>[] = [];
		this.#each(report, { e: "t" }, (server, url, line) => {
			if (!this.#busy.has(server)) posts.push(this.#post(server, url, line));
		});
		await Promise.all(posts);
	}

	/** The first picture of a new rendition is shown. */
	acknowledge({ figures, pressure }: BrowserReport, unit: number | undefined): void {
		const acknowledged = unit === undefined ? figures : { ...figures, acknowledgedUnit: unit };
		this.#each({ figures: acknowledged, pressure }, { e: "ce", cen: SWITCH_ACK }, (server, url, line) => {
			// What it acknowledges comes once: it does not wait for an answer to figures.
			if (server === "status") void this.#post(server, url, line);
		});
	}

	/** The last, when the page goes: nobody waits for an answer. */
	farewell(report: BrowserReport): void {
		this.#each(report, { e: "ps", sta: "q" }, (_, url, line) => {
			navigator.sendBeacon(url, new Blob([line], { type: CMCD_MIME_TYPE }));
		});
	}

	#each(
		{ figures, pressure }: BrowserReport,
		event: object,
		send: (server: ReportServer, url: string, line: string) => void,
	): void {
		const common = { v: 2, sid: this.#session, sn: this.#sequence++, ts: Math.round(this.#clock.wall()), ...event };
		for (const server of SERVERS) {
			const url = this.#closed.has(server) ? undefined : this.#urlOf(server);
			if (url === undefined) continue;
			const values = { ...common, ...cmcdOfFigures(figuresFor(server, figures)) };
			const own = server === "status" && pressure !== undefined ? { [CPU_PRESSURE]: pressure } : {};
			send(server, url, `${cmcdLine({ ...values, ...own })}\n`);
		}
	}

	async #post(server: ReportServer, url: string, body: string): Promise<void> {
		this.#busy.add(server);
		try {
			const headers = { "Content-Type": CMCD_MIME_TYPE };
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const response = await fetch(url, { method: "POST", headers, body, keepalive: true, signal });
			// A session that has just ended is no reason; that there is nothing of the kind, or not for this page, is.
			const there = response.status !== 404 || (await response.text()).includes(NO_SESSION);
			if (!there || response.status === 405) this.#closed.add(server);
		} catch {
			// The next report is newer anyway.
		} finally {
			this.#busy.delete(server);
		}
	}
}
