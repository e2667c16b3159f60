/**
 * What the API shows, as schemas (the OpenAPI document is made of them) and as types; and the model behind it, which the
 * server fulfils. What it takes is in api-requests.ts. Names carry their units. Nothing here is secret: sources come without credentials.
 */
import * as z from "zod";
import { CAUSES, type ServerFigures } from "../switching/state.ts";
import type { DistributionModel } from "./api-distribution-model.ts";
import type { PlayersModel } from "./api-players-model.ts";
import type { AccessFigures, PublishingModel } from "./api-publishing-model.ts";
import type { FiguresRequest, ViewersQuery } from "./api-requests.ts";

const count = z.int().min(0);
const text = z.string();
const isoTime = z.iso.datetime();

/** Of a rendition that comes ready-made. */
const inputSnapshot = z.strictObject({
	state: z.enum(["away", "refused", "joining", "joined"]),
	/** It comes so late that the others do not wait for it. */
	late: z.boolean(),
	/** What its time stamps are moved by, to those of the input that came first. */
	offsetMs: z.number().optional(),
	/** What has come by UDP since the start, where no FFmpeg reads it: packets by medium. */
	rtp: z
		.array(
			z.strictObject({
				...{ medium: text, packets: count, bytes: count, lost: count, late: count, duplicates: count },
				...{ reordered: count, malformed: count, accessUnits: count, accessUnitsDropped: count },
			}),
		)
		.optional(),
});

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
	input: inputSnapshot.optional(),
});

/** The ladder's states. */
const CHANNEL_STATES = ["stopped", "starting", "running", "backing-off", "failing", "failed", "ended"] as const;

const ladderSnapshot = z.strictObject({
	state: z.enum(CHANNEL_STATES),
	pid: count.optional(),
	restarts: count,
	/** Access units of publishers that FFmpeg was too slow for; absent where there are none. */
	dropped: count.optional(),
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
	/** Its source is what somebody publishes. */
	published: z.literal(true).optional(),
	/** That made it when somebody began to publish; absent where the configuration has its name. */
	pattern: text.optional(),
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
	/** What the server lets through to it, by order of the API; absent where that is all. */
	maxBps: count.optional(),
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

/** The server's own capability; a figure that nobody has is absent. */
const machineSnapshot = z.strictObject({
	/** Shares from 0 to 1. */
	cpuIdle: z.number().optional(),
	memoryUsed: z.number().optional(),
	eventLoopDelayMs: z.number().optional(),
	egressBps: z.number().optional(),
	egressLimitBps: z.number().optional(),
	/** Of the slowest; 1: real time. */
	encoderSpeed: z.number().optional(),
	duress: z.strictObject({ level: z.enum(["freeze", "shed"]), text }).optional(),
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
		server: machineSnapshot,
		lagMs: z.number(),
	}),
});

/** Switches, plans, and holds whose cause was another than before: the newest last, and no more than some. */
export const decisionList = z.strictObject({ decisions: z.array(decisionSnapshot) });

/** Counted since the server started. */
const totalsSnapshot = z.strictObject({
	viewersAccepted: count,
	/** Over the limit; players of RTSP are among them. */
	viewersRefused: count,
	bytesSent: count,
	switches: z.array(z.strictObject({ direction: text, cause: text, count })),
	/** At the ends of units. */
	decisions: z.array(z.strictObject({ kind: text, direction: text, cause: text, count })),
	/** Answers of a policy from a module that were none. */
	policyErrors: count,
	/** Viewers moved forward over media. */
	drops: z.array(z.strictObject({ reason: text, count })),
	/** Viewers gone. */
	left: z.array(z.strictObject({ reason: text, count })),
	/** Requests refused before they were one. */
	requestsRefused: z.array(z.strictObject({ code: text, count })),
	/** Of viewers, by what became of them. */
	reports: z.array(z.strictObject({ server: text, result: text, count })),
});

export const serverSnapshot = z.strictObject({
	version: text,
	nodeVersion: text,
	/** Of this process. */
	startedAt: isoTime,
	/** The name of the switching policy. */
	policy: text,
	/** It takes no more viewers and is about to end. */
	draining: z.boolean(),
	/** Here now, by HTTP. */
	viewers: count,
	/** Those of RTSP; one limit is for both. */
	players: count,
	/** It distributes packets: there is a /api/v1/distribution. */
	distribution: z.boolean(),
	machine: machineSnapshot,
	totals: totalsSnapshot,
	/** What is not as it should be, though streams go on; a sentence each. */
	troubles: z.array(text),
	/** Where streams are, as whoever asks can reach them by the name that it asked. */
	mediaOrigins: z.array(text),
});

export const channelList = z.strictObject({ channels: z.array(channelSnapshot) });
export const viewerList = z.strictObject({
	viewers: z.array(viewerSnapshot),
	/** How many fit the question, of which these are some. */
	total: count,
});
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
export type MachineSnapshot = z.infer<typeof machineSnapshot>;
export type TotalsSnapshot = z.infer<typeof totalsSnapshot>;
export type ServerSnapshot = z.infer<typeof serverSnapshot>;
export type ViewerList = z.infer<typeof viewerList>;

/** Everything behind the API. Commands throw PenstockError VIEWER_NOT_FOUND, RENDITION_NOT_FOUND. */
/** What goes on by RTSP. */
export interface RtspFigures {
	readonly connections: number;
	readonly streams: number;
	readonly players: number;
}

export interface ApiModel {
	/** @param host that the server was asked by, as a URL has it, without a port */
	server(host: string): ServerSnapshot;
	channels(): readonly ChannelSnapshot[];
	/** In the order in which they came. */
	viewers(query: ViewersQuery): ViewerList;
	viewer(id: string): ViewerSnapshot | undefined;
	/** The newest last; undefined where there is no such viewer. */
	decisions(id: string): readonly DecisionSnapshot[] | undefined;
	/** @param wish "auto", or what should be the name of a rendition */
	setWish(id: string, wish: string): void;
	/** Figures that are not given stay as they are. */
	setFigures(id: string, figures: FiguresRequest): void;
	/** @param maxBps null: no limit */
	setLimit(id: string, maxBps: number | null): void;
	/** Ends the viewer's response in good order, at once. */
	kick(id: string): void;
	totals(): TotalsSnapshot;
	machine(): ServerFigures;
	/** What is not as it should be, though streams go on; a sentence each. */
	readonly troubles: readonly string[];
	/** Undefined where no packets are distributed. */
	readonly distribution: DistributionModel | undefined;
	/** Undefined where nobody publishes. */
	readonly publishing: PublishingModel | undefined;
	/** Undefined where RTSP is not spoken. */
	readonly players: PlayersModel | undefined;
	/** What the gate has said; undefined where everybody watches and nobody publishes. */
	readonly access: (() => AccessFigures) | undefined;
	/** Absent where RTSP is not spoken. */
	readonly rtsp?: () => RtspFigures;
	/** The server takes no more viewers and is about to end. */
	readonly draining: boolean;
}
