/**
 * The words of the switching simulation: what goes in (traces, ladders, settings), what comes out of one run, and the
 * seam between a contender and the world that it is put into. Times are in milliseconds on one virtual clock: media
 * time 0 is simulation time 0, and an encoder gives each frame at its own media time. Rates are in bits per second.
 */
import type { Link } from "./link.ts";
import type { Media } from "./media.ts";

/** A stretch of a recorded or generated bandwidth profile. */
export interface TraceSlot {
	readonly durationMs: number;
	/** What the network takes; 0 is an outage. */
	readonly bandwidthBps: number;
	/** Round trip without a queue, without the 20 ms that `Link` adds. */
	readonly latencyMs: number;
}

export interface Trace {
	/** `family/name`: the seed of everything random in a run, and what its half is told by. */
	readonly id: string;
	readonly family: string;
	readonly slots: readonly TraceSlot[];
}

export interface Rung {
	readonly name: string;
	readonly bitrateBps: number;
}

export interface Ladder {
	readonly name: string;
	/** From the lowest to the best. */
	readonly rungs: readonly Rung[];
}

/** How much the network takes in the mean, of the best rung's bit rate. */
export type Scale = "tight" | "matched" | "ample";
export const SCALES: Readonly<Record<Scale, number>> = { tight: 0.5, matched: 1, ample: 2 };

/** The design's own ladder, and one for slow networks. */
export const LADDERS: readonly Ladder[] = [
	{
		name: "design",
		rungs: [
			{ name: "low", bitrateBps: 2e6 },
			{ name: "mid", bitrateBps: 4e6 },
			{ name: "high", bitrateBps: 8e6 },
		],
	},
	{
		name: "slow",
		rungs: [
			{ name: "r300", bitrateBps: 0.3e6 },
			{ name: "r750", bitrateBps: 0.75e6 },
			{ name: "r1500", bitrateBps: 1.5e6 },
			{ name: "r3000", bitrateBps: 3e6 },
			{ name: "r6000", bitrateBps: 6e6 },
		],
	},
];

/** One cell of the experiment; with a trace and a seed it fixes a world. */
export interface Setting {
	readonly ladder: Ladder;
	readonly unitMs: number;
	readonly scale: Scale;
	/** Media that a player gathers before it starts. */
	readonly bufferMs: number;
	/** From the join to the end; without it the trace's own length, but 180 to 300 s. */
	readonly durationMs?: number;
}

/** What a study of sensitivity changes; all have a default, see `DEFAULT_CONDITIONS`. */
export interface Conditions {
	readonly congestionControl: "bbr" | "cubic";
	/** The network's queue, drop-tail. */
	readonly fifoBytes: number;
	/** TCP_NOTSENT_LOWAT: what is not sent beyond this stays in the server's ring. */
	readonly notSentLowBytes: number;
	/** Frames that wait are put together into one write up to so much; 0: each goes alone. */
	readonly writeBytes: number;
	/** Standard deviation of the log-normal factor of each 100 ms of the link. */
	readonly jitter: number;
	/** A cursor further behind than this is moved to the newest unit of the lowest rendition. */
	readonly maxLagMs: number;
	/** Looks at the connection are only taken at multiples of this; 0: when they are due. */
	readonly lookEveryMs: number;
	/** Times of acknowledgements are known to the next multiple of this; 0: exactly. */
	readonly ackTickMs: number;
	/** Every run with another number has other media and another jitter. */
	readonly seed: number;
}

export const DEFAULT_CONDITIONS: Conditions = {
	congestionControl: "bbr",
	fifoBytes: 200_000,
	notSentLowBytes: 24 * 1024,
	writeBytes: 0,
	jitter: 0.2,
	maxLagMs: 3000,
	lookEveryMs: 0,
	ackTickMs: 4,
	seed: 1,
};

/** All that does not depend on the contender: the same for each, so that results are paired. */
export interface World {
	readonly trace: Trace;
	readonly setting: Setting;
	readonly conditions: Conditions;
	readonly link: Link;
	readonly media: Media;
	/** When the server has the viewer's GET: somewhere within the first unit. Start-up counts from here. */
	readonly joinAt: number;
	readonly endAt: number;
	/** `Run.timeline` is wanted: for plots only. */
	readonly wantsTimeline: boolean;
}

/** For plots: one entry for each 100 ms from the join on. */
export interface Timeline {
	/** What the network took. */
	readonly linkBps: readonly number[];
	/** Index of the rung that was playing; -1: none, a stall or start-up. */
	readonly playing: readonly number[];
	readonly liveDelayMs: readonly number[];
	readonly bufferMs: readonly number[];
}

/** What one viewer got. */
export interface RunResult {
	readonly contender: string;
	readonly traceId: string;
	readonly family: string;
	readonly ladder: string;
	readonly unitMs: number;
	readonly scale: Scale;
	readonly bufferMs: number;
	readonly seed: number;
	/** From the join to the end. */
	readonly durationMs: number;
	/** From the join to the first picture; `durationMs` where it never came. */
	readonly startupMs: number;
	/** Without start-up. */
	readonly stallMs: number;
	readonly stallCount: number;
	/** Stalled share of the time since the first picture, 0 to 1. */
	readonly stallRatio: number;
	/** Bits of the frames that were played, by `durationMs`. */
	readonly meanBps: number;
	/** Mean of ln(rung / lowest) / ln(best / lowest), 0 to 1, over the time since the first picture; a stall counts 0. */
	readonly meanQuality: number;
	/** Sum of the changes of that quality, by the seconds since the first picture. */
	readonly qualityChangePerS: number;
	/** Changes of rung as played. */
	readonly switches: number;
	readonly switchesPerMin: number;
	/** Newest media of the server − playhead, by time since the first picture. */
	readonly delayP50Ms: number;
	readonly delayP95Ms: number;
	/** Never sent, because the viewer was moved on to the newest unit. */
	readonly skippedFrames: number;
	readonly skippedPerMin: number;
	/** meanQuality − 2 qualityChangePerS − 10 stallRatio − 5 skipped share of the frames. */
	readonly u: number;
	/** Bytes that reached the viewer and those that were sent for it: conservation, and wasted downloads. */
	readonly deliveredBytes: number;
	readonly timeline?: Timeline;
}

export interface Contender {
	/** `adaptive threshold fixed-low fixed-mid fixed-high las hls bba mpc oracle`. */
	readonly name: string;
	run(world: World): RunResult;
}

/** Of each rung, 0 for the lowest to 1 for the best. */
export function qualities(ladder: Ladder): number[] {
	const lowest = ladder.rungs[0]!.bitrateBps;
	const span = Math.log(ladder.rungs.at(-1)!.bitrateBps / lowest);
	return ladder.rungs.map(({ bitrateBps }) => Math.log(bitrateBps / lowest) / span);
}
