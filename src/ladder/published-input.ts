/**
 * A source that comes by itself: what publishers send, whatever their protocol. Declared here, fulfilled by the server.
 *
 * Promises: a feed has one decode information and begins with a key picture (or a frame of audio, where that leads); a
 * publisher that sends something else from now on ends its feed, and the next one follows.
 */
import type { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";

export interface FeedReceiver {
	/** Of the tracks that the feed's decode information names; times are the publisher's. */
	accessUnit(accessUnit: AccessUnit): void;
	/** Nothing more comes. Once, and not after `stop`. */
	end(because: PenstockError): void;
}

export interface PublishedFeed {
	/** The same for feeds of the same publisher with the same decode information, and for no others. */
	readonly serial: number;
	readonly decode: DecodeInformation;
	/** When the last access unit came. */
	readonly lastAt: Milliseconds;
	/** Once; what has waited comes from within the call. */
	start(receiver: FeedReceiver): void;
	/** Nothing more is wanted. Idempotent. */
	stop(): void;
}

export interface PublishedInput {
	/**
	 * Waits for a publisher, and until it is known what it sends.
	 * @param unwanted the serial of a feed that is of no use
	 * @param onWait nobody publishes yet: says so
	 * @throws whatever it likes when `signal` is aborted, and nothing else
	 */
	next(unwanted: number | undefined, signal: AbortSignal, onWait: (why: PenstockError) => void): Promise<PublishedFeed>;
}
