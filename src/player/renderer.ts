/**
 * The seam between the player and what shows the media. A renderer takes the stream's address and does all the rest,
 * in a worker where it can; the player (`player.ts`) turns what it tells into states, events and reports.
 */
import type { ConnectionMessage } from "./connection-message.ts";
import type { PlayerProblem, PlayerStatistics, RendererKind, RenditionChange, SignalReading } from "./player-model.ts";

/** What a renderer knows better than anybody. */
export type RendererFigures = Pick<
	PlayerStatistics,
	| "framesReceived"
	| "framesDecoded"
	| "framesShown"
	| "framesDropped"
	| "bufferMs"
	| "latencyMs"
	| "audioUnderruns"
	| "audioVideoOffsetMs"
	| "playbackRate"
	| "positionMs"
>;

export interface RendererEvents {
	/** What becomes of the connection, and what it brings. */
	connection(message: ConnectionMessage): void;
	/** The first picture is there to see (where there is none: the first sound is played). */
	started(): void;
	/** Four times a second. */
	figures(figures: RendererFigures): void;
	renditionChange(change: RenditionChange): void;
	/** `playing` false: nothing is left to show. */
	stall(playing: boolean): void;
	signal(readings: readonly SignalReading[]): void;
	problem(problem: PlayerProblem): void;
	/** It cannot go on, for this reason; another kind of renderer may. */
	unfit(problem: PlayerProblem): void;
}

export interface RendererSettings {
	readonly src: string;
	readonly targetMs: number | undefined;
	readonly volume: number;
	readonly muted: boolean;
	readonly readSignal: boolean;
	readonly audioOutput: AudioNode | undefined;
}

/** Plays at once when made; `destroy` ends everything. Pausing is ending, and playing on is a new one: it is live. */
export interface Renderer {
	readonly kind: RendererKind;
	/** What shows the picture; the player puts it into the page. */
	readonly view: HTMLCanvasElement | HTMLVideoElement;
	/** @param volume 0 to 1. Within a gesture of the user's it may lift the browser's ban on sound. */
	setSound(volume: number, muted: boolean): void;
	/** The page came to be seen, or is no longer. */
	setHidden(hidden: boolean): void;
	destroy(): void;
}

export type CreateRenderer = (settings: RendererSettings, events: RendererEvents) => Renderer;
