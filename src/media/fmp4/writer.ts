/**
 * Writes one unit as fragmented MP4: `moov`, the event message that names the unit, then `moof` and `mdat` for each
 * access unit as it comes. `docs/wire/fmp4.md` draws the bytes.
 *
 * Invariants: bytes are a function of the unit's head and its access units alone; times are the channel's own, never
 * summed; a fragment is complete with its access unit, and waits for no other to know how long it lasts.
 */
import { concatenate } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import type { AccessUnit, AudioConfig, TrackKind } from "../access-unit.ts";
import { audioFrameSamples } from "../audio.ts";
import type { Allocate, UnitHead, UnitWriter } from "../packaging.ts";
import { inBandSets } from "../picture.ts";
import { type FragmentHead, fragmentHeadBytes, writeFragmentHead } from "./fragment-writer.ts";
import { WRITTEN_TIMESCALE } from "./media-time.ts";
import { FLAGS_DEPENDENT, FLAGS_KEY, movie, TRACK_ID } from "./movie-writer.ts";
import { unitMessage } from "./unit-name.ts";

/**
 * Of a picture where nothing is known yet: a channel's very first ones. At 24 pictures a second; longer does no harm,
 * while Media Source Extensions take a step of more than two durations for a gap.
 */
export const UNKNOWN_PICTURE_DURATION = 3750;
/** Of an audio frame that is broken: 20 ms. */
const UNKNOWN_FRAME_DURATION = 1800;
const NOTHING = new Uint8Array(0);

export class Fmp4UnitWriter implements UnitWriter {
	readonly #head: UnitHead;
	/** `moov` and the event message, until they are written. */
	#start: Uint8Array;
	/** What stands before a key picture. */
	readonly #keyPrelude: Uint8Array;
	/** Of the channel so far; this unit's are counted as they are written. */
	#fragments: number;
	#lastPicture: number | undefined;
	#longestStep: number;

	/** @throws PenstockError NAME_INVALID, STREAM_UNSUPPORTED when the head's decode information makes no sense */
	constructor(head: UnitHead) {
		this.#head = head;
		this.#fragments = head.accessUnitsBefore;
		this.#start = concatenate(movie(head.decode), unitMessage(head));
		this.#keyPrelude = inBandSets(head.decode.video);
		this.#longestStep = head.pictureDuration;
	}

	/** @throws PenstockError STREAM_UNSUPPORTED when the access unit is of a track that the head has not */
	write(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		const { track, key, data } = accessUnit;
		if (this.#head.decode[track] === undefined) throw this.#refuse(track);
		const isVideo = track === "video";
		const prelude = isVideo && key ? this.#keyPrelude : NOTHING;
		const start = this.#start;
		this.#start = NOTHING;
		// No time is below zero here; the channel's clock begins above it.
		const decodeTime = Math.max(0, accessUnit.dts);
		const head: FragmentHead = {
			sequenceNumber: ++this.#fragments,
			trackId: TRACK_ID[track],
			decodeTime,
			duration: isVideo ? this.#pictureDuration(decodeTime) : frameDuration(this.#head.decode.audio!, data),
			compositionOffset: accessUnit.pts - decodeTime,
			flags: isVideo ? (key ? FLAGS_KEY : FLAGS_DEPENDENT) : undefined,
			dataBytes: prelude.length + data.length,
		};
		const at = start.length;
		const dataAt = at + fragmentHeadBytes(head);
		const out = allocate(dataAt + head.dataBytes);
		out.set(start);
		writeFragmentHead(out, at, head);
		out.set(prelude, dataAt);
		out.set(data, dataAt + prelude.length);
		return out;
	}

	/** Every access unit is complete as it is written. */
	close(): undefined {
		return undefined;
	}

	/** The longest step known so far: too long overlaps the next picture, whose own time counts; too short is a gap. */
	#pictureDuration(decodeTime: number): number {
		if (this.#lastPicture !== undefined) {
			this.#longestStep = Math.max(this.#longestStep, decodeTime - this.#lastPicture);
		}
		this.#lastPicture = decodeTime;
		return this.#longestStep > 0 ? this.#longestStep : UNKNOWN_PICTURE_DURATION;
	}

	#refuse(track: TrackKind): PenstockError {
		const { number, rendition } = this.#head;
		return new PenstockError(
			"STREAM_UNSUPPORTED",
			`an access unit in unit ${number} of rendition "${rendition}" is ${track}, of which the unit's head says nothing.`,
		);
	}
}

/** How long an audio frame plays, on the clock of what is written. */
export function frameDuration(config: AudioConfig, data: Uint8Array): number {
	const samples = audioFrameSamples(config, data);
	return samples > 0 ? Math.round((samples * WRITTEN_TIMESCALE) / config.sampleRateHz) : UNKNOWN_FRAME_DURATION;
}
