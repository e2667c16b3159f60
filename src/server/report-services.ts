/**
 * Reports in the media server (S10): the network server and the status server on the listener for viewers, and the line
 * over which servers of either kind on other machines pass on what they got. All end at the same sessions.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.ts";
import { NatsLink } from "../cluster/nats-link.ts";
import type { Session, SessionWatch } from "../delivery/media-endpoint.ts";
import { sessionKeyOf } from "../delivery/session-secret.ts";
import { ReportCounts } from "../reports/report-counts.ts";
import { ReportServer, reportPath } from "../reports/report-server.ts";
import type { ServerFigures } from "../switching/state.ts";
import { decodeReport, encodeOutcome, sessionSubject } from "../wire/report-message.ts";
import type { ReportServer as ServerKind } from "../wire/viewer-report.ts";
import type { ReportsConfig } from "./config.ts";
import type { Log } from "./log.ts";
import { ViewerReports } from "./viewer-reports.ts";

export interface ReportServicesOptions {
	readonly config: ReportsConfig;
	readonly corsOrigins: readonly string[];
	readonly clock: Clock;
	readonly log: Log;
	readonly serverFigures: () => ServerFigures;
}

const KINDS: readonly ServerKind[] = ["network", "status"];

export class ReportServices implements SessionWatch {
	readonly viewers: ViewerReports;
	readonly #servers = new Map<string, ReportServer>();
	/** Of what came over NATS. */
	readonly #passedOn: readonly ReportCounts[] = KINDS.map((kind) => new ReportCounts(kind));
	readonly #link: NatsLink | undefined;

	/** @throws PenstockError NATS_CREDENTIALS */
	static async create(options: ReportServicesOptions): Promise<ReportServices> {
		const { config, clock, log } = options;
		const { nats } = config;
		const where = { nats: nats?.url.host };
		const link =
			nats &&
			(await NatsLink.create({
				...{ settings: nats, clock, name: "penstock" },
				onConnected: () => log.info(where, "NATS is there: reports can be passed on to here"),
				onLost: (why) => log.warn({ ...where, why }, "NATS is away; trying again and again"),
			}));
		return new ReportServices(options, link);
	}

	/** Use `ReportServices.create`. */
	constructor(options: ReportServicesOptions, link: NatsLink | undefined) {
		const { config, clock, corsOrigins, log, serverFigures } = options;
		this.#link = link;
		this.viewers = new ViewerReports({ clock, serverFigures, maxAge: config.maxAge });
		for (const server of KINDS.filter((kind) => config[kind])) {
			const reportServer = new ReportServer({
				...{ server, taker: this.viewers, sessionKeyOf, clock, corsOrigins },
				addressRate: config.addressRate,
				onFault: (thrown) => log.error({ err: thrown, server }, "a report failed inside the server"),
			});
			this.#servers.set(reportPath(server), reportServer);
		}
	}

	start(): void {
		this.#link?.start();
	}

	/** Answers a request, if it is one of theirs. */
	handle(path: string, request: IncomingMessage, response: ServerResponse): boolean {
		const server = this.#servers.get(path);
		void server?.handle(request, response);
		return server !== undefined;
	}

	joined(session: Session): void {
		this.viewers.joined(session);
		this.#link?.serve(sessionSubject(session.sessionKey), (subject, payload) => this.#passOn(subject, payload));
	}

	left(session: Session): void {
		this.viewers.left(session);
		if (!this.viewers.has(session.sessionKey)) this.#link?.leave(sessionSubject(session.sessionKey));
	}

	*counts(): Iterable<{ readonly server: string; readonly result: string; readonly count: number }> {
		for (const { counts } of this.#servers.values()) yield* counts.all();
		for (const counts of this.#passedOn) yield* counts.all();
	}

	/** What is not as it should be, though streams go on; a sentence each. */
	get troubles(): readonly string[] {
		const trouble = this.#link?.trouble;
		return trouble === undefined ? [] : [`NATS is away (${trouble}): no reports from other servers`];
	}

	async close(): Promise<void> {
		await this.#link?.close();
	}

	#passOn(subject: string, payload: string): string | undefined {
		const report = decodeReport(subject, payload);
		if (report === undefined) {
			const counts = this.#passedOn.find(({ server }) => subject.includes(`.${server}.`));
			counts?.add("malformed");
			return undefined;
		}
		const outcome = this.viewers.take(report);
		this.#passedOn.find(({ server }) => server === report.server)?.addOutcome(outcome);
		return encodeOutcome(outcome);
	}
}
