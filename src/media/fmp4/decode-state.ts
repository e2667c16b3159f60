/**
 * Which configuration each track of a fragmented MP4 has at the moment: that of its sample entry, until a key picture
 * brings other parameter sets, until the next `moov`. And which of that the sink knows.
 */
import { PenstockError } from "../../base/errors.ts";
import type { AudioConfig, DecodeInformation, TrackKind, VideoConfig } from "../access-unit.ts";
import { sameAudio } from "../audio.ts";
import { sameVideo, takePicture, type VideoCodec } from "../picture.ts";
import type { Movie } from "./movie-reader.ts";
import type { SampleEntry } from "./sample-entry.ts";

/** What of a sample is an access unit's. */
export interface Coded {
	readonly key: boolean;
	readonly data: Uint8Array;
}

export class DecodeState {
	#movie: Movie = {};
	/** Index of the sample entry that is in use, from 1. */
	readonly #entryOf: Record<TrackKind, number> = { video: 1, audio: 1 };
	#codec: VideoCodec | undefined;
	#video: VideoConfig | undefined;
	#audio: AudioConfig | undefined;
	#told: DecodeInformation | undefined;
	#isChecked = false;
	/** Pictures are left out until parameter sets come. */
	#isWaitTold = false;

	setMovie(movie: Movie): void {
		this.#movie = movie;
		this.#isChecked = false;
		if (movie.video === undefined) this.#video = undefined;
		if (movie.audio === undefined) this.#audio = undefined;
		for (const kind of ["video", "audio"] as const) {
			if (movie[kind] !== undefined) this.#use(kind, movie[kind].defaults.entry);
		}
	}

	/**
	 * Takes one sample. It writes into it.
	 * @param entry index of its sample entry, from 1
	 * @returns undefined where there is nothing in it but what the configuration has now
	 * @throws PenstockError STREAM_UNSUPPORTED when it cannot be carried, or nothing says how to decode it
	 */
	take(kind: TrackKind, entry: number, data: Uint8Array): Coded | undefined {
		if (entry !== this.#entryOf[kind]) this.#use(kind, entry);
		if (kind === "audio") {
			if (this.#audio === undefined) throw noEntry(kind, entry);
			return { key: true, data };
		}
		const known = this.#video ?? this.#codec;
		if (known === undefined) throw noEntry(kind, entry);
		const { data: picture, key, config } = takePicture(data, known);
		if (config !== undefined) this.#setVideo(config);
		if (this.#video !== undefined) return picture.length === 0 ? undefined : { key, data: picture };
		if (this.#isWaitTold) return undefined;
		this.#isWaitTold = true;
		throw new PenstockError("STREAM_UNSUPPORTED", "a picture before any parameter sets cannot be decoded");
	}

	/** The configuration of all tracks, where the sink does not know it. It does after this. */
	untold(): DecodeInformation | undefined {
		if (this.#isChecked) return undefined;
		this.#isChecked = true;
		const [video, audio] = [this.#video, this.#audio];
		const told = this.#told;
		if (told !== undefined && sameVideo(told.video, video) && sameAudio(told.audio, audio)) return undefined;
		this.#told = { ...(video === undefined ? {} : { video }), ...(audio === undefined ? {} : { audio }) };
		return this.#told;
	}

	#use(kind: TrackKind, index: number): void {
		this.#entryOf[kind] = index;
		const entry: SampleEntry | undefined = this.#movie[kind]?.entries[index - 1];
		if (kind === "audio") {
			this.#audio = entry?.track === "audio" ? entry.config : undefined;
			this.#isChecked = false;
			return;
		}
		const video = entry?.track === "video" ? entry : undefined;
		// Sets that came in the samples hold on where the entry has none.
		if (video?.config !== undefined || video?.codec !== this.#codec) this.#setVideo(video?.config);
		this.#codec = video?.codec;
	}

	#setVideo(config: VideoConfig | undefined): void {
		this.#video = config;
		this.#isChecked = false;
		this.#isWaitTold = false;
	}
}

const noEntry = (kind: TrackKind, entry: number): PenstockError =>
	new PenstockError("STREAM_UNSUPPORTED", `${kind} by sample entry ${entry} of its track cannot be carried`);
