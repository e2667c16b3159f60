/**
 * What the API shows and takes, as schemas (the OpenAPI document is made of them) and as types; and the model behind
 * it, which the server fulfils. Names carry their units. Nothing here is secret: sources come without credentials.
 */
import * as z from "zod";
import type { DecisionCount } from "../switching/decision-counts.ts";
import { CAUSES, type ServerFigures } from "../switching/state.ts";

const count = z.int().min(0);
const text = z.string();
const isoTime = z.iso.datetime();

export const renditionSnapshot = z.strictObject({
	name: text,
	width: count.optional(),
	height: count.optional(),
	/** RFC 6381 */
	codec: text.optional(),
	/** Absent for a copied rendition. */
	configuredBps: count.optional(),
	measuredBps: count.optional(),
	/** Number of units since the start. */
	units: count,
	aligned: z.boolean(),
	misaligned: count,
	missing: count,
	late: count,
	overlong: count,
	droppedAccessUnits: count,
	/** Why the source's form does not allow this rendition. */
	refused: text.optional(),
});

/** The ladder's states. */
const CHANNEL_STATES = ["stopped", "starting", "running", "backing-off", "failing", "failed", "ended"] as const;

const ladderSnapshot = z.strictObject({
	state: z.enum(CHANNEL_STATES),
	pid: count.optional(),
	restarts: count,
	/** With its code. */
	lastError: text.optional(),
	/** 1: real time. */
	speed: z.number().optional(),
	startedAt: isoTime.optional(),
});

export const channelSnapshot = z.strictObject({
	app: text,
	stream: text,
	state: z.enum(CHANNEL_STATES),
	/** There is a picture to start from. */
	live: z.boolean(),
	onDemand: z.boolean(),
	/** Without credentials. */
	source: text,
	unitMs: count,
	ringMs: count,
	/** Absent before the first. */
	newestUnit: z.strictObject({ number: count, timeMs: z.number() }).optional(),
	/** From the best to the lowest. */
	renditions: z.array(renditionSnapshot),
	audio: z.strictObject({ codec: text, sampleRateHz: count, channels: count }).optional(),
	drift: z.strictObject({ count, lastMs: z.number().optional() }),
	ladder: ladderSnapshot,
	viewers: count,
	/** Paths by packaging. */
	urls: z.record(z.string(), text),
});

const switchSnapshot = z.strictObject({
	at: isoTime,
	/** Number of the first unit in the new rendition. */
	unit: count,
	from: text,
	to: text,
	because: z.strictObject({ cause: text, text }),
});

const FIGURE_SOURCES = ["api", "reported", "emulated", "measured"] as const;
const figureOf = <Value extends z.ZodType>(value: Value) =>
	z.strictObject({ value, ageMs: z.number(), source: z.enum(FIGURE_SOURCES) });
const figure = figureOf(z.number());

const viewerFiguresSnapshot = z.strictObject({
	bandwidthBps: figure.optional(),
	cpuIdle: figure.optional(),
	memoryUsed: figure.optional(),
	bufferMs: figure.optional(),
	droppedShare: figure.optional(),
	/** The name of a rendition. */
	smoothUpTo: figureOf(text).optional(),
	hidden: figureOf(z.boolean()).optional(),
	maxBitrateBps: figure.optional(),
});

const networkSnapshot = z.strictObject({
	/** Absent until there is evidence. */
	capacityBps: count.optional(),
	capacityAgeMs: z.number().optional(),
	basis: z.enum(["busy", "train", "paced", "floor"]).optional(),
	overdueMs: z.number(),
	outstandingBytes: count,
	outstandingMediaMs: z.number(),
	roundTripMs: z.number(),
	minRoundTripMs: z.number(),
	/** Mean of |ln quotient| of the capacity from one unit to the next. */
	variability: z.number(),
	/** Share of the last second in which the viewer took less than its network brought. */
	receiverLimited: z.number(),
});

export const viewerSnapshot = z.strictObject({
	id: text,
	/** `app/stream` */
	channel: text,
	packaging: text,
	remoteAddress: text,
	userAgent: text,
	connectedAt: isoTime,
	rendition: text,
	/** "auto", or the name of a rendition. */
	wish: text,
	/** What was decided at the end of the last unit. */
	decision: z.strictObject({ kind: z.enum(["hold", "switch"]), cause: text, text }).optional(),
	/** Number of the unit that is being sent. */
	unit: count.optional(),
	lagMs: z.number(),
	bytesSent: count,
	switches: count,
	/** The newest last. */
	lastSwitches: z.array(switchSnapshot),
	/** How often by reason. */
	drops: z.record(z.string(), count),
	/** As reported, or given through the API. */
	figures: viewerFiguresSnapshot,
	/** What stands for those that are missing or old; absent where the server cannot look. */
	emulated: viewerFiguresSnapshot.optional(),
	/** What the server sees of the connection; absent where it cannot look. */
	network: networkSnapshot.optional(),
	/** What the viewer reported of itself besides figures, as docs/wire/reports.md has it. */
	told: z.strictObject({
		stalls: count.optional(),
		stalledMs: z.number().optional(),
		delayMs: z.number().optional(),
		playheadMs: z.number().optional(),
		shownBitrateBps: z.number().optional(),
		renditionShown: text.optional(),
		acknowledgedUnit: count.optional(),
	}),
});

const decisionSnapshot = z.strictObject({
	at: isoTime,
	/** Within a unit only to decide early what comes after it. */
	moment: z.enum(["unit-end", "within-unit"]),
	/** The rendition that the viewer had. */
	current: text,
	kind: z.enum(["hold", "switch"]),
	to: text.optional(),
	cause: z.enum(CAUSES),
	text,
	/** What was known; ages are those at the time of the decision. */
	inputs: z.strictObject({
		network: networkSnapshot.optional(),
		viewer: viewerFiguresSnapshot,
		server: z.strictObject({
			cpuIdle: z.number().optional(),
			memoryUsed: z.number().optional(),
			eventLoopDelayMs: z.number().optional(),
			egressBps: z.number().optional(),
			egressLimitBps: z.number().optional(),
			encoderSpeed: z.number().optional(),
			duress: z.strictObject({ level: z.enum(["freeze", "shed"]), text }).optional(),
		}),
		lagMs: z.number(),
	}),
});

/** Switches, plans, and holds whose cause was another than before: the newest last, and no more than some. */
export const decisionList = z.strictObject({ decisions: z.array(decisionSnapshot) });

export const renditionWish = z.strictObject({
	/** The name of a rendition, or "auto". */
	rendition: z.string().min(1).max(128),
});

const share = z.number().min(0).max(1);

export const viewerFigures = z
	.strictObject({
		bandwidthBps: z.number().min(0).max(1e12).optional(),
		/** Idle share of the viewer's CPU, 0 to 1. */
		cpuIdle: share.optional(),
		/** Used share of the viewer's memory, 0 to 1. */
		memoryUsed: share.optional(),
		/** Media that the viewer has and has not shown yet. */
		bufferMs: z.number().min(0).max(3_600_000).optional(),
		/** Share of the frames due lately that its decoder dropped, 0 to 1. */
		droppedShare: share.optional(),
		/** The best rendition that its decoder plays smoothly. */
		smoothUpTo: z.string().min(1).max(128).optional(),
		/** Nobody looks. */
		hidden: z.boolean().optional(),
		/** The most that is of use to it. */
		maxBitrateBps: z.number().min(0).max(1e12).optional(),
	})
	.refine((figures) => Object.keys(figures).length > 0, {
		message:
			"a map with at least one of bandwidthBps, cpuIdle, memoryUsed, bufferMs, droppedShare, smoothUpTo, hidden, maxBitrateBps",
	});

export const channelList = z.strictObject({ channels: z.array(channelSnapshot) });
export const viewerList = z.strictObject({ viewers: z.array(viewerSnapshot) });
export const health = z.strictObject({
	status: z.enum(["ok", "down"]),
	/** What is down, one sentence each. */
	down: z.array(text).optional(),
	/** What is not as it should be, though streams go on. */
	troubles: z.array(text).optional(),
});
export const apiError = z.strictObject({ error: z.strictObject({ code: text, message: text }) });

export type RenditionSnapshot = z.infer<typeof renditionSnapshot>;
export type ChannelSnapshot = z.infer<typeof channelSnapshot>;
export type ViewerSnapshot = z.infer<typeof viewerSnapshot>;
export type FiguresSnapshot = z.infer<typeof viewerFiguresSnapshot>;
export type NetworkSnapshot = z.infer<typeof networkSnapshot>;
export type DecisionSnapshot = z.infer<typeof decisionSnapshot>;
export type FiguresRequest = z.infer<typeof viewerFigures>;

/** Counters since the start of the server that are nobody's in particular. */
export interface ServerTotals {
	readonly viewersAccepted: number;
	readonly viewersRefused: number;
	readonly bytesSent: number;
	readonly switches: Iterable<{ readonly direction: string; readonly cause: string; readonly count: number }>;
	/** At the ends of units. */
	readonly decisions: Iterable<DecisionCount>;
	/** Answers of a policy from a module that were none. */
	readonly policyErrors: number;
	/** Viewers moved forward over media, by reason. */
	readonly drops: Iterable<{ readonly reason: string; readonly count: number }>;
	/** Viewers gone, by reason. */
	readonly left: Iterable<{ readonly reason: string; readonly count: number }>;
	/** Requests refused before they were one, by code. */
	readonly requestsRefused: Iterable<{ readonly code: string; readonly count: number }>;
	/** Reports of viewers, by what became of them. */
	readonly reports: Iterable<{ readonly server: string; readonly result: string; readonly count: number }>;
}

/** Everything behind the API. Commands throw PenstockError VIEWER_NOT_FOUND, RENDITION_NOT_FOUND. */
export interface ApiModel {
	channels(): readonly ChannelSnapshot[];
	viewers(): readonly ViewerSnapshot[];
	viewer(id: string): ViewerSnapshot | undefined;
	/** The newest last; undefined where there is no such viewer. */
	decisions(id: string): readonly DecisionSnapshot[] | undefined;
	/** @param wish "auto", or what should be the name of a rendition */
	setWish(id: string, wish: string): void;
	/** Figures that are not given stay as they are. */
	setFigures(id: string, figures: FiguresRequest): void;
	/** Ends the viewer's response at once. */
	kick(id: string): void;
	totals(): ServerTotals;
	machine(): ServerFigures;
	/** What is not as it should be, though streams go on; a sentence each. */
	readonly troubles: readonly string[];
	/** The server takes no more viewers and is about to end. */
	readonly draining: boolean;
}
