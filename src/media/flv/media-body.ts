/**
 * What stands before the data in the body of an audio or video tag: the codec, and what the data is. H.264 and AAC in
 * the form of FLV 10.1 (annex E.4.2 and E.4.3), HEVC, AV1 and Opus in that of Enhanced RTMP v2 ("Enhanced Video",
 * "Enhanced Audio"), which tells codecs by FourCC.
 */
import { writeUint24 } from "../../base/bytes.ts";
import type { AudioConfig, TrackKind, VideoConfig } from "../access-unit.ts";
import { buildAv1C } from "../av1.ts";
import { buildAvcC } from "../h264.ts";
import { buildHvcC } from "../hevc.ts";
import { buildOpusHead } from "../opus.ts";
import { readInt24 } from "./tag.ts";

const FRAME_TYPE_KEY = 1;
const FRAME_TYPE_INTER = 2;
const FRAME_TYPE_COMMAND = 5;
const EX_VIDEO = 0x80; // isExVideoHeader
const EX_AUDIO = 9; // SoundFormat.ExHeader
const CODEC_AVC = 7;
const SOUND_FORMAT_AAC = 10;
/** SoundRate 3, SoundSize 1, SoundType 1: what AAC must say, whatever it is (E.4.2). */
const AAC_FORMAT = 0xaf;

const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const SEQUENCE_END = 2;
/** CodedFrames with a composition time of 0 that is not written. */
const CODED_FRAMES_X = 3;
const VIDEO_METADATA = 4;
const MOD_EX = 7;
const VIDEO_MULTITRACK = 6;
const AUDIO_MULTITRACK = 5;

type VideoCodec = VideoConfig["codec"];
type AudioCodec = AudioConfig["codec"];

const VIDEO_FOURCC = { h264: "avc1", hevc: "hvc1", av1: "av01" } as const;
const AUDIO_FOURCC = { aac: "mp4a", opus: "Opus" } as const;
const VIDEO_CODECS = byFourCc(VIDEO_FOURCC);
const AUDIO_CODECS = byFourCc(AUDIO_FOURCC);

export type VideoBody =
	| { readonly kind: "sequence-header"; readonly codec: VideoCodec; readonly from: number }
	| {
			readonly kind: "frame";
			readonly codec: VideoCodec;
			readonly keyFrame: boolean;
			readonly compositionMs: number;
			/** Where in the body the data begins. */
			readonly from: number;
	  }
	| NoMedia;

export type AudioBody =
	| { readonly kind: "sequence-header"; readonly codec: AudioCodec; readonly from: number }
	| { readonly kind: "frame"; readonly codec: AudioCodec; readonly from: number }
	| NoMedia;

type NoMedia =
	/** An end of sequence, a command, metadata. */
	| { readonly kind: "nothing" }
	/** `what` is a clause about the tag. */
	| { readonly kind: "unsupported" | "broken"; readonly what: string };

/** videocodecid of onMetaData. */
export const videoCodecId = (codec: VideoCodec): number =>
	codec === "h264" ? CODEC_AVC : fourCcNumber(VIDEO_FOURCC[codec]);

/** audiocodecid of onMetaData. */
export const audioCodecId = (codec: AudioCodec): number =>
	codec === "aac" ? SOUND_FORMAT_AAC : fourCcNumber(AUDIO_FOURCC[codec]);

/** The whole body of a video sequence header. */
export function videoSequenceHeader(config: VideoConfig): Uint8Array {
	switch (config.codec) {
		case "h264":
			return Uint8Array.from([(FRAME_TYPE_KEY << 4) | CODEC_AVC, SEQUENCE_START, 0, 0, 0, ...buildAvcC(config)]);
		case "hevc":
			return Uint8Array.from([...exVideo(FRAME_TYPE_KEY, SEQUENCE_START, "hevc"), ...buildHvcC(config)]);
		case "av1":
			return Uint8Array.from([...exVideo(FRAME_TYPE_KEY, SEQUENCE_START, "av1"), ...buildAv1C(config)]);
	}
}

/** The whole body of an audio sequence header. */
export function audioSequenceHeader(config: AudioConfig): Uint8Array {
	switch (config.codec) {
		case "aac":
			return Uint8Array.from([AAC_FORMAT, SEQUENCE_START, ...config.specificConfig]);
		case "opus":
			return Uint8Array.from([...exAudio(SEQUENCE_START, "opus"), ...buildOpusHead(config)]);
	}
}

/** What stands before a picture. @param compositionMs PTS − DTS, in 24 bits with a sign */
export function videoPrelude(codec: VideoCodec, key: boolean, compositionMs: number): Uint8Array {
	const frameType = key ? FRAME_TYPE_KEY : FRAME_TYPE_INTER;
	switch (codec) {
		case "h264":
			return withInt24([(frameType << 4) | CODEC_AVC, CODED_FRAMES], compositionMs);
		case "hevc":
			return compositionMs === 0
				? Uint8Array.from(exVideo(frameType, CODED_FRAMES_X, codec))
				: withInt24(exVideo(frameType, CODED_FRAMES, codec), compositionMs);
		case "av1": // shown as it comes: there is no composition time
			return Uint8Array.from(exVideo(frameType, CODED_FRAMES, codec));
	}
}

/** What stands before an audio frame. */
export const audioPrelude = (codec: AudioCodec): Uint8Array =>
	Uint8Array.from(codec === "aac" ? [AAC_FORMAT, CODED_FRAMES] : exAudio(CODED_FRAMES, codec));

/** Whether the body is of several tracks, or of another one than the first (ERTMP, "Multitrack"). */
export function isMultitrack(track: TrackKind, body: Uint8Array): boolean {
	const first = body[0] ?? 0;
	if (track === "video") return (first & EX_VIDEO) !== 0 && skipModEx(body).packetType === VIDEO_MULTITRACK;
	return first >> 4 === EX_AUDIO && skipModEx(body).packetType === AUDIO_MULTITRACK;
}

/** VIDEODATA and AVCVIDEOPACKET (E.4.3), or ExVideoTagHeader. */
export function parseVideoBody(body: Uint8Array): VideoBody {
	const first = body[0] ?? 0;
	const frameType = (first >> 4) & 7;
	if (body.length === 0) return { kind: "nothing" };
	if (first & EX_VIDEO) return parseExVideo(body, frameType);
	if (frameType === FRAME_TYPE_COMMAND) return { kind: "nothing" };
	if ((first & 0xf) !== CODEC_AVC || frameType > FRAME_TYPE_COMMAND) {
		return { kind: "unsupported", what: `begins with ${hex(first)}; of the numbered codecs only H.264 (7) is carried` };
	}
	if (body.length < 5) return { kind: "broken", what: `is an AVC tag of ${body.length} bytes; 5 are the least` };
	const common = { codec: "h264", from: 5 } as const;
	switch (body[1]) {
		case SEQUENCE_START:
			return { kind: "sequence-header", ...common };
		case CODED_FRAMES:
			return {
				kind: "frame",
				...common,
				keyFrame: frameType === FRAME_TYPE_KEY,
				compositionMs: readInt24(body, 2),
			};
		case SEQUENCE_END:
			return { kind: "nothing" };
		default:
			return { kind: "broken", what: `has AVCPacketType ${body[1]}, which is none of 0, 1 and 2` };
	}
}

/** AUDIODATA and AACAUDIODATA (E.4.2), or ExAudioTagHeader. */
export function parseAudioBody(body: Uint8Array): AudioBody {
	const first = body[0] ?? 0;
	const format = first >> 4;
	if (body.length === 0) return { kind: "nothing" };
	if (format === EX_AUDIO) return parseExAudio(body);
	if (format !== SOUND_FORMAT_AAC) {
		return { kind: "unsupported", what: `has SoundFormat ${format}; of the numbered codecs only AAC (10) is carried` };
	}
	if (body.length < 2) return { kind: "broken", what: "is an AAC tag of 1 byte; 2 are the least" };
	if (body[1]! > CODED_FRAMES) {
		return { kind: "broken", what: `has AACPacketType ${body[1]}, which is neither 0 nor 1` };
	}
	return { kind: body[1] === SEQUENCE_START ? "sequence-header" : "frame", codec: "aac", from: 2 };
}

function parseExVideo(body: Uint8Array, frameType: number): VideoBody {
	const { packetType, at } = skipModEx(body);
	if (packetType === VIDEO_METADATA || frameType === FRAME_TYPE_COMMAND) return { kind: "nothing" };
	const codec = VIDEO_CODECS.get(fourCcAt(body, at));
	if (codec === undefined || packetType > CODED_FRAMES_X) return unknownEx(body, packetType, at);
	const from = at + 4;
	const keyFrame = frameType === FRAME_TYPE_KEY;
	if (packetType === SEQUENCE_START) return { kind: "sequence-header", codec, from };
	if (packetType === SEQUENCE_END) return { kind: "nothing" };
	if (packetType === CODED_FRAMES_X || codec === "av1") {
		return { kind: "frame", codec, keyFrame, compositionMs: 0, from };
	}
	if (body.length < from + 3) return { kind: "broken", what: `of ${body.length} bytes ends in its composition time` };
	return { kind: "frame", codec, keyFrame, compositionMs: readInt24(body, from), from: from + 3 };
}

function parseExAudio(body: Uint8Array): AudioBody {
	const { packetType, at } = skipModEx(body);
	const codec = AUDIO_CODECS.get(fourCcAt(body, at));
	const isCarried = packetType === SEQUENCE_START || packetType === CODED_FRAMES;
	if (codec !== undefined && isCarried) {
		return { kind: packetType === SEQUENCE_START ? "sequence-header" : "frame", codec, from: at + 4 };
	}
	// SequenceEnd, and MultichannelConfig, which says no more than OpusHead.
	if (packetType === SEQUENCE_END || packetType === 4) return { kind: "nothing" };
	return unknownEx(body, packetType, at);
}

/** Extensions of a packet, a time offset in nanoseconds among them, stand before the FourCC; they are passed over. */
function skipModEx(body: Uint8Array): { packetType: number; at: number } {
	let packetType = body[0]! & 0xf;
	let at = 1;
	while (packetType === MOD_EX && at < body.length) {
		const short = body[at]! + 1;
		const size = short < 256 ? short : ((body[at + 1] ?? 0) << 8) + (body[at + 2] ?? 0) + 1;
		at += (short < 256 ? 1 : 3) + size;
		packetType = (body[at] ?? 0) & 0xf;
		at++;
	}
	return { packetType, at };
}

function unknownEx(body: Uint8Array, packetType: number, at: number): NoMedia {
	const name = fourCcAt(body, at).replace(/[^ -~]/g, ".");
	return {
		kind: "unsupported",
		what: `has packet type ${packetType} of codec "${name}"; single tracks of avc1, hvc1, av01, mp4a and Opus are carried`,
	};
}

const exVideo = (frameType: number, packetType: number, codec: VideoCodec): number[] => [
	EX_VIDEO | (frameType << 4) | packetType,
	...letters(VIDEO_FOURCC[codec]),
];

const exAudio = (packetType: number, codec: AudioCodec): number[] => [
	(EX_AUDIO << 4) | packetType,
	...letters(AUDIO_FOURCC[codec]),
];

function withInt24(bytes: readonly number[], value: number): Uint8Array {
	const out = new Uint8Array(bytes.length + 3);
	out.set(bytes);
	writeUint24(out, bytes.length, value);
	return out;
}

function byFourCc<Codec extends string>(names: Readonly<Record<Codec, string>>): ReadonlyMap<string, Codec> {
	return new Map((Object.entries(names) as [Codec, string][]).map(([codec, fourCc]) => [fourCc, codec]));
}

const letters = (fourCc: string): number[] => Array.from(fourCc, (letter) => letter.charCodeAt(0));
const fourCcNumber = (fourCc: string): number => letters(fourCc).reduce((value, letter) => value * 256 + letter, 0);
const fourCcAt = (body: Uint8Array, at: number): string => String.fromCharCode(...body.subarray(at, at + 4));
const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;
