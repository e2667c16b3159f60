/**
 * Owns the `MediaSource` and its source buffers, in a worker where the browser can, else in the page. Each beginning makes
 * a new source, which the caller gives to its element.
 */
import { messageOf } from "../../base/errors.ts";
import type { TrackKind } from "../../media/access-unit.ts";
import type { MediaPiece, SourceTypes } from "./media-piece.ts";
import { mediaSourceHere } from "./media-source.ts";
import { SourceTrack } from "./source-track.ts";

export interface FeederEvents {
	/** For the element, in place of the one before. */
	source(source: MediaSource, types: SourceTypes): void;
	/** There is more to play. */
	appended(): void;
	/** The source takes no more; nothing is appended until the next `begin`. */
	broken(reason: string): void;
	/** The browser has nothing for this MIME type. */
	unsupported(type: string): void;
}

/** Pieces before a source is open, which takes some milliseconds: many seconds' worth. */
const MOST_EARLY = 2000;
const TRACKS: readonly TrackKind[] = ["video", "audio"];

export class SourceFeeder {
	readonly #events: FeederEvents;
	#source: MediaSource | undefined;
	#tracks: Partial<Record<TrackKind, SourceTrack>> = {};
	/** What came before the source was open. */
	#early: MediaPiece[] = [];
	#isEnding = false;

	constructor(events: FeederEvents) {
		this.#events = events;
	}

	begin(types: SourceTypes): void {
		this.close();
		const kind = mediaSourceHere();
		const refused = Object.values(types).find((type) => kind?.isTypeSupported(type) !== true);
		if (kind === undefined || refused !== undefined) {
			this.#events.unsupported(refused ?? "anything");
			return;
		}
		const source = new kind();
		this.#source = source;
		source.addEventListener("sourceopen", () => this.#opened(source, types), { once: true });
		source.addEventListener("startstreaming", () => this.#each((track) => track.pump()));
		this.#events.source(source, types);
	}

	append(pieces: readonly MediaPiece[]): void {
		if (this.#source === undefined) return;
		const refused = pieces.find(({ type }) => type !== undefined && !mediaSourceHere()!.isTypeSupported(type))?.type;
		if (refused !== undefined) {
			this.close();
			this.#events.unsupported(refused);
		} else if (Object.keys(this.#tracks).length > 0) this.#spread(pieces);
		else if (this.#early.length < MOST_EARLY) this.#early.push(...pieces);
		else this.#break("the source did not open");
	}

	/** @param seconds where the element is: what lies far behind is taken away */
	played(seconds: number): void {
		this.#each((track) => track.played(seconds));
	}

	/** Nothing more comes: what is there is played to its end. */
	end(): void {
		this.#isEnding = true;
		this.#endIfDone();
	}

	/** Leaves the source as it is; what comes is left out until the next `begin`. */
	close(): void {
		this.#each((track) => track.close());
		this.#source = undefined;
		this.#tracks = {};
		this.#early = [];
		this.#isEnding = false;
	}

	#opened(source: MediaSource, types: SourceTypes): void {
		if (source !== this.#source) return;
		const events = { appended: () => this.#appended(), broken: (reason: string) => this.#break(reason) };
		try {
			for (const track of TRACKS) {
				const type = types[track];
				if (type !== undefined) this.#tracks[track] = new SourceTrack(source, type, events);
			}
		} catch (error) {
			this.#break(messageOf(error));
			return;
		}
		this.#spread(this.#early.splice(0));
		this.#endIfDone();
	}

	#spread(pieces: readonly MediaPiece[]): void {
		for (const track of TRACKS) {
			const own = pieces.filter((piece) => piece.track === track);
			if (own.length > 0) this.#tracks[track]?.append(own);
		}
	}

	#appended(): void {
		this.#events.appended();
		this.#endIfDone();
	}

	#endIfDone(): void {
		const tracks = Object.values(this.#tracks);
		if (!this.#isEnding || tracks.length === 0 || !tracks.every(({ isIdle }) => isIdle)) return;
		this.#isEnding = false;
		if (this.#source?.readyState === "open") this.#source.endOfStream();
	}

	#break(reason: string): void {
		if (this.#source === undefined) return;
		this.close();
		this.#events.broken(reason);
	}

	#each(act: (track: SourceTrack) => void): void {
		for (const track of Object.values(this.#tracks)) act(track);
	}
}
