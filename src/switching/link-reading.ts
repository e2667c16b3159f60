/**
 * One look at the sending side of a viewer's connection: what TCP_INFO tells (RFC 9293 has the words). The server reads
 * it from the socket, the simulation makes it up from a model of a link; the rest of switching/ sees no difference.
 */
import type { Milliseconds } from "../base/units.ts";

export interface LinkReading {
	readonly at: Milliseconds;
	/** Bytes acknowledged since the connection's first that was counted as sent. */
	readonly ackedBytes: number;
	/** The same, and what the viewer's side is known to have behind a gap. */
	readonly deliveredBytes: number;
	/** When the newest acknowledgement came: to within a few milliseconds, never earlier than it came. */
	readonly lastAckAt: Milliseconds;
	readonly roundTrip: Milliseconds;
	readonly minRoundTrip: Milliseconds;
	/** Time in all in which the viewer's receive window held the sender back. */
	readonly receiverLimited: Milliseconds;
	/** The largest segment. */
	readonly segmentBytes: number;
	/** What the sender spreads its bytes to, by its own congestion control, in bits per second; 0: does not. */
	readonly pacingRate: number;
	/** Segments that the sender's congestion control lets be on their way; left out where it is not known. */
	readonly windowSegments?: number;
	/** Not of acknowledgements, but of what the sender's own kernel has taken: no burst can be timed by it. */
	readonly coarse?: boolean;
}

/** What can be asked of a viewer's connection: each answer is as of now. */
export interface LinkSource {
	/** A glance: how many bytes are acknowledged. Left out, or undefined, where it costs no less than a whole look. */
	acknowledged?(): number | undefined;
	/** Undefined when the connection is over. */
	look(now: Milliseconds): LinkReading | undefined;
}
