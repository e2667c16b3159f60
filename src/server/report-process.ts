/**
 * A network server or a status server as a process of its own: takes reports of viewers and passes them on to the media
 * servers over NATS, in real time. Its health and its metrics have a listener of their own, on loopback unless told
 * otherwise.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { bytes, milliseconds } from "../base/units.ts";
import { NatsLink, type NatsSettings } from "../cluster/nats-link.ts";
import { errorBody } from "../delivery/http-answer.ts";
import { sessionKeyOf } from "../delivery/session-secret.ts";
import { Forwarder } from "../reports/forwarder.ts";
import { ReportServer, reportPath } from "../reports/report-server.ts";
import type { ReportServer as ServerKind } from "../wire/viewer-report.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { Log } from "./log.ts";
import { LogLimiter } from "./log-limiter.ts";
import { createMediaListener, listen } from "./media-listener.ts";
import { nodeClock } from "./node-time.ts";

export interface ReportProcessOptions {
	readonly server: ServerKind;
	/** Where viewers report. */
	readonly listen: ListenAddress;
	/** Where /healthz and /metrics are. */
	readonly adminListen: ListenAddress;
	readonly nats: NatsSettings;
	readonly corsOrigins: readonly string[];
	/** Reports a second from one address. */
	readonly addressRate: number;
	readonly log: Log;
}

export interface RunningReportServer {
	readonly http: ListenAddress;
	readonly admin: ListenAddress;
	close(): Promise<void>;
}

const LIMITS = { maxHeaderBytes: bytes(8192), headersTimeout: milliseconds(10_000), maxConnections: 10_000 };

/**
 * Starts to listen; NATS may come later.
 * @throws PenstockError LISTEN_ADDRESS, NATS_CREDENTIALS; nothing is left running then
 */
export async function startReportProcess(options: ReportProcessOptions): Promise<RunningReportServer> {
	const clock = nodeClock();
	const { log, server, nats, corsOrigins, addressRate } = options;
	const where = { nats: nats.url.host };
	const link = await NatsLink.create({
		...{ settings: nats, clock, name: `penstock-${server}` },
		onConnected: () => log.info(where, "NATS is there"),
		onLost: (why) => log.warn({ ...where, why }, "NATS is away; the newest figures are kept"),
	});
	const forwarder = new Forwarder({ bus: link, clock });
	const onFault = (thrown: unknown): void => log.error({ err: thrown }, "a report failed inside the server");
	const reports = new ReportServer({
		server,
		taker: forwarder,
		sessionKeyOf,
		clock,
		corsOrigins,
		addressRate,
		onFault,
	});
	const limiter = new LogLimiter(clock, (kind, fields, message, times) =>
		log.warn({ kind, times, ...fields }, message),
	);
	const listener = createMediaListener({
		isEndless: () => false,
		...{ ...LIMITS, clock, onRefused: (code) => limiter.note(code, {}, "a request was refused") },
		handle: (request, response) => route(request, response, reports, server),
	});
	const admin = createAdmin({ reports, forwarder, link });
	const close = async (): Promise<void> => {
		await Promise.all([closeServer(listener, clock), closeServer(admin, clock)]);
		forwarder.close();
		await link.close();
		limiter.close();
	};
	try {
		const http = addressOf(await listen(listener, options.listen, "--listen"));
		const adminAddress = addressOf(await listen(admin, options.adminListen, "--admin-listen"));
		link.start();
		return { http, admin: adminAddress, close };
	} catch (error) {
		await close();
		throw error;
	}
}

function route(request: IncomingMessage, response: ServerResponse, reports: ReportServer, server: ServerKind): void {
	const path = (request.url ?? "").split("?", 1)[0]!;
	if (path === reportPath(server)) void reports.handle(request, response);
	else if (path === "/healthz") answerJson(response, 200, '{"status":"ok"}\n');
	else {
		const text = `nothing at ${JSON.stringify(path.slice(0, 200))}; POST reports to ${reportPath(server)}.`;
		const error = new PenstockError("REPORT_ROUTE", text);
		answerJson(response, 404, errorBody(error.code, error.message));
	}
}

interface AdminParts {
	readonly reports: ReportServer;
	readonly forwarder: Forwarder;
	readonly link: NatsLink;
}

function createAdmin(parts: AdminParts): Server {
	const registry = metricsOf(parts);
	return createServer((request, response) => {
		if (request.url === "/metrics") {
			void registry.metrics().then((text) => {
				response.writeHead(200, { "Content-Type": registry.contentType, "Cache-Control": "no-store" }).end(text);
			});
		} else if (request.url === "/healthz") {
			const { trouble } = parts.link;
			const down = trouble === undefined ? undefined : [`NATS is away: ${trouble}`];
			const body = down === undefined ? { status: "ok" } : { status: "down", down };
			answerJson(response, down === undefined ? 200 : 503, `${JSON.stringify(body)}\n`);
		} else answerJson(response, 404, errorBody("REPORT_ROUTE", "REPORT_ROUTE: there is /healthz and /metrics."));
	});
}

function metricsOf({ reports, forwarder, link }: AdminParts): Registry {
	const registry = new Registry();
	collectDefaultMetrics({ register: registry });
	new Counter({
		...{ name: "penstock_reports_total", help: "Reports by what became of them.", registers: [registry] },
		labelNames: ["server", "result"],
		collect() {
			this.reset();
			for (const { server, result, count } of reports.counts.all()) this.inc({ server, result }, count);
		},
	});
	new Gauge({
		...{ name: "penstock_reports_kept_sessions", help: "Sessions whose newest figures wait.", registers: [registry] },
		collect() {
			this.set(forwarder.keptSessions);
		},
	});
	new Gauge({
		...{ name: "penstock_nats_connected", help: "1 while NATS is there.", registers: [registry] },
		collect() {
			this.set(link.connected ? 1 : 0);
		},
	});
	return registry;
}

function answerJson(response: ServerResponse, status: number, body: string): void {
	response.writeHead(status, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
	response.end(body);
}

async function closeServer(server: Server, clock: Clock): Promise<void> {
	// What has just been answered is written first.
	await new Promise<void>((resolve) => void clock.after(0, resolve));
	server.closeAllConnections();
	if (!server.listening) return;
	const closed = once(server, "close");
	server.close();
	await closed;
}

const addressOf = ({ address, port }: AddressInfo): ListenAddress => ({ host: address, port });
