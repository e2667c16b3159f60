/**
 * What FLV's tags hold, turned into access units: for `reader.ts`, which finds tags in a byte stream, and for RTMP, whose
 * messages carry the same bodies. H.264 and AAC in the form of FLV 10.1 (annex E), these and HEVC, AV1 and Opus in that
 * of Enhanced RTMP v2, one track of each kind.
 *
 * A unit starts where a script tag `onRendition` names it. In a stream without such tags it starts at each key picture;
 * where there is audio alone, at the first frame of each configuration.
 * Times: bit 31 of the milliseconds is ignored, as FFmpeg's muxer writes 31 bits (it masks TimestampExtended with 0x7F);
 * the rest is unwrapped. A stream that begins below zero therefore begins near 2³¹; whoever relates two FLV streams
 * to each other must relate them modulo 2³¹ ms.
 */
import { clauseOf, PenstockError } from "../../base/errors.ts";
import { isName } from "../../base/name.ts";
import { msToTicks, type Ticks90k, ticks90k } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, TrackKind, VideoConfig } from "../access-unit.ts";
import { sameAudio } from "../audio.ts";
import { parseAv1C } from "../av1.ts";
import { parseAvcC } from "../h264.ts";
import { parseHvcC } from "../hevc.ts";
import { parseOpusHead } from "../opus.ts";
import { sameVideo, takePicture } from "../picture.ts";
import type { StreamSink, UnitStart } from "../stream-reader.ts";
import { parseScript } from "./amf0.ts";
import { type AudioBody, parseAudioBody, parseVideoBody, type VideoBody } from "./media-body.ts";
import { TAG_AUDIO, TAG_VIDEO } from "./tag.ts";
import type { ScannedTag } from "./tag-scanner.ts";
import { ON_RENDITION } from "./writer.ts";

/** Width of the time stamps that FFmpeg's FLV muxer writes, in bits of milliseconds. */
export const FLV_TIME_BITS = 31;

/** What a `StreamSink` gets, and what else FLV says. */
export interface FlvSink extends Omit<StreamSink, "accessUnit"> {
	/** @param flvKeyFrame the tag's own word. True with `accessUnit.key` false is an open GOP: no IDR picture */
	accessUnit(accessUnit: AccessUnit, flvKeyFrame: boolean): void;
	/** One track's configuration, when it is new: at its sequence header, however long the first access unit takes. */
	configuration?(changed: DecodeInformation): void;
}

export class FlvTagReader {
	readonly #sink: FlvSink;
	readonly #unwrapper = new Unwrapper(FLV_TIME_BITS);
	readonly #video = new Track<VideoConfig>(sameVideo);
	readonly #audio = new Track<AudioConfig>(sameAudio);
	#told: DecodeInformation = {};
	/** The stream names its units. */
	#isNamed = false;
	/** What `onRendition` said; its unit begins with the next access unit. */
	#nextUnit: Omit<UnitStart, "time"> | undefined;
	/** Somebody promises video, or it has come. */
	#hasVideo = false;
	/** The configuration of the audio with which a unit began last. */
	#unitAudio: AudioConfig | undefined;
	#faults = 0;

	constructor(sink: FlvSink) {
		this.#sink = sink;
	}

	get faults(): number {
		return this.#faults;
	}

	/** There is going to be video, so that audio which comes before it begins no unit. */
	expectVideo(): void {
		this.#hasVideo = true;
	}

	/** Tells of something that no tag is to blame for. */
	lost(detail: string): void {
		this.#fault("FLV_SYNTAX", detail);
	}

	/** @param tag its body is not kept */
	read(tag: ScannedTag): void {
		if (tag.type === TAG_VIDEO) this.#videoTag(tag, parseVideoBody(tag.body));
		else if (tag.type === TAG_AUDIO) this.#audioTag(tag, parseAudioBody(tag.body));
		else this.#scriptTag(tag);
	}

	#videoTag(tag: ScannedTag, body: VideoBody): void {
		switch (body.kind) {
			case "nothing":
				break;
			case "unsupported":
			case "broken":
				this.#leaveOut("video", tag, body);
				break;
			case "sequence-header":
				this.#setVideo(this.#attempt("video", tag, () => parseVideoConfig(body.codec, tag.body.subarray(body.from))));
				break;
			case "frame":
				this.#picture(tag, body);
		}
	}

	#picture(tag: ScannedTag, { codec, from, compositionMs, keyFrame }: Extract<VideoBody, { kind: "frame" }>): void {
		const known = this.#video.config?.codec === codec ? this.#video.config : undefined;
		// In memory of its own: what is taken from it is the sink's to keep.
		const picture = this.#attempt("video", tag, () => takePicture(tag.body.slice(from), known ?? codec));
		if (picture === undefined) return;
		const config = picture.config ?? known;
		if (config === undefined) {
			this.#leaveOut("video", tag, { kind: "broken", what: "is a picture before its sequence header" });
			return;
		}
		this.#setVideo(config);
		if (picture.data.length === 0) return;
		const dts = this.#time(tag);
		const pts = ticks90k(dts + msToTicks(compositionMs));
		this.#give({ track: "video", pts, dts, key: picture.key, data: picture.data }, keyFrame);
	}

	#audioTag(tag: ScannedTag, body: AudioBody): void {
		switch (body.kind) {
			case "nothing":
				break;
			case "unsupported":
			case "broken":
				this.#leaveOut("audio", tag, body);
				break;
			case "sequence-header":
				this.#setAudio(this.#attempt("audio", tag, () => parseAudioConfig(body.codec, tag.body.subarray(body.from))));
				break;
			case "frame":
				this.#audioFrame(tag, body);
		}
	}

	#audioFrame(tag: ScannedTag, { codec, from }: Extract<AudioBody, { kind: "frame" }>): void {
		const config = this.#audio.config;
		if (config?.codec !== codec) {
			this.#leaveOut("audio", tag, { kind: "broken", what: "is a frame before its sequence header" });
			return;
		}
		const data = tag.body.slice(from);
		if (data.length === 0) return;
		this.#setAudio(config);
		const time = this.#time(tag);
		this.#give({ track: "audio", pts: time, dts: time, key: true, data }, true);
	}

	/** Names of calls that are not ours are passed over, whatever they hold. */
	#scriptTag({ body, offset }: ScannedTag): void {
		const call = parseScript(body);
		if (call?.name !== ON_RENDITION) return;
		const said = call.argument instanceof Map ? call.argument : new Map<string, unknown>();
		const rendition: unknown = said.get("rendition");
		const number: unknown = said.get("number");
		if (typeof rendition !== "string" || !isName(rendition) || !isUnitNumber(number)) {
			this.#fault("FLV_SYNTAX", `the script tag at byte ${offset} is an ${ON_RENDITION} that names no unit.`);
			return;
		}
		this.#isNamed = true;
		this.#nextUnit = { rendition, number };
		// A named unit brings all its sequence headers: what does not come again has gone.
		this.#video.isCurrent = false;
		this.#audio.isCurrent = false;
	}

	#setVideo(video: VideoConfig | undefined): void {
		if (video !== undefined && this.#video.set(video)) this.#sink.configuration?.({ video });
	}

	#setAudio(audio: AudioConfig | undefined): void {
		if (audio !== undefined && this.#audio.set(audio)) this.#sink.configuration?.({ audio });
	}

	#give(accessUnit: AccessUnit, flvKeyFrame: boolean): void {
		this.#hasVideo ||= accessUnit.track === "video";
		this.#tell();
		if (this.#startsUnit(accessUnit)) {
			const unit = { time: accessUnit.pts, ...this.#nextUnit };
			this.#nextUnit = undefined;
			this.#unitAudio = this.#audio.config;
			this.#sink.unitStart?.(unit);
		}
		this.#sink.accessUnit(accessUnit, flvKeyFrame);
	}

	#startsUnit({ track, key }: AccessUnit): boolean {
		if (this.#isNamed) return this.#nextUnit !== undefined;
		if (track === "video") return key;
		return !this.#hasVideo && this.#unitAudio !== this.#audio.config;
	}

	/** Says the decode information if it is not what was said last. */
	#tell(): void {
		const video = this.#video.isCurrent ? this.#video.config : undefined;
		const audio = this.#audio.isCurrent ? this.#audio.config : undefined;
		if (video === this.#told.video && audio === this.#told.audio) return;
		this.#told = { ...(video && { video }), ...(audio && { audio }) };
		this.#sink.decodeInformation?.(this.#told);
	}

	#time(tag: ScannedTag): Ticks90k {
		return msToTicks(this.#unwrapper.unwrap(tag.ms % 2 ** FLV_TIME_BITS));
	}

	/** @returns undefined, and told, where the tag's data makes no sense */
	#attempt<Result>(track: TrackKind, tag: ScannedTag, act: () => Result): Result | undefined {
		try {
			return act();
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			const what = `cannot be read: ${clauseOf(thrown)}`;
			this.#leaveOut(track, tag, { kind: thrown.code === "STREAM_UNSUPPORTED" ? "unsupported" : "broken", what });
			return undefined;
		}
	}

	/** What is wrong with each of many tags in a row is told once. */
	#leaveOut(kind: TrackKind, { offset }: ScannedTag, why: { kind: "unsupported" | "broken"; what: string }): void {
		const track = kind === "video" ? this.#video : this.#audio;
		if (track.complaint === why.what) return;
		track.complaint = why.what;
		const code = why.kind === "unsupported" ? "STREAM_UNSUPPORTED" : "FLV_SYNTAX";
		this.#fault(code, `the FLV ${kind} tag at byte ${offset} ${why.what}; it is left out.`);
	}

	#fault(code: "FLV_SYNTAX" | "STREAM_UNSUPPORTED", detail: string): void {
		this.#faults++;
		this.#sink.fault?.(new PenstockError(code, detail));
	}
}

/** What is known of one track. */
class Track<Config extends VideoConfig | AudioConfig> {
	readonly #same: (one: Config | undefined, other: Config) => boolean;
	#config: Config | undefined;
	/** It has come in this unit. */
	isCurrent = false;
	/** What was last said to be wrong, until something is right again. */
	complaint: string | undefined;

	constructor(same: (one: Config | undefined, other: Config) => boolean) {
		this.#same = same;
	}

	/** The same object for as long as it says the same. */
	get config(): Config | undefined {
		return this.#config;
	}

	/** @returns whether this is new */
	set(config: Config): boolean {
		this.isCurrent = true;
		this.complaint = undefined;
		if (this.#same(this.#config, config)) return false;
		this.#config = config;
		return true;
	}
}

function parseVideoConfig(codec: VideoConfig["codec"], record: Uint8Array): VideoConfig {
	switch (codec) {
		case "h264":
			return parseAvcC(record);
		case "hevc":
			return parseHvcC(record);
		case "av1":
			return parseAv1C(record);
	}
}

const parseAudioConfig = (codec: AudioConfig["codec"], record: Uint8Array): AudioConfig =>
	codec === "aac" ? parseAudioSpecificConfig(record) : parseOpusHead(record);

const isUnitNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
