/**
 * The command line of a decoder: FFmpeg reads our own packaging on standard input and gives each decoded frame at once.
 *
 * What keeps it from holding frames back, and must stay: `-threads 1` on both sides (FFmpeg's `rawvideo` encoder is
 * frame-threaded and runs a frame late without it), `-fpsprobesize 0 -analyzeduration 1` (the frame rate is nobody's
 * business here). `-fflags nobuffer` would lose the frames that were probed, `-flags low_delay` the order of B-frames.
 * Times: `-copyts -enc_time_base 1:90000 -fps_mode passthrough` give each frame the PTS that it came with, once.
 */
import type { TrackKind } from "../media/access-unit.ts";
import { BAR_FILTERS } from "../media/test-signal.ts";

/** What becomes of a decoded picture: only the test signal's bar, small and gray; or all of it, as PPM. */
export type PictureOutput = "bar" | "ppm";

/** The pipe on which FFmpeg says the time and the size of each frame, as `framecrc` lines. */
export const TIMES_FD = 3;

/** @param inputFormat FFmpeg's name of the packaging on standard input */
export function decoderArguments(track: TrackKind, pictures: PictureOutput, inputFormat: string): string[] {
	return [
		...["-hide_banner", "-nostdin", "-v", "level+warning"],
		...["-threads", "1", "-fpsprobesize", "0", "-analyzeduration", "1"],
		...["-f", inputFormat, "-i", "pipe:0", "-copyts", "-threads", "1"],
		...(track === "video" ? videoOutput(pictures) : audioOutput()),
	];
}

function videoOutput(pictures: PictureOutput): string[] {
	const form = pictures === "bar" ? ["-vf", BAR_FILTERS, "-c:v", "rawvideo"] : ["-c:v", "ppm", "-pix_fmt", "rgb24"];
	// The pictures first and then the line about them, packet by packet: whoever has read a line has its picture, too.
	const outputs = ["[f=data:flush_packets=1]pipe\\:1", `[f=framecrc:flush_packets=1]pipe\\:${TIMES_FD}`];
	return [
		...["-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "1:90000"],
		...[...form, "-f", "tee", outputs.join("|")],
	];
}

/** Of sound, only that it was decoded, and its times. */
const audioOutput = (): string[] => [
	...["-map", "0:a:0", "-c:a", "pcm_s16le", "-flush_packets", "1", "-f", "framecrc", `pipe:${TIMES_FD}`],
];
