/**
 * What the reading side of a player (`connection.ts`, in a worker as a rule) tells the page. Plain values: they cross
 * from thread to thread.
 */
import type { PlayerProblem } from "./player-model.ts";

export type ConnectionMessage =
	| { readonly kind: "connecting" }
	| {
			readonly kind: "connected";
			/** The session's secret, by which reports name it; absent where the server is not ours. */
			readonly session: string | undefined;
			readonly viewer: string | undefined;
			readonly contentType: string;
	  }
	/** Lost, or refused for now: `problem.retryInMs` says when it is tried again. */
	| { readonly kind: "waiting"; readonly problem: PlayerProblem }
	/** For good. */
	| { readonly kind: "failed"; readonly problem: PlayerProblem }
	/** The server has ended the response in order, and none follows. */
	| { readonly kind: "ended" }
	/** Four times a second while bytes come. */
	| {
			readonly kind: "counts";
			readonly receivedBytes: number;
			/** Places in the stream that could not be read, over all connections; and the last of them, in words. */
			readonly faults: number;
			readonly lastFault?: string;
			/** Of the media, over the last seconds. */
			readonly bitrateBps: number | undefined;
			/** What the network was seen to take; undefined until there is evidence. */
			readonly throughputBps: number | undefined;
	  };
