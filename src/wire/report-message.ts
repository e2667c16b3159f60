/**
 * What passes between a report server and the media server that has the session, over NATS: a request with the figures,
 * and an answer with what the viewer may be told. JSON, one object each; the subject says whose they are. What comes
 * from another machine is judged like everything from outside.
 */
import {
	FIGURES,
	type FigureForm,
	type FigureName,
	lacking,
	type ReportedFigures,
	type ReportServer,
	SENT_AT,
	SEQUENCE,
	type ViewerReport,
} from "./viewer-report.ts";

/** What a viewer is told in the answer to its report, as CMSD keys (CTA-5006). */
export interface SessionAnswer {
	/** What the server estimates the network to take. */
	readonly etpKbps?: number;
	/** What the server sends at most now. */
	readonly mbKbps?: number;
	/** The server is under duress. */
	readonly du?: boolean;
	readonly rttMs?: number;
}

/** What became of a report. */
export type ReportOutcome =
	| { readonly kind: "applied"; readonly answer: SessionAnswer }
	/** Applied, but for less bandwidth than it claimed. */
	| { readonly kind: "implausible"; readonly answer: SessionAnswer }
	/** Older than what is known; not applied. */
	| { readonly kind: "stale"; readonly answer: SessionAnswer }
	/** Nobody has the session. */
	| { readonly kind: "unknown" }
	/** It will be handed on as soon as that is possible. */
	| { readonly kind: "kept" };

const SERVERS: readonly ReportServer[] = ["network", "status"];

/** SHA-256 in base64url: safe in a subject, where "." "*" and ">" are not. */
const SESSION_KEY = /^[A-Za-z0-9_-]{43}$/;

export const reportSubject = ({ server, sessionKey }: Pick<ViewerReport, "server" | "sessionKey">): string =>
	`penstock.report.${server}.${sessionKey}`;

/** What a media server listens to for each of its sessions. */
export const sessionSubject = (sessionKey: string): string => `penstock.report.*.${sessionKey}`;

export function encodeReport({ sessionKey: _key, server: _server, ...rest }: ViewerReport): string {
	return JSON.stringify(rest);
}

/** @returns undefined where it is none */
export function decodeReport(subject: string, payload: string): ViewerReport | undefined {
	const [, server, sessionKey] = /^penstock\.report\.([a-z]+)\.([^.]+)$/.exec(subject) ?? [];
	const known = SERVERS.find((one) => one === server);
	if (known === undefined || sessionKey === undefined || !SESSION_KEY.test(sessionKey)) return undefined;
	const fields = objectOf(payload);
	const figures = figuresOf(fields?.get("figures"));
	const sequence = numberOf(fields?.get("sequence"), SEQUENCE);
	const sentAtEpochMs = numberOf(fields?.get("sentAtEpochMs"), SENT_AT);
	const receivedAtEpochMs = numberOf(fields?.get("receivedAtEpochMs"), SENT_AT);
	const ageMs = numberOf(fields?.get("ageMs"), { kind: "number", min: 0, max: Number.MAX_SAFE_INTEGER });
	if (figures === undefined || receivedAtEpochMs === undefined || ageMs === undefined) return undefined;
	return {
		...{ sessionKey, server: known, receivedAtEpochMs, ageMs, figures },
		...(sequence !== undefined && { sequence }),
		...(sentAtEpochMs !== undefined && { sentAtEpochMs }),
	};
}

export const encodeOutcome = (outcome: ReportOutcome): string => JSON.stringify(outcome);

/** @returns undefined where it is none */
export function decodeOutcome(payload: string): ReportOutcome | undefined {
	const fields = objectOf(payload);
	const kind = fields?.get("kind");
	if (kind === "unknown" || kind === "kept") return { kind };
	if (kind !== "applied" && kind !== "implausible" && kind !== "stale") return undefined;
	const told = mapOf(fields?.get("answer"));
	if (told === undefined) return undefined;
	const amount = (key: string): number | undefined =>
		numberOf(told.get(key), { kind: "number", min: 0, max: 1e12, whole: true });
	const [etpKbps, mbKbps, rttMs] = [amount("etpKbps"), amount("mbKbps"), amount("rttMs")];
	const answer: SessionAnswer = {
		...(etpKbps !== undefined && { etpKbps }),
		...(mbKbps !== undefined && { mbKbps }),
		...(told.get("du") === true && { du: true }),
		...(rttMs !== undefined && { rttMs }),
	};
	return { kind, answer };
}

function objectOf(payload: string): Map<string, unknown> | undefined {
	try {
		return mapOf(JSON.parse(payload));
	} catch {
		return undefined;
	}
}

const mapOf = (value: unknown): Map<string, unknown> | undefined =>
	typeof value === "object" && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;

const numberOf = (value: unknown, form: FigureForm): number | undefined =>
	lacking(value, form) === undefined ? (value as number) : undefined;

function figuresOf(value: unknown): ReportedFigures | undefined {
	const fields = mapOf(value);
	if (fields === undefined) return undefined;
	for (const [name, found] of fields) {
		if (!Object.hasOwn(FIGURES, name) || lacking(found, FIGURES[name as FigureName].form) !== undefined)
			return undefined;
	}
	return Object.fromEntries(fields) as ReportedFigures;
}
