/**
 * What each encoder is called and told. All of them: no picture is reordered, no picture is looked ahead at, the only
 * key pictures are those that are forced, and they are closed (nothing behind one refers to what was before it).
 *
 * AV1 is libaom's: SVT-AV1 1.4 with FFmpeg 5.1 takes no notice of forced key frames.
 */
import type { VideoCodec } from "../media/picture.ts";
import type { AudioCodec, AudioSpec, EncodedRendition, EncoderPreset } from "./ladder-config.ts";

const DEFAULT_SAMPLE_RATE_HZ = 48_000;
/** The decoder's buffer, in seconds at the rendition's bit rate. */
const BUFFER_S = 0.6;

/** Names as FFmpeg lists them. */
export const VIDEO_ENCODERS: Readonly<Record<VideoCodec, string>> = {
	h264: "libx264",
	hevc: "libx265",
	av1: "libaom-av1",
};
export const AUDIO_ENCODERS: Readonly<Record<AudioCodec, string>> = { aac: "aac", opus: "libopus" };

/** libaom's -cpu-used for pictures in real time; 8 is the fastest that FFmpeg 5.1 takes. */
const AV1_SPEEDS: Readonly<Record<EncoderPreset, string>> = {
	ultrafast: "8",
	superfast: "8",
	veryfast: "8",
	faster: "7",
	fast: "6",
	medium: "5",
	slow: "4",
};

/** @param keys the value of `-force_key_frames` */
export function videoEncoder(codec: VideoCodec, rendition: EncodedRendition, keys: string): string[] {
	const { bitsPerSecond, width, height } = rendition;
	const threads = width * height >= 1280 * 720 ? "4" : "2";
	return [
		...["-c:v", VIDEO_ENCODERS[codec]],
		...ENCODER_OPTIONS[codec](rendition, threads),
		...["-enc_time_base", "1:90000", "-fps_mode", "passthrough", "-force_key_frames", keys],
		...["-b:v", String(bitsPerSecond), "-maxrate", String(bitsPerSecond)],
		...["-bufsize", String(Math.round(bitsPerSecond * BUFFER_S))],
		...["-threads", threads],
	];
}

type EncoderOptions = (rendition: EncodedRendition, threads: string) => readonly string[];

const ENCODER_OPTIONS: Readonly<Record<VideoCodec, EncoderOptions>> = {
	h264: ({ preset }) => [
		...["-preset", preset, "-tune", "zerolatency"],
		...["-profile:v", "main", "-bf", "0", "-g", "9999", "-sc_threshold", "0"],
	],
	hevc: ({ preset }, threads) => [
		...["-preset", preset, "-tune", "zerolatency"],
		...["-profile:v", "main", "-bf", "0", "-g", "9999", "-forced-idr", "1"],
		// x265 has threads of its own, and words for standard error even where nothing is wrong.
		...["-x265-params", `log-level=error:open-gop=0:scenecut=0:frame-threads=1:pools=${threads}`],
	],
	av1: ({ preset }) => [
		...["-usage", "realtime", "-cpu-used", AV1_SPEEDS[preset]],
		...["-lag-in-frames", "0", "-row-mt", "1", "-g", "9999"],
	],
};

/** Small gaps in the source's audio are filled, so that audio keeps its place beside the picture. */
export const audioEncoder = (audio: AudioSpec): string[] => [
	...["-af", "aresample=async=1", "-c:a", AUDIO_ENCODERS[audio.codec ?? "aac"], "-ac", "2"],
	...["-ar", String(audio.sampleRateHz ?? DEFAULT_SAMPLE_RATE_HZ), "-b:a", String(audio.bitsPerSecond)],
];
