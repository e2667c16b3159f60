/**
 * What a ladder is told: its source, its renditions, the unit, and how long it waits for what.
 * The server reads these from the configuration file; here they are already of the right type and range.
 */
import type { Name } from "../base/name.ts";
import { type BitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import type { AudioConfig } from "../media/access-unit.ts";
import type { VideoCodec } from "../media/picture.ts";
import type { FeedForm } from "./feed-form.ts";

/** Frames per second as a fraction: 30000/1001 is not 29.97. */
export interface FrameRate {
	readonly numerator: number;
	readonly denominator: number;
}

export type AudioCodec = AudioConfig["codec"];

/** In the words of x264 and x265; for AV1, its speeds by the same names. */
export type EncoderPreset = "ultrafast" | "superfast" | "veryfast" | "faster" | "fast" | "medium" | "slow";

export interface EncodedRendition {
	readonly name: Name;
	readonly kind: "encode";
	/** Even, in luma samples. */
	readonly width: number;
	readonly height: number;
	readonly bitsPerSecond: BitsPerSecond;
	readonly preset: EncoderPreset;
}

/** The source as it is; its GOPs must be closed and as long as the unit. All others then follow its key frames. */
export interface CopiedRendition {
	readonly name: Name;
	readonly kind: "copy";
}

/** It comes as it is to be sent, from an input of its own. Such a ladder has no others. */
export interface ReadyRendition {
	readonly name: Name;
	readonly kind: "ready";
	readonly input: InputSpec;
}

export type InputSpec =
	/** What publishers send to this stream, in the channel's app. */
	| { readonly kind: "published"; readonly stream: Name }
	/** Read by FFmpeg, which copies it. */
	| UrlSource
	| DescribedSource;

/** RTP that comes by UDP as a session description says, and needs no FFmpeg. */
export interface DescribedSource {
	readonly kind: "described";
	/** The description's path. */
	readonly sdpFile: string;
	/** The address of this machine at which groups are joined. */
	readonly localAddress?: string;
}

export type RenditionSpec = EncodedRendition | CopiedRendition | ReadyRendition;

export type SourceSpec =
	| {
			/** A moving picture with frame counter and clock, and a tone. */
			readonly kind: "test-pattern";
			readonly width: number;
			readonly height: number;
			readonly frameRate: FrameRate;
	  }
	| {
			/** Played in real time. */
			readonly kind: "file";
			readonly path: string;
			readonly loop: boolean;
	  }
	| UrlSource
	| RuleSource
	| PublishedSource
	| ReadySource;

export interface UrlSource {
	/** `rtsp rtsps srt udp rtp http https rtmp tcp`. */
	readonly kind: "url";
	readonly url: string;
}

/** Each rendition comes from an input of its own. */
export interface ReadySource {
	readonly kind: "ready";
}

/** Packets that a rule of the distribution plane brings to a port of this machine. */
export interface RuleSource {
	readonly kind: "rule";
	/** The rule's name. */
	readonly rule: string;
	/** The path of a session description, for RTP that carries no transport stream. */
	readonly sdpFile?: string;
	/** Where they come to; told for each run. */
	readonly landing?: Landing;
}

/** What publishers send. */
export interface PublishedSource {
	readonly kind: "published";
	/** The container in which it comes to FFmpeg; told for each run. */
	readonly form?: FeedForm;
}

/** Packets that come to the loopback: a transport stream as it is, or RTP by its description. */
export type Landing =
	| { readonly kind: "ts"; readonly port: number }
	/** @param sdp as FFmpeg is to read it, with the port in it */
	| { readonly kind: "rtp"; readonly port: number; readonly sdp: string };

export interface AudioSpec {
	readonly bitsPerSecond: BitsPerSecond;
	/** AAC unless given. */
	readonly codec?: AudioCodec;
	/** 48000 unless given; Opus has no other. */
	readonly sampleRateHz?: number;
	/** Of renditions that come ready-made: which one's it is. The first that has any unless given. */
	readonly from?: Name;
	/** It stays as the source has it, whose codec is the one given here. */
	readonly copy?: boolean;
}

/** Where the programs are: a path, or a name to be found on PATH. */
export interface FfmpegTools {
	readonly ffmpeg: string;
	readonly ffprobe: string;
}

export interface LadderTimeouts {
	/** For ffprobe to tell what the source is. */
	readonly probe: Milliseconds;
	/** From the start of FFmpeg to its first output. */
	readonly start: Milliseconds;
	/** From the first output to a configuration and a key picture of every rendition. */
	readonly gate: Milliseconds;
	/** Without an access unit of any one rendition. */
	readonly hang: Milliseconds;
	/** From SIGTERM to SIGKILL. */
	readonly stop: Milliseconds;
}

export const DEFAULT_TIMEOUTS: LadderTimeouts = {
	probe: milliseconds(10_000),
	start: milliseconds(15_000),
	gate: milliseconds(3_000),
	hang: milliseconds(3_000),
	stop: milliseconds(2_000),
};

export interface LadderConfig {
	/** The channel's name, for messages. */
	readonly channel: string;
	readonly source: SourceSpec;
	/** From the best to the lowest. None: the programme is audio alone, and `audio` must be there. */
	readonly renditions: readonly RenditionSpec[];
	/** One for all renditions, and what a source must have to be copied. H.264 unless given. */
	readonly codec?: VideoCodec;
	/**
	 * One for the whole ladder: every rendition then has the same pictures at the same times, which is what makes a
	 * switch frame-exact. Absent: the source's own. Not together with a copied rendition.
	 */
	readonly frameRate?: FrameRate;
	/** Absent: no audio, whatever the source has. */
	readonly audio?: AudioSpec;
	readonly unitDuration: Milliseconds;
	readonly tools: FfmpegTools;
	readonly timeouts: LadderTimeouts;
}
