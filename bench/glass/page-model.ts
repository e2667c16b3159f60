/** What passes between the benchmark and a page of a contender: plain values, by DevTools. */

/** A picture of the test signal, at the moment at which the page saw it for the first time. */
export interface Sighting {
	/** The picture's number. */
	readonly counter: number;
	/** By the wall clock, in milliseconds. */
	readonly atMs: number;
	/** From its making until then. */
	readonly ageMs: number;
}

export interface Seen {
	readonly sightings: readonly Sighting[];
	/** Of the looks at which something was shown, those at which no bar could be read. */
	readonly unreadable: number;
	readonly looks: number;
	/** What the player said that is not in order. */
	readonly complaints: readonly string[];
}

/** Which player, and what it is given. */
export type PlayOrder =
	| {
			readonly player: "penstock";
			readonly src: string;
			readonly renderer: "webcodecs" | "mse";
			/** Undefined: the server chooses. */
			readonly rendition: string | undefined;
			/** Has the player read the signal, too: it knows which picture has which time. */
			readonly readSignal?: boolean;
			/** True where this is left out, as it is with the player itself. */
			readonly reports?: boolean;
	  }
	| { readonly player: "hls"; readonly src: string; readonly settings: "lowest" | "default" }
	| { readonly player: "mpegts"; readonly src: string };

/** `globalThis.glass` of a contender's page. */
export interface GlassPage {
	/** Makes the player, as a page does before anybody has clicked; nothing of the stream is asked for yet. */
	prepare(order: PlayOrder): void;
	/**
	 * Plays. Resolves when the first picture of the signal was seen, with the milliseconds since the call.
	 * @throws Error with what the player said, when `timeoutMs` pass without one
	 */
	play(timeoutMs: number): Promise<number>;
	/** What was seen since the last call. */
	take(): Seen;
	/**
	 * The number of the picture whose PTS is 0 on the channel's clock; it may be a fraction, or below 0. Undefined where
	 * the player was not told to read the signal.
	 */
	readonly counterOfZero: number | undefined;
}

declare global {
	var glass: GlassPage;
}
