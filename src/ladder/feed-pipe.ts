/**
 * A publisher's feed into FFmpeg's standard input. Bounded: where FFmpeg is behind, access units are left out up to the
 * next key picture, and counted; the publisher is not held up, and what FFmpeg gets it can decode.
 */
import type { Writable } from "node:stream";
import { PenstockError } from "../base/errors.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import { FeedWriter } from "./feed-form.ts";
import type { PublishedFeed } from "./published-input.ts";

/** In front of FFmpeg, which may be encoding the picture before: some seconds of a publisher's 10 Mbit/s. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;
/** A single picture may be larger; nothing has to wait behind it then. */
const FEW_UNREAD_BYTES = 64 * 1024;

export interface FeedPipeEvents {
	/** Access units that FFmpeg does not get. */
	dropped(count: number): void;
	/** The feed has come to its end, and FFmpeg will. */
	ended(because: PenstockError): void;
	/** It cannot be written. */
	failed(error: PenstockError): void;
}

export class FeedPipe {
	readonly #feed: PublishedFeed;
	readonly #pipe: Writable;
	readonly #events: FeedPipeEvents;
	readonly #writer: FeedWriter;
	readonly #decode: DecodeInformation;
	#skipping = false;
	#over = false;

	constructor(feed: PublishedFeed, pipe: Writable, events: FeedPipeEvents) {
		this.#feed = feed;
		this.#pipe = pipe;
		this.#events = events;
		this.#decode = feed.decode;
		this.#writer = new FeedWriter(feed.decode);
		// An FFmpeg that has gone is noticed by its exit.
		pipe.on("error", () => this.stop());
		feed.start({
			accessUnit: (accessUnit) => this.#take(accessUnit),
			end: (because) => {
				this.stop();
				events.ended(because);
			},
		});
	}

	/** Nothing more is written, and the pipe is closed. Idempotent. */
	stop(): void {
		if (this.#over) return;
		this.#over = true;
		this.#feed.stop();
		this.#pipe.end();
	}

	#take(accessUnit: AccessUnit): void {
		if (this.#over) return;
		if (!this.#hasRoom(accessUnit)) {
			this.#events.dropped(1);
			return;
		}
		try {
			for (const piece of this.#writer.write(accessUnit)) this.#pipe.write(piece);
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			this.#events.failed(thrown);
		}
	}

	#hasRoom({ track, key }: AccessUnit): boolean {
		const unread = this.#pipe.writableLength;
		if (unread > MOST_UNREAD_BYTES) this.#skipping = true;
		else if (this.#skipping && unread <= FEW_UNREAD_BYTES) {
			const begins = this.#decode.video === undefined || (track === "video" && key);
			if (begins) this.#skipping = false;
		}
		return !this.#skipping;
	}
}
