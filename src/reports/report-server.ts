/**
 * The network server and the status server (S10): each answers `POST /report/…` of viewers and hands on what it takes of
 * a report, the one the figures of the network, the other those of the terminal. Who gets them is the taker's business:
 * the sessions of this process, or a media server elsewhere (forwarder.ts).
 *
 * A report concerns the session whose secret it carries, and no other. Whatever else comes is counted by kind, costs its
 * sender's share of the rate, and leaves nothing behind.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { milliseconds } from "../base/units.ts";
import { parseJsonReports } from "../wire/json-report.ts";
import type { ReportOutcome, SessionAnswer } from "../wire/report-message.ts";
import {
	figuresFor,
	isSessionSecret,
	type Parsed,
	type ReceivedReport,
	type ReportServer as ServerKind,
	type ViewerReport,
} from "../wire/viewer-report.ts";
import { linesOf, parseCmcdReports } from "./cmcd-text.ts";
import { cmsdDynamic } from "./cmsd.ts";
import { nearestKey } from "./nearest-key.ts";
import { answerPosted, answerTaken, type PostOptions } from "./report-answer.ts";
import { MAX_BODY_BYTES, readBody } from "./report-body.ts";
import { ReportCounts, type ReportResult } from "./report-counts.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** Where reports go. */
export interface ReportTaker {
	take(report: ViewerReport): ReportOutcome | Promise<ReportOutcome>;
}

export interface ReportServerOptions extends PostOptions {
	readonly server: ServerKind;
	readonly taker: ReportTaker;
	/** SHA-256 of a session's secret, base64url. */
	readonly sessionKeyOf: (secret: string) => string;
	readonly clock: Clock;
	/** Reports a second that one address may send; twice as many at once. */
	readonly addressRate: number;
}

const SESSION_RATE = { perSecond: 10, burst: 20, maxNames: 20_000 };
const MAX_ADDRESSES = 20_000;

export const reportPath = (server: ServerKind): string => `/report/${server}`;

export class ReportServer {
	readonly counts: ReportCounts;
	readonly #options: ReportServerOptions;
	readonly #sessions = new TokenBuckets(SESSION_RATE);
	readonly #addresses: TokenBuckets;

	constructor(options: ReportServerOptions) {
		this.#options = options;
		this.counts = new ReportCounts(options.server);
		const { addressRate: perSecond } = options;
		this.#addresses = new TokenBuckets({ perSecond, burst: 2 * perSecond, maxNames: MAX_ADDRESSES });
	}

	/** Answers a request to this server's path; never throws. */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		await answerPosted(request, response, this.#options, async (headers) => {
			const answered = await this.#take(request);
			if (answered === undefined || response.destroyed) return;
			if (answered === "kept") answerTaken(response, 202, headers);
			else answerTaken(response, 204, { ...headers, "CMSD-Dynamic": cmsdDynamic(answered) });
		});
	}

	/** @returns what to tell; undefined where nobody is there to be told */
	async #take(request: IncomingMessage): Promise<SessionAnswer | "kept" | undefined> {
		const { clock } = this.#options;
		const path = reportPath(this.#options.server);
		if (request.method !== "POST") {
			throw new PenstockError("HTTP_METHOD", `${request.method} is not for ${path}; reports are POSTed.`);
		}
		const parse = this.#parserFor(request);
		const address = request.socket.remoteAddress ?? "";
		if (!this.#addresses.take(address, clock.now())) throw this.#tooMany("this address");
		const body = await readBody(request, clock, MAX_BODY_BYTES);
		switch (body.kind) {
			case "gone":
				this.counts.add("timeout");
				return undefined;
			case "late":
				throw this.#refusal("timeout", new PenstockError("HTTP_TIMEOUT", "the body was not whole within 5 s."));
			case "too-large": {
				const text = `the body has more than ${MAX_BODY_BYTES} bytes; send fewer reports at once.`;
				throw this.#refusal("too-large", new PenstockError("REPORT_TOO_LARGE", text));
			}
			case "not-utf8":
				throw this.#refusal("malformed", new PenstockError("REPORT_MALFORMED", "the body is not UTF-8 text."));
			case "whole":
		}
		const parsed = parse(body.text, address);
		if (parsed.kind === "refused") {
			throw this.#refusal("malformed", new PenstockError("REPORT_MALFORMED", `${parsed.text}.`));
		}
		return await this.#handOn(parsed.value);
	}

	/** Each further report of a request counts like one of its own: before CMCD is parsed, for that is what costs. */
	#payForMore(address: string, reports: number): void {
		const more = reports - 1;
		if (more > 0 && !this.#addresses.take(address, this.#options.clock.now(), more))
			throw this.#tooMany("this address");
	}

	#parserFor({ headers }: IncomingMessage): (text: string, address: string) => Parsed<readonly ReceivedReport[]> {
		const type = (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
		const coding = headers["content-encoding"] ?? "identity";
		if (coding === "identity" && type === "application/cmcd") {
			return (text, address) => {
				this.#payForMore(address, linesOf(text)?.length ?? 1);
				return parseCmcdReports(text);
			};
		}
		if (coding === "identity" && type === "application/json") {
			return (text, address) => {
				const parsed = parseJsonReports(text, nearestKey);
				if (parsed.kind === "parsed") this.#payForMore(address, parsed.value.length);
				return parsed;
			};
		}
		const found = coding === "identity" ? `Content-Type ${JSON.stringify(type.slice(0, 60))}` : "a compressed body";
		const text = `${found} is not taken here; send application/cmcd or application/json, not compressed.`;
		throw this.#refusal("unsupported", new PenstockError("REPORT_TYPE", text));
	}

	/** All reports of one request, in order; the answer is to the last that anybody took. */
	async #handOn(reports: readonly ReceivedReport[]): Promise<SessionAnswer | "kept"> {
		const { clock } = this.#options;
		const judged = new Map<string, boolean>();
		let told: SessionAnswer | "kept" | undefined;
		let limited = false;
		for (const report of reports) {
			const sessionKey = this.#sessionKey(report.session);
			const within = judged.get(sessionKey) ?? this.#sessions.take(sessionKey, clock.now());
			judged.set(sessionKey, within);
			if (!within) {
				limited = true;
				this.counts.add("rate-limited");
				continue;
			}
			told = (await this.#handOnOne(report, sessionKey)) ?? told;
		}
		if (told !== undefined) return told;
		if (limited) throw new PenstockError("REPORT_RATE", "this session reports too often; 10 a second are enough.");
		throw new PenstockError(
			"REPORT_SESSION",
			"no viewer has the session that the report names; send the value of the stream's header Penstock-Session.",
		);
	}

	async #handOnOne(report: ReceivedReport, sessionKey: string): Promise<SessionAnswer | "kept" | undefined> {
		const { taker, server, clock } = this.#options;
		const { sequence, sentAtEpochMs } = report;
		const outcome: ReportOutcome = !isSessionSecret(report.session)
			? { kind: "unknown" }
			: await taker.take({
					...{ sessionKey, server, ageMs: milliseconds(0), receivedAtEpochMs: Math.round(clock.wall()) },
					...(sequence !== undefined && { sequence }),
					...(sentAtEpochMs !== undefined && { sentAtEpochMs }),
					figures: figuresFor(server, report.figures),
				});
		this.counts.addOutcome(outcome);
		if (outcome.kind === "unknown") return undefined;
		return outcome.kind === "kept" ? "kept" : outcome.answer;
	}

	#sessionKey(secret: string): string {
		return this.#options.sessionKeyOf(secret);
	}

	#tooMany(who: string): PenstockError {
		const { addressRate } = this.#options;
		const text = `${who} sends more than ${addressRate} reports a second; send fewer, or raise the limit.`;
		return this.#refusal("rate-limited", new PenstockError("REPORT_RATE", text));
	}

	#refusal(result: ReportResult, error: PenstockError): PenstockError {
		this.counts.add(result);
		return error;
	}
}
