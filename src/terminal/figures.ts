/**
 * What a player tells: its figures, and what happens to it. The names are those of `--json`, with their units; they are
 * stable.
 */

import type { DelaySource } from "../playback/meters.ts";
import type { FrameCount } from "./frame-tally.ts";

/** A player's figures at one moment. Rates are of the last second, counts from the start. */
export interface PlayerFigures {
	/** Since the response began. */
	readonly timeMs: number;
	/** Of the newest decoded frame, as the unit it belongs to says; left out where the stream names none. */
	readonly rendition?: string;
	readonly unit?: number;
	/** PTS of the newest decoded frame; left out before the first. */
	readonly ptsMs?: number;
	readonly bytesReceived: number;
	readonly bitrateBps: number;
	/** What the network takes, as bursts show; left out before anything came. */
	readonly throughputBps?: number;
	/** Decoded in the last second: pictures, or audio frames where there is no video. */
	readonly frameRate: number;
	/** Pictures. */
	readonly framesReceived: number;
	readonly framesDecoded: number;
	/** Received, and not given out by the decoder. */
	readonly framesLost: number;
	readonly audioFramesReceived: number;
	readonly audioFramesDecoded: number;
	readonly audioFramesLost: number;
	/** Media received that is not due yet on a playback clock which began with the first decoded frame. */
	readonly bufferMs: number;
	/** How often nothing was left to show for more than 100 ms, and for how long in all. */
	readonly stalls: number;
	readonly stalledMs: number;
	/** Left out before the first frame; `delayBy` says how it was measured. */
	readonly delayMs?: number;
	readonly delayBy?: DelaySource;
	readonly switches: number;
	/** Decoders that were set up: one more than there were resets. */
	readonly decoders: number;
	/** Places where the stream was broken, and lines in which a decoder complained. */
	readonly faults: number;
	readonly decoderWarnings: number;
}

/** Which part of the decode information differs. */
export type DecodeChange = "codec" | "size" | "parameters";

/** Where a unit of another rendition begins. */
export interface SwitchTold {
	readonly timeMs: number;
	readonly from?: string;
	readonly to?: string;
	readonly unit?: number;
	/** Of the unit's first access unit. */
	readonly ptsMs: number;
	/** Empty where both have the same decode information: then the decoder runs on. */
	readonly changed: readonly DecodeChange[];
	readonly codec?: string;
	readonly width?: number;
	readonly height?: number;
}

/** Why a player came to its end. */
export type EndReason =
	/** The response was over by its own account. */
	| "complete"
	/** The connection broke, or the server went. */
	| "broken"
	/** Ctrl-C, or a signal. */
	| "interrupted"
	/** As long as `--for` says. */
	| "time"
	/** As many switches as `--until-switches` says. */
	| "switches"
	/** The player itself could not go on. */
	| "failed";

export type PlayEvent =
	| {
			readonly event: "start";
			readonly timeMs: number;
			readonly url: string;
			/** The viewer's id, as the server calls it. */
			readonly viewer?: string;
			readonly contentType?: string;
			readonly packaging: string;
			readonly rendition?: string;
			readonly unit?: number;
			readonly ptsMs: number;
			readonly codec?: string;
			readonly width?: number;
			readonly height?: number;
			/** Left out, too, where the stream has not told of its sound yet. */
			readonly audioCodec?: string;
	  }
	| ({ readonly event: "switch" } & SwitchTold)
	| ({ readonly event: "stats" } & PlayerFigures)
	| {
			readonly event: "fault";
			readonly timeMs: number;
			/** What is broken: the stream as it was received, or what the decoder said of it. */
			readonly of: "stream" | "decoder";
			readonly message: string;
			/** Of this kind, so far. */
			readonly count: number;
	  }
	| ({ readonly event: "end"; readonly reason: EndReason; readonly error?: string } & PlayerFigures &
			Partial<FrameCount>);

/** Shows what happens, each in its own way. */
export interface PlayView {
	event(event: PlayEvent): void;
	/** Between events, for a view that moves: the latest figures. */
	refresh?(figures: PlayerFigures): void;
}

/**
 * Takes a player's figures to where a server can see them (S10): once a second, and at each switch.
 * @param session the secret in the response's header Penstock-Session; undefined for a server that gives none
 */
export interface FiguresSink {
	figures(session: string | undefined, figures: PlayerFigures): void;
	switched(session: string | undefined, told: SwitchTold, figures: PlayerFigures): void;
}
