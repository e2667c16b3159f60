/**
 * From access units to what a browser's source buffers take: two streams of fragmented MP4, one a track, so that a switch
 * of the video's rendition never touches the sound. An initialization segment leads where a track's configuration is
 * another than before; each access unit is a fragment of its own and waits for no other.
 *
 * The element's timeline is its own: it begins with the first picture, and where the stream's times jump (another
 * connection to a server that was started again, say) it goes on where it was. Pure.
 */
import { type Milliseconds, type Ticks90k, ticksToMs } from "../../base/units.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, TrackKind, VideoConfig } from "../../media/access-unit.ts";
import { audioFrameSamples, sameAudio } from "../../media/audio.ts";
import { initializationSegment, TrackWriter } from "../../media/fmp4/track-writer.ts";
import { UNKNOWN_PICTURE_DURATION } from "../../media/fmp4/writer.ts";
import { sameVideo } from "../../media/picture.ts";
import type { UnitStart } from "../../media/stream-reader.ts";
import { ArrivalMeter } from "../../playback/arrival-meter.ts";
import type { MediaPiece, SourceTypes, UnitNotice } from "./media-piece.ts";
import { SampleClock } from "./sample-clock.ts";

const TICKS_PER_SECOND = 90_000;
/** What is in front of the first picture on the element's timeline: room for what steps back a little. */
const LEAD_IN = 10 * TICKS_PER_SECOND;
/** A step forward beyond this is another time base and no hole. */
const LONGEST_HOLE = 10 * TICKS_PER_SECOND;
/** A step between two pictures that is longer is a hole. */
const LONGEST_PICTURE = 2 * TICKS_PER_SECOND;

export interface CutterEvents {
	/** Everything begins anew, with these tracks. */
	begin(types: SourceTypes): void;
	piece(piece: MediaPiece): void;
	unit(notice: UnitNotice): void;
}

const mimeType = (track: TrackKind, config: VideoConfig | AudioConfig): string =>
	`${track}/mp4; codecs="${config.codecString}"`;

export class SegmentCutter {
	readonly #events: CutterEvents;
	readonly #arrivals = new ArrivalMeter();
	#wantsAudio: boolean;
	#decode: DecodeInformation = {};
	/** Undefined until the first key picture: what a source was begun with. */
	#begun: { readonly tracks: string; readonly writers: Readonly<Record<TrackKind, TrackWriter>> } | undefined;
	/** The configuration that an initialization segment has told. */
	#told: DecodeInformation = {};
	/** From the stream's times to the element's. */
	#offset = 0;
	#unitStart: UnitStart | undefined;
	#notice: UnitNotice | undefined;
	/** Of the unit under way, where the stream numbers its units. */
	#number: number | undefined;
	#lastLead: number | undefined;
	#needsKey = true;
	#step = { longest: 0, before: 0 };
	#samples: SampleClock | undefined;
	#end = LEAD_IN;
	framesReceived = 0;

	constructor(options: { readonly audio: boolean }, events: CutterEvents) {
		this.#wantsAudio = options.audio;
		this.#events = events;
	}

	/** Where on the element's timeline all that came ends. */
	get endSeconds(): number {
		return this.#end / TICKS_PER_SECOND;
	}

	/** When the fastest access unit of late came, less its time on the element's timeline. */
	bestArrivalMs(now: Milliseconds): number | undefined {
		return this.#arrivals.best(now);
	}

	/** Sound is wanted that was not: with the next unit everything begins anew. */
	addAudio(): void {
		this.#wantsAudio = true;
	}

	/** The source is of no use any more: with the next unit everything begins anew. */
	restart(): void {
		this.#begun = undefined;
		this.#needsKey = true;
	}

	decodeInformation(decode: DecodeInformation): void {
		this.#decode = decode;
	}

	unitStart(start: UnitStart): void {
		this.#unitStart = start;
	}

	reconnected(): void {
		this.#needsKey = true;
		this.#unitStart = undefined;
	}

	accessUnit(accessUnit: AccessUnit, arrivedAt: Milliseconds): void {
		const { track } = accessUnit;
		if (track === "video") this.framesReceived++;
		if (this.#decode[track] === undefined || (track === "audio" && !this.#hasAudio)) return;
		if (track === this.#lead) this.#takeLead(accessUnit, arrivedAt);
		else this.#takeOther(accessUnit);
	}

	/** The track by which units and times go. */
	get #lead(): TrackKind {
		return this.#decode.video === undefined ? "audio" : "video";
	}

	get #hasAudio(): boolean {
		return this.#decode.audio !== undefined && (this.#wantsAudio || this.#decode.video === undefined);
	}

	get #tracks(): string {
		return `${this.#decode.video !== undefined} ${this.#hasAudio}`;
	}

	#takeLead(accessUnit: AccessUnit, arrivedAt: Milliseconds): void {
		const { key, dts } = accessUnit;
		const isAnew = key && this.#begun?.tracks !== this.#tracks;
		if (isAnew) this.#begin(dts);
		const step = this.#lastLead === undefined ? 1 : dts - this.#lastLead;
		// The same unit once more, on a new connection, takes the place of what is there of it.
		const isRepeat = this.#unitStart?.number !== undefined && this.#unitStart.number === this.#number;
		const isOtherBase = step > LONGEST_HOLE || (step <= 0 && !isRepeat);
		// Pictures that do not follow those before them cannot be decoded until the next key picture.
		if (!key && isOtherBase) this.#needsKey = true;
		if (this.#begun === undefined || (this.#needsKey && !key)) return;
		this.#needsKey = false;
		if (isOtherBase) this.#moveTo(dts);
		const opens =
			isAnew || isOtherBase || this.#unitStart !== undefined || (key && this.#told.video !== this.#decode.video);
		this.#countStep(step, opens);
		this.#lastLead = dts;
		if (opens) this.#openUnit(accessUnit);
		this.#arrivals.add(this.#secondsOf(dts) * 1000, arrivedAt);
		this.#write(accessUnit);
		if (!this.#hasAudio || this.#lead === "audio") this.#tellUnit();
	}

	#takeOther(accessUnit: AccessUnit): void {
		// Of the other side of a jump.
		if (this.#begun === undefined || this.#lastLead === undefined) return;
		if (Math.abs(accessUnit.dts - this.#lastLead) > LONGEST_HOLE) return;
		if (this.#begun.tracks !== this.#tracks) return;
		this.#write(accessUnit);
		this.#tellUnit();
	}

	#begin(dts: Ticks90k): void {
		const { video } = this.#decode;
		const audio = this.#hasAudio ? this.#decode.audio : undefined;
		this.#begun = { tracks: this.#tracks, writers: { video: new TrackWriter(), audio: new TrackWriter() } };
		this.#told = {};
		this.#offset = LEAD_IN - dts;
		this.#end = LEAD_IN;
		this.#lastLead = undefined;
		this.#number = undefined;
		this.#samples = undefined;
		this.#notice = undefined;
		this.#arrivals.forget();
		this.#events.begin({
			...(video && { video: mimeType("video", video) }),
			...(audio && { audio: mimeType("audio", audio) }),
		});
	}

	/** The time base is another: it goes on where the element's timeline ends. */
	#moveTo(dts: Ticks90k): void {
		this.#offset = this.#end - dts;
		this.#samples = undefined;
		this.#arrivals.forget();
	}

	/** The longest step of this unit and the one before: as long as a picture may last. */
	#countStep(step: number, opens: boolean): void {
		if (step > 0 && step <= LONGEST_PICTURE && this.#lastLead !== undefined) {
			this.#step.longest = Math.max(this.#step.longest, step);
		}
		if (opens) this.#step = { longest: 0, before: this.#step.longest };
	}

	get #pictureDuration(): number {
		return Math.max(this.#step.longest, this.#step.before) || UNKNOWN_PICTURE_DURATION;
	}

	#openUnit({ pts }: AccessUnit): void {
		this.#tellUnit(); // of the unit before, should it have had no sound
		const { video, audio } = this.#decode;
		this.#notice = {
			atSeconds: this.#secondsOf(pts),
			ptsMs: ticksToMs(pts),
			unit: this.#unitStart?.number,
			rendition: {
				name: this.#unitStart?.rendition,
				width: video?.width ?? 0,
				height: video?.height ?? 0,
				codec: (video ?? audio)!.codecString,
			},
			pictureSeconds: this.#pictureDuration / TICKS_PER_SECOND,
		};
		this.#number = this.#unitStart?.number;
		this.#unitStart = undefined;
	}

	/** Waits for the unit's first audio frame, by which it is known how the sound joins. */
	#tellUnit(audioGapSamples?: number): void {
		const notice = this.#notice;
		this.#notice = undefined;
		if (notice === undefined) return;
		this.#events.unit(audioGapSamples === undefined ? notice : { ...notice, audioGapSamples });
	}

	#write(accessUnit: AccessUnit): void {
		const { track, pts, dts } = accessUnit;
		const start = this.#initialization(track);
		const audio = track === "audio" ? this.#placeAudio(accessUnit) : undefined;
		const time = Math.max(0, (audio?.time ?? dts) + this.#offset);
		const duration = audio?.duration ?? this.#pictureDuration;
		const compositionOffset = pts - dts;
		const times = { decodeTime: time, duration, compositionOffset };
		const bytes = this.#begun!.writers[track].fragment(accessUnit, times);
		this.#end = Math.max(this.#end, time + compositionOffset + duration);
		if (audio !== undefined && this.#notice !== undefined) this.#tellUnit(audio.gapSamples);
		if (start !== undefined) this.#events.piece({ track, ...start });
		const keySeconds = (time + compositionOffset) / TICKS_PER_SECOND;
		this.#events.piece(accessUnit.key ? { track, bytes, keySeconds } : { track, bytes });
	}

	#placeAudio({ dts, data }: AccessUnit): ReturnType<SampleClock["place"]> {
		const config = this.#decode.audio!;
		this.#samples ??= new SampleClock(config.sampleRateHz);
		return this.#samples.place(dts, audioFrameSamples(config, data));
	}

	/** Undefined where the track goes on with the configuration that it has. */
	#initialization(track: TrackKind): { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string } | undefined {
		const config = this.#decode[track]!;
		if (track === "video" && sameVideo(this.#told.video, this.#decode.video)) {
			this.#told = { ...this.#told, video: this.#decode.video! };
			return undefined;
		}
		if (track === "audio" && sameAudio(this.#told.audio, this.#decode.audio)) return undefined;
		if (track === "audio") this.#samples = undefined;
		this.#told = { ...this.#told, [track]: config };
		return { bytes: initializationSegment({ [track]: config }), type: mimeType(track, config) };
	}

	#secondsOf(time: number): number {
		return Math.max(0, time + this.#offset) / TICKS_PER_SECOND;
	}
}
