/**
 * Between a channel's publishers, who come and go, and its ladder, which takes what they send when it is ready for it.
 * Nothing is queued here but what a start needs: from the newest key picture on, within bounds.
 * Fulfils what `ingest/` wants of a sink and what `ladder/` wants of its input; neither knows of the other.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { PublicationSink } from "../ingest/publications.ts";
import type { FeedReceiver, PublishedFeed, PublishedInput } from "../ladder/published-input.ts";
import type { AccessUnit, DecodeInformation, TrackKind } from "../media/access-unit.ts";

export interface PublishedStreamOptions {
	/** `app/stream`, for messages. */
	readonly channel: string;
	/** What nothing can begin without. */
	readonly lead: TrackKind;
	/** Tracks that the channel has a use for. */
	readonly tracks: readonly TrackKind[];
	readonly clock: Clock;
	/** Something in what is published was left out. */
	readonly onFault: (error: PenstockError) => void;
}

/** How long the other track may come behind the leading one, and still be there from the start. */
const TRACKS_PATIENCE_MS = 500;
/** What is kept for a start; what would be older makes a viewer's picture late. */
const LONGEST_HELD_MS = 2000;
const MOST_HELD_BYTES = 8 * 1024 * 1024;

/** No feed's serial. */
const GONE = -1;

interface Waiting {
	readonly unwanted: number | undefined;
	readonly resolve: (feed: PublishedFeed) => void;
}

export class PublishedStream implements PublishedInput {
	readonly #options: PublishedStreamOptions;
	#current: Current | undefined;
	#waiting: Waiting | undefined;
	#lastSerial = 0;

	constructor(options: PublishedStreamOptions) {
		this.#options = options;
	}

	/** A publisher begins. One at a time: see Publications. */
	open(): PublicationSink {
		const stream = new Current(this.#options, () => ++this.#lastSerial);
		this.#current = stream;
		return {
			decodeInformation: (decode) => stream.decodeInformation(decode),
			accessUnit: (accessUnit) => {
				stream.accessUnit(accessUnit);
				this.#serve();
			},
			fault: this.#options.onFault,
			end: () => {
				if (this.#current === stream) this.#current = undefined;
				stream.close();
			},
		};
	}

	async next(
		unwanted: number | undefined,
		signal: AbortSignal,
		onWait: (why: PenstockError) => void,
	): Promise<PublishedFeed> {
		const { promise, resolve, reject } = Promise.withResolvers<PublishedFeed>();
		const give = (): void => reject(signal.reason);
		this.#waiting = { unwanted, resolve };
		signal.addEventListener("abort", give);
		if (signal.aborted) give();
		if (unwanted === undefined && this.#current === undefined) onWait(this.#nobody());
		this.#serve();
		try {
			return await promise;
		} finally {
			signal.removeEventListener("abort", give);
		}
	}

	#serve(): void {
		const waiting = this.#waiting;
		const feed = waiting === undefined ? undefined : this.#current?.feed();
		if (feed === undefined || feed.serial === waiting!.unwanted) return;
		this.#waiting = undefined;
		waiting!.resolve(feed);
	}

	#nobody(): PenstockError {
		const text = `channel ${this.#options.channel}: nobody publishes it yet; it is waited for.`;
		return new PenstockError("SOURCE_UNREACHABLE", text);
	}
}

/** What one publisher sends. */
class Current {
	readonly #options: PublishedStreamOptions;
	readonly #nextSerial: () => number;
	#serial = 0;
	#decode: DecodeInformation = {};
	/** When the leading track was first told of. */
	#ledSince: Milliseconds | undefined;
	#lastAt: Milliseconds;
	#receiver: FeedReceiver | undefined;
	/** From a key picture on; while nobody takes it. */
	#held: AccessUnit[] = [];
	#heldBytes = 0;
	#heldSince: Milliseconds;

	constructor(options: PublishedStreamOptions, nextSerial: () => number) {
		this.#options = options;
		this.#nextSerial = nextSerial;
		this.#lastAt = this.#heldSince = options.clock.now();
	}

	decodeInformation({ video, audio }: DecodeInformation): void {
		const { tracks, lead, clock } = this.#options;
		const decode = {
			...(video !== undefined && tracks.includes("video") && { video }),
			...(audio !== undefined && tracks.includes("audio") && { audio }),
		};
		if (isSame(decode, this.#decode)) return;
		this.end("its publisher sends something else from now on");
		this.#decode = decode;
		this.#serial = this.#nextSerial();
		if (decode[lead] !== undefined) this.#ledSince ??= clock.now();
	}

	accessUnit(accessUnit: AccessUnit): void {
		const { track, data } = accessUnit;
		this.#lastAt = this.#options.clock.now();
		if (this.#decode[track] === undefined) return;
		if (this.#receiver !== undefined) {
			this.#receiver.accessUnit(accessUnit);
			return;
		}
		if (track === this.#options.lead && accessUnit.key) {
			this.#letGo();
			this.#heldSince = this.#lastAt;
		} else if (this.#held.length === 0) return;
		this.#held.push(accessUnit);
		this.#heldBytes += data.length;
		if (this.#heldBytes > MOST_HELD_BYTES || this.#lastAt - this.#heldSince > LONGEST_HELD_MS) this.#letGo();
	}

	/** The publisher has left. */
	close(): void {
		this.#serial = GONE;
		this.end("its publisher has left; it is waited for");
	}

	/** @param why a clause */
	end(why: string): void {
		const receiver = this.#receiver;
		this.#receiver = undefined;
		this.#letGo();
		receiver?.end(new PenstockError("SOURCE_UNREACHABLE", `channel ${this.#options.channel}: ${why}.`));
	}

	/** Undefined as long as there is nothing to begin with. */
	feed(): PublishedFeed | undefined {
		if (this.#held.length === 0 || !this.#isComplete()) return undefined;
		const serial = this.#serial;
		const lastAt = (): Milliseconds => this.#lastAt;
		return {
			serial,
			decode: this.#decode,
			get lastAt(): Milliseconds {
				return lastAt();
			},
			start: (receiver) => this.#start(serial, receiver),
			stop: () => {
				if (this.#serial === serial) this.#receiver = undefined;
			},
		};
	}

	#start(serial: number, receiver: FeedReceiver): void {
		const held = this.#held;
		this.#letGo();
		this.#receiver = receiver;
		if (serial !== this.#serial) {
			this.end("its publisher has left, or sends something else from now on");
			return;
		}
		for (const accessUnit of held) {
			if (this.#receiver !== receiver) return;
			receiver.accessUnit(accessUnit);
		}
	}

	#isComplete(): boolean {
		const { tracks, clock } = this.#options;
		if (tracks.every((track) => this.#decode[track] !== undefined)) return true;
		return this.#ledSince !== undefined && clock.now() - this.#ledSince >= TRACKS_PATIENCE_MS;
	}

	#letGo(): void {
		this.#held = [];
		this.#heldBytes = 0;
	}
}

/** Decode information is plain: text, numbers and bytes. */
const isSame = (a: DecodeInformation, b: DecodeInformation): boolean => a === b || textOf(a) === textOf(b);

const textOf = (decode: DecodeInformation): string =>
	JSON.stringify(decode, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
