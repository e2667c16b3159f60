/**
 * Real media for the benchmarks: a ladder of three renditions and audio, encoded by FFmpeg as the server has it do,
 * each in an FLV file of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export interface RecordedRendition {
	readonly name: string;
	readonly size: string;
	readonly bitrateBps: number;
}

/** From the best to the lowest; a unit is a second. */
export const RENDITIONS: readonly RecordedRendition[] = [
	{ name: "high", size: "1280x720", bitrateBps: 3_000_000 },
	{ name: "mid", size: "848x480", bitrateBps: 1_200_000 },
	{ name: "low", size: "480x270", bitrateBps: 500_000 },
];
export const UNIT_MS = 1000;
export const FRAME_RATE = 30;
const ENCODER =
	`-c:v libx264 -preset veryfast -tune zerolatency -bf 0 -g ${FRAME_RATE} -sc_threshold 0 -pix_fmt yuv420p`.split(" ");
const AUDIO = "-c:a aac -b:a 128k -f flv".split(" ");

/** Records into `directory`, which is made: `0.flv 1.flv …` for the renditions, and one more for the audio. */
export function recordLadder(directory: string, seconds: number): void {
	mkdirSync(directory);
	const outputs = RENDITIONS.flatMap(({ size, bitrateBps }, index) => [
		...["-map", "0:v", ...ENCODER, "-s", size, "-b:v", `${bitrateBps}`, "-maxrate", `${bitrateBps}`],
		...["-bufsize", `${bitrateBps / 2}`, "-f", "flv", join(directory, `${index}.flv`)],
	]);
	const audio = ["-map", "1:a", ...AUDIO, join(directory, `${RENDITIONS.length}.flv`)];
	const picture = ["-f", "lavfi", "-i", `testsrc2=s=1280x720:r=${FRAME_RATE}:d=${seconds}`];
	const sound = ["-f", "lavfi", "-i", `sine=r=48000:d=${seconds}`];
	execFileSync("ffmpeg", ["-v", "error", "-nostdin", ...picture, ...sound, ...outputs, ...audio]);
}
