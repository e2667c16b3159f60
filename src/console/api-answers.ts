/**
 * What the console reads of the API's answers (`/api/v1/…`); the server's own schemas have the rest and the reasons
 * (server/api-model.ts). Optional members are absent where nobody knows.
 */

export interface RenditionAnswer {
	readonly name: string;
	readonly width?: number | undefined;
	readonly height?: number | undefined;
	readonly codec?: string | undefined;
	readonly configuredBps?: number | undefined;
	readonly measuredBps?: number | undefined;
	readonly units: number;
	readonly aligned: boolean;
	readonly misaligned: number;
	readonly missing: number;
	readonly late: number;
	readonly overlong: number;
	readonly droppedAccessUnits: number;
	readonly refused?: string | undefined;
}

export type ChannelState = "stopped" | "starting" | "running" | "backing-off" | "failing" | "failed" | "ended";

export interface ChannelAnswer {
	readonly app: string;
	readonly stream: string;
	readonly state: ChannelState;
	readonly live: boolean;
	readonly onDemand: boolean;
	readonly source: string;
	readonly unitMs: number;
	readonly ringMs: number;
	/** From the best to the lowest. */
	readonly renditions: readonly RenditionAnswer[];
	readonly audio?: { readonly codec: string; readonly sampleRateHz: number; readonly channels: number } | undefined;
	readonly drift: { readonly count: number; readonly lastMs?: number | undefined };
	readonly ladder: {
		readonly restarts: number;
		readonly lastError?: string | undefined;
		readonly speed?: number | undefined;
		readonly startedAt?: string | undefined;
	};
	readonly viewers: number;
	/** Paths by packaging; only of those that can carry the channel. */
	readonly urls: Readonly<Record<string, string>>;
}

export interface FigureAnswer<Value = number> {
	readonly value: Value;
	readonly ageMs: number;
	readonly source: "api" | "reported" | "emulated" | "measured";
}

export interface ViewerFiguresAnswer {
	readonly bandwidthBps?: FigureAnswer | undefined;
	readonly cpuIdle?: FigureAnswer | undefined;
	readonly memoryUsed?: FigureAnswer | undefined;
	readonly bufferMs?: FigureAnswer | undefined;
	readonly droppedShare?: FigureAnswer | undefined;
	readonly smoothUpTo?: FigureAnswer<string> | undefined;
	readonly hidden?: FigureAnswer<boolean> | undefined;
	readonly maxBitrateBps?: FigureAnswer | undefined;
}

export interface NetworkAnswer {
	readonly capacityBps?: number | undefined;
	readonly capacityAgeMs?: number | undefined;
	readonly basis?: "busy" | "train" | "paced" | "floor" | undefined;
	readonly overdueMs: number;
	readonly outstandingBytes: number;
	readonly outstandingMediaMs: number;
	readonly roundTripMs: number;
	readonly minRoundTripMs: number;
	readonly variability: number;
	readonly receiverLimited: number;
}

export interface SwitchAnswer {
	readonly at: string;
	readonly unit: number;
	readonly from: string;
	readonly to: string;
	readonly because: { readonly cause: string; readonly text: string };
}

export interface ViewerAnswer {
	readonly id: string;
	/** `app/stream` */
	readonly channel: string;
	readonly packaging: string;
	readonly remoteAddress: string;
	readonly userAgent: string;
	readonly connectedAt: string;
	readonly rendition: string;
	readonly wish: string;
	/** What the server holds its connection to; null or absent: nothing. */
	readonly maxBps?: number | null | undefined;
	readonly decision?: { readonly kind: "hold" | "switch"; readonly cause: string; readonly text: string } | undefined;
	readonly lagMs: number;
	readonly bytesSent: number;
	readonly switches: number;
	/** The newest last. */
	readonly lastSwitches: readonly SwitchAnswer[];
	readonly drops: Readonly<Record<string, number>>;
	readonly figures: ViewerFiguresAnswer;
	readonly emulated?: ViewerFiguresAnswer | undefined;
	readonly network?: NetworkAnswer | undefined;
	readonly told: {
		readonly stalls?: number | undefined;
		readonly stalledMs?: number | undefined;
		readonly delayMs?: number | undefined;
		readonly renditionShown?: string | undefined;
	};
}

export interface PublisherAnswer {
	readonly id: string;
	/** `app/stream` */
	readonly channel: string;
	readonly protocol: string;
	readonly remoteAddress: string;
	/** By what it was let in. */
	readonly principal: string;
	readonly since: string;
	readonly video?: { readonly codec: string; readonly width: number; readonly height: number } | undefined;
	readonly audio?: { readonly codec: string; readonly sampleRateHz: number; readonly channels: number } | undefined;
	readonly bytes: number;
	readonly bitrateBps?: number | undefined;
	readonly dropped: number;
	readonly faults: number;
}

export interface PlayerAnswer {
	readonly id: string;
	/** `app/stream` */
	readonly channel: string;
	readonly remoteAddress: string;
	/** By what it was let in. */
	readonly principal: string;
	readonly since: string;
	readonly playing: boolean;
	readonly media: readonly {
		readonly kind: string;
		readonly transport: "udp" | "tcp" | "multicast";
		readonly packets?: number | undefined;
		readonly bytes?: number | undefined;
	}[];
}

export interface MachineAnswer {
	readonly cpuIdle?: number | undefined;
	readonly memoryUsed?: number | undefined;
	readonly eventLoopDelayMs?: number | undefined;
	readonly egressBps?: number | undefined;
	readonly egressLimitBps?: number | undefined;
	readonly encoderSpeed?: number | undefined;
	readonly duress?: { readonly level: "freeze" | "shed"; readonly text: string } | undefined;
}

export interface DecisionAnswer {
	readonly at: string;
	readonly moment: "unit-end" | "within-unit";
	readonly current: string;
	readonly kind: "hold" | "switch";
	readonly to?: string | undefined;
	readonly cause: string;
	readonly text: string;
	readonly inputs: {
		readonly network?: NetworkAnswer | undefined;
		readonly viewer: ViewerFiguresAnswer;
		readonly server: MachineAnswer;
		readonly lagMs: number;
	};
}

/** Counters since the server's start. */
export interface TotalsAnswer {
	readonly viewersAccepted: number;
	readonly viewersRefused: number;
	readonly bytesSent: number;
	readonly policyErrors: number;
	readonly switches: readonly { readonly direction: string; readonly cause: string; readonly count: number }[];
	readonly decisions: readonly {
		readonly kind: string;
		readonly direction: string;
		readonly cause: string;
		readonly count: number;
	}[];
	readonly drops: readonly { readonly reason: string; readonly count: number }[];
	readonly left: readonly { readonly reason: string; readonly count: number }[];
	readonly requestsRefused: readonly { readonly code: string; readonly count: number }[];
	readonly reports: readonly { readonly server: string; readonly result: string; readonly count: number }[];
}

export interface ServerAnswer {
	readonly version: string;
	readonly nodeVersion: string;
	readonly startedAt: string;
	/** The switching policy's name. */
	readonly policy: string;
	/** It takes no more viewers and is about to end. */
	readonly draining: boolean;
	/** It distributes packets by rules. */
	readonly distribution?: boolean | undefined;
	readonly viewers: number;
	/** Of RTSP. */
	readonly players?: number | undefined;
	readonly machine: MachineAnswer;
	readonly totals: TotalsAnswer;
	/** What is not as it should be, though streams go on; a sentence each. */
	readonly troubles: readonly string[];
	/** Where viewers find the streams. */
	readonly mediaOrigins: readonly string[];
}
