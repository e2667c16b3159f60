/**
 * A viewer's report (S10): which figures there are, what each may be, and which of the two servers takes it. Whatever
 * form a report came in (CMCD, JSON, a message from another machine), it is judged by the one table here.
 * docs/wire/reports.md is normative.
 */
import { isName } from "../base/name.ts";

/** The network server takes what concerns the viewer's network, the status server the state of its terminal. */
export type ReportServer = "network" | "status";

export interface ReportedFigures {
	readonly bandwidthBps?: number;
	readonly roundTripMs?: number;
	/** Idle share of the viewer's CPU, 0 to 1. */
	readonly cpuIdle?: number;
	/** Used share of the viewer's memory, 0 to 1. */
	readonly memoryUsed?: number;
	/** Frames that the decoder dropped since the session began. */
	readonly droppedFrames?: number;
	/** Frames that were shown since the session began. */
	readonly shownFrames?: number;
	/** Media that the viewer has and has not shown yet. */
	readonly bufferMs?: number;
	/** How often nothing was left to show since the session began, and for how long in all. */
	readonly stalls?: number;
	readonly stalledMs?: number;
	/** Nobody looks: a hidden tab. */
	readonly hidden?: boolean;
	/** The best rendition that the decoder says it plays smoothly. */
	readonly smoothUpTo?: string;
	/** The most that is of use to the viewer, by its own account. */
	readonly maxBitrateBps?: number;
	/** From the making of a picture to its showing. */
	readonly delayMs?: number;
	/** Where in the media the viewer is. */
	readonly playheadMs?: number;
	/** Bit rate and name of what is being shown. */
	readonly shownBitrateBps?: number;
	readonly renditionShown?: string;
	/** The unit at which the decoder was reset, or went on, after a switch. */
	readonly acknowledgedUnit?: number;
}

export type FigureName = keyof ReportedFigures;

/** As it came in, before anybody knows whose it is. */
export interface ReceivedReport {
	/** The secret of the session: it says whose the figures are. Never to be logged. */
	readonly session: string;
	/** Runs up with each report of a session. */
	readonly sequence?: number;
	/** By the viewer's own wall clock. */
	readonly sentAtEpochMs?: number;
	readonly figures: ReportedFigures;
}

/** What one of the two servers makes of it. */
export interface ViewerReport {
	/** SHA-256 of the session's secret, base64url: names the session, and lets nobody report for it. */
	readonly sessionKey: string;
	readonly server: ReportServer;
	readonly sequence?: number;
	readonly sentAtEpochMs?: number;
	/** By the wall clock of the server that took it; only ever compared with `sentAtEpochMs`. */
	readonly receivedAtEpochMs: number;
	/** How long ago that was, when it is handed on. */
	readonly ageMs: number;
	readonly figures: ReportedFigures;
}

export type FigureForm =
	| { readonly kind: "number"; readonly min: number; readonly max: number; readonly whole?: true }
	| { readonly kind: "flag" }
	| { readonly kind: "name" };

const DAY_MS = 86_400_000;
/** Up to about the year 5000. */
const EPOCH_MS = { kind: "number", min: 0, max: 1e14 } as const;
const COUNT = { kind: "number", min: 0, max: 1e12, whole: true } as const;
const SHARE = { kind: "number", min: 0, max: 1 } as const;
const RATE = { kind: "number", min: 0, max: 1e12 } as const;
const SPAN = { kind: "number", min: 0, max: DAY_MS } as const;
const NAME = { kind: "name" } as const;

export const SEQUENCE: FigureForm = COUNT;
export const SENT_AT: FigureForm = EPOCH_MS;

/** Every figure: whose it is to take, and what it may be. */
export const FIGURES: Readonly<Record<FigureName, { readonly of: ReportServer; readonly form: FigureForm }>> = {
	bandwidthBps: { of: "network", form: RATE },
	roundTripMs: { of: "network", form: { kind: "number", min: 0, max: 600_000 } },
	cpuIdle: { of: "status", form: SHARE },
	memoryUsed: { of: "status", form: SHARE },
	droppedFrames: { of: "status", form: COUNT },
	shownFrames: { of: "status", form: COUNT },
	bufferMs: { of: "status", form: SPAN },
	stalls: { of: "status", form: COUNT },
	stalledMs: { of: "status", form: { kind: "number", min: 0, max: 1e12 } },
	hidden: { of: "status", form: { kind: "flag" } },
	smoothUpTo: { of: "status", form: NAME },
	maxBitrateBps: { of: "status", form: RATE },
	delayMs: { of: "status", form: SPAN },
	playheadMs: { of: "status", form: { kind: "number", min: 0, max: 1e15 } },
	shownBitrateBps: { of: "status", form: RATE },
	renditionShown: { of: "status", form: NAME },
	acknowledgedUnit: { of: "status", form: COUNT },
};

export const FIGURE_NAMES = Object.keys(FIGURES) as readonly FigureName[];

/** A session's secret that a server may have taken or given: 16 to 64 characters, none of them special anywhere. */
export const isSessionSecret = (text: string): boolean => /^[A-Za-z0-9._-]{16,64}$/.test(text);

/** What `value` must be and is not, as the end of "… is 7 but must be"; undefined where it is right. */
export function lacking(value: unknown, form: FigureForm): string | undefined {
	switch (form.kind) {
		case "flag":
			return typeof value === "boolean" ? undefined : "true or false";
		case "name":
			return typeof value === "string" && isName(value) ? undefined : "the name of a rendition";
		case "number": {
			const { min, max, whole } = form;
			const fits = typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
			return fits ? undefined : `a ${whole ? "whole number" : "number"} from ${min} to ${max}`;
		}
	}
}

/** For messages: a value from outside, cut to a length that a line bears. */
export function shownValue(value: unknown): string {
	const text = JSON.stringify(value) ?? String(value);
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Those figures that `server` takes. */
export function figuresFor(server: ReportServer, figures: ReportedFigures): ReportedFigures {
	const own = Object.entries(figures).filter(([name]) => FIGURES[name as FigureName].of === server);
	return Object.fromEntries(own) as ReportedFigures;
}

/** Reports of one session and server put together, figure by figure: what the newer one does not say stays. */
export const merged = (older: ViewerReport, newer: ViewerReport): ViewerReport => ({
	...newer,
	figures: { ...older.figures, ...newer.figures },
});

/** Answers to a parser of what came from outside. */
export type Parsed<Value> =
	| { readonly kind: "parsed"; readonly value: Value }
	/** What is wrong and where, as the start of a sentence. */
	| { readonly kind: "refused"; readonly text: string };

/** Most reports that one request may bring. */
export const MAX_REPORTS = 32;
