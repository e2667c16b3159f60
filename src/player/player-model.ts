/**
 * What a page sees of a player: options, states, events and figures. Times are milliseconds unless a name says
 * otherwise; media times are on the channel's own clock.
 */

import type { ChannelDescription } from "../wire/channel-description.ts";

export type RendererKind = "webcodecs" | "mse";

export interface PlayerOptions {
	/** A Penstock stream (`.mp4 .flv .ts .rtp`), or any endless stream in one of these packagings. */
	readonly src: string | URL;
	/** "auto": WebCodecs where there is a secure context and all it needs, else MSE. */
	readonly renderer?: RendererKind | "auto";
	/** "auto" leaves the choice to the server; a name asks it for that rendition and no other. */
	readonly rendition?: string;
	/** What is kept in hand between arrival and showing: a player aims at it. Default: by renderer. */
	readonly targetMs?: number;
	/** Of sound, 0 to 1. */
	readonly volume?: number;
	readonly muted?: boolean;
	/** Reports to the server the stream comes from. Default true; a stream of another server's gets none. */
	readonly reports?: boolean;
	/** Takes one of the origins that the server describes, in turn with the page's other players: see docs/player.md. */
	readonly spread?: boolean;
	/** Tells the server that more pixels than the view has are of no use. Default false. */
	readonly limitToView?: boolean;
	/** Reads the test signal's bar from the pictures that are shown (media/test-signal.ts): `signal` events. */
	readonly readSignal?: boolean;
	/** Where sound goes; a context of the player's own, to the speakers, where this is left out. */
	readonly audioOutput?: AudioNode;
}

export type PlayerState =
	/** Nothing was asked for yet. */
	| "idle"
	| "connecting"
	/** Media comes; not enough to begin. */
	| "buffering"
	| "playing"
	/** By the user: nothing is fetched. */
	| "paused"
	/** Nothing left to show; more may come. */
	| "stalled"
	/** Connection lost or refused for now; tried again. */
	| "waiting"
	/** The stream has ended. */
	| "ended"
	/** It will not play without a change. */
	| "failed";

/** What went wrong, for a person and for a program. */
export interface PlayerProblem {
	readonly code: PlayerProblemCode;
	/** One sentence for a person: what happened and what to do. */
	readonly message: string;
	/** The server's own code (docs/errors.md), where it gave one. */
	readonly serverCode?: string;
	readonly status?: number;
	/** When it is tried again; absent where it is not. */
	readonly retryInMs?: number;
}

export const PLAYER_PROBLEMS = [
	/** No answer, or the connection broke. */
	"NETWORK",
	/** Nothing came for some seconds, or no answer: perhaps the browser's six connections a host are taken. */
	"NO_ANSWER",
	/** The server refused: 4xx is final, 429 and 5xx are tried again. */
	"REFUSED",
	/** Not one of the packagings. */
	"NOT_A_STREAM",
	/** Bytes that could not be read were left out. */
	"BROKEN_STREAM",
	/** Nothing in this browser decodes it. */
	"UNSUPPORTED",
	"DECODER",
	/** The browser wants a gesture before there is sound: the picture goes on, muted. */
	"AUTOPLAY",
] as const;
export type PlayerProblemCode = (typeof PLAYER_PROBLEMS)[number];

/** A rendition as it is played. */
export interface ShownRendition {
	/** Undefined for streams that do not name theirs. */
	readonly name: string | undefined;
	readonly width: number;
	readonly height: number;
	/** RFC 6381 */
	readonly codec: string;
}

export interface RenditionChange {
	readonly from: ShownRendition | undefined;
	readonly to: ShownRendition;
	/** The unit that it begins with. */
	readonly unit: number | undefined;
	readonly ptsMs: number;
	/** Audio samples that were missing or too many at the switch; undefined without sound. */
	readonly audioGapSamples?: number;
}

/** One shown picture that carried the test signal. */
export interface SignalReading {
	readonly counter: number;
	readonly checksumOk: boolean;
	/** From its making to its showing, by two wall clocks. */
	readonly ageMs: number;
	readonly ptsMs: number;
	readonly width: number;
	readonly height: number;
}

/** Everything counts from the player's beginning. */
export interface PlayerStatistics {
	readonly renderer: RendererKind | undefined;
	readonly state: PlayerState;
	readonly rendition: ShownRendition | undefined;
	readonly framesReceived: number;
	readonly framesDecoded: number;
	readonly framesShown: number;
	/** Decoded or due, and not shown. */
	readonly framesDropped: number;
	/** There and not yet shown. */
	readonly bufferMs: number;
	/** How far what is shown is behind what could be shown at best: buffer, and lateness of the network. */
	readonly latencyMs: number | undefined;
	/** By the test signal, where it is read: from the picture's making to its showing. */
	readonly glassToGlassMs: number | undefined;
	/** Of the media, over the last seconds. */
	readonly bitrateBps: number | undefined;
	/** What the network was seen to take. */
	readonly throughputBps: number | undefined;
	readonly stalls: number;
	readonly stalledMs: number;
	readonly switches: number;
	readonly reconnects: number;
	/** Places in the stream that could not be read. */
	readonly faults: number;
	readonly audioUnderruns: number;
	/** Picture's time less sound's, where both are shown. */
	readonly audioVideoOffsetMs: number | undefined;
	readonly playbackRate: number;
	/** Where in the media it is. */
	readonly positionMs: number | undefined;
	/** From `play()` to the first picture. */
	readonly startUpMs: number | undefined;
}

/** Events of a `Player` and what their `detail` is. */
export interface PlayerEvents {
	statechange: { readonly state: PlayerState; readonly before: PlayerState; readonly problem?: PlayerProblem };
	renditionchange: RenditionChange;
	/** Begins with `playing: false`, and ends with `true`. */
	stall: { readonly playing: boolean; readonly stalledMs: number };
	/** Once a second while playing. */
	latency: { readonly latencyMs: number; readonly bufferMs: number };
	/** The server has told of the channel for the first time, or anew. */
	descriptionchange: ChannelDescription;
	signal: { readonly readings: readonly SignalReading[] };
	/** Also of those that it gets over by itself: `retryInMs` is there, or the state is not "failed". */
	error: PlayerProblem;
	/** Of the browser's making: volume or muting changed, by autoplay rules for example. */
	volumechange: { readonly volume: number; readonly muted: boolean };
}
