/**
 * What the parts of the WebCodecs renderer tell each other: page, worker, and the audio worklet, which speaks with the
 * worker past the page. Times are milliseconds on the channel's clock.
 */
import type { ConnectionMessage } from "../connection-message.ts";
import type { PlayerProblem, RenditionChange, SignalReading } from "../player-model.ts";
import type { RendererFigures } from "../renderer.ts";
import type { StartMessage } from "../worker-side.ts";

export interface SoundFormat {
	readonly sampleRateHz: number;
	readonly channels: number;
}

/** The first message from the page to the worker. */
export interface WebCodecsStart extends StartMessage {
	readonly canvas: OffscreenCanvas;
	readonly targetMs: number | undefined;
	readonly readSignal: boolean;
	/** Sound is to be decoded, though nobody may be there yet to play it. */
	readonly wantsSound: boolean;
}

/** From the page to the worker. */
export type PageMessage =
	| { readonly kind: "wants-sound" }
	/** A way to the worklet. */
	| { readonly kind: "worklet"; readonly port: MessagePort }
	/** Whether the worklet is at work: not while the browser wants a gesture first. */
	| { readonly kind: "sound-runs"; readonly runs: boolean }
	| { readonly kind: "hidden"; readonly hidden: boolean };

/** From the worker to the page. */
export type WorkerMessage =
	| { readonly kind: "connection"; readonly message: ConnectionMessage }
	| { readonly kind: "started" }
	| { readonly kind: "figures"; readonly figures: RendererFigures }
	| { readonly kind: "rendition-change"; readonly change: RenditionChange }
	| { readonly kind: "stall"; readonly playing: boolean }
	| { readonly kind: "signal"; readonly readings: readonly SignalReading[] }
	| { readonly kind: "problem"; readonly problem: PlayerProblem }
	| { readonly kind: "unfit"; readonly problem: PlayerProblem }
	/** There is sound in the stream, and of which kind. */
	| { readonly kind: "sound-format"; readonly format: SoundFormat };

/** Decoded sound, one array for each channel. */
export interface SoundBlock {
	/** Of its first sample. */
	readonly ptsMs: number;
	readonly sampleRateHz: number;
	readonly channels: readonly Float32Array<ArrayBuffer>[];
}

/** From the worker to the worklet. */
export type SoundCommand =
	| { readonly kind: "block"; readonly block: SoundBlock }
	/** What the ring aims at. */
	| { readonly kind: "target"; readonly ms: number }
	/** The ring is cut to its target at once. */
	| { readonly kind: "cut" }
	/** What comes next has nothing to do with what was before. */
	| { readonly kind: "begin" }
	/** Nothing more comes: to run dry is no fault. */
	| { readonly kind: "end" };

/** From the worklet to the worker: every 20 ms or so, and at once when it begins or ceases to play. */
export interface SoundReport {
	readonly playing: boolean;
	/** Of the sample that leaves next; undefined before the first block. */
	readonly positionMs: number | undefined;
	/** What waits in the ring. */
	readonly heldMs: number;
	/** 1, or up to 1 % more or less. */
	readonly rate: number;
	/** How often it ran dry, so far. */
	readonly underruns: number;
}
