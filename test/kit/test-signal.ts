/**
 * The test signal: every frame carries the bar that `src/media/test-signal.ts` draws and reads, with its number and
 * the time of its making. Below it runs FFmpeg's `testsrc2`, which moves enough to make an encoder work.
 *
 * The counter counts the frames that leave the graph: with a variable frame rate frames are left out first and
 * counted after, so that in every form of the signal a viewer must see each number once and in order.
 * The clock is read when the frame is made; `-re` before the input makes that the time at which it is due.
 */

import { BAR_SHARE, CELLS_PER_ROW, COUNTER_BITS, checksumOf } from "../../src/media/test-signal.ts";
import { soundChain } from "./sound-signal.ts";

export { BAR_SHARE, CELLS_PER_ROW, checksumOf };

export interface TestSignal {
	/** Both even: `testsrc2` rounds odd ones down. The bar needs 192 × 128 or more to be read after an encoder. */
	readonly width: number;
	readonly height: number;
	/** Frames per second: a number, or a fraction such as "30000/1001". */
	readonly frameRate: number | string;
	/** Endless where this is left out. */
	readonly seconds?: number;
	/**
	 * Adds sound as `[out1]`, 48 kHz: a sine of 440 Hz in one channel, or that of `sound-signal.ts`, in which every sample
	 * tells its place.
	 */
	readonly audio?: boolean | "numbered";
	/**
	 * Leaves out about one frame in four of `frameRate` and moves the rest off the grid by up to 0.4 of a frame. Encode
	 * it with `-fps_mode passthrough -enc_time_base 1:90000`, or FFmpeg puts the frames back on a grid.
	 */
	readonly variableFrameRate?: boolean;
	/** The first frame's number; 0 where this is left out. */
	readonly firstCounter?: number;
}

/** A filter graph for `-f lavfi -i`: video as `[out0]` and, where asked for, audio as `[out1]`. */
export function testSignalGraph(signal: TestSignal): string {
	const { width, height, frameRate, seconds, firstCounter = 0 } = signal;
	const duration = seconds === undefined ? "" : `:d=${seconds}`;
	const timing = signal.variableFrameRate ? `,${irregular(frameRate)}` : "";
	const bar = Math.floor(height / BAR_SHARE);
	const chains = [
		`testsrc2=s=${width}x${height}:r=${frameRate}${duration}${timing}[picture]`,
		`color=c=black:s=${CELLS_PER_ROW}x2:r=${frameRate}${duration}${timing},format=gray,` +
			`geq=lum='16+219*if(lt(Y,1),${counterCell(firstCounter)},${CLOCK_CELL})',` +
			`scale=${width}:${bar}:flags=neighbor,format=yuv420p[bar]`,
		"[picture][bar]overlay=0:0:shortest=1,format=yuv420p[out0]",
	];
	if (signal.audio === "numbered") chains.push(soundChain(seconds, "out1"));
	else if (signal.audio) chains.push(`sine=frequency=440:sample_rate=48000${duration}[out1]`);
	return chains.join(";");
}

/** Frames per second as a number, of "30000/1001" as of 25. */
function framesPerSecond(frameRate: number | string): number {
	const [over = Number.NaN, under = 1] = String(frameRate).split("/").map(Number);
	return over / under;
}

/**
 * The value of cell X in row 2. geq knows the wall clock as time(0), in seconds; it is read once per row, at the first
 * cell, so that the bits belong together.
 */
const CLOCK_CELL = "mod(floor(if(X,ld(0),st(0,mod(time(0)*1000,16777216)))/pow(2,X)),2)";

/** The value of cell X in row 1, for the frame N of the graph. */
function counterCell(first: number): string {
	const n = first === 0 ? "N" : `(N+${first})`;
	const nibbles = [0, 4, 8, 12, 16].map((shift) => `mod(floor(${n}/${2 ** shift}),16)`);
	return (
		`if(lt(X,${COUNTER_BITS}),mod(floor(${n}/pow(2,X)),2),` +
		`mod(floor(mod(${nibbles.join("+")}+5,16)/pow(2,X-${COUNTER_BITS})),2))`
	);
}

/** Both inputs of the overlay go through the same filters, so that their frames keep meeting. */
function irregular(frameRate: number | string): string {
	const jitterTicks = Math.max(1, Math.floor((0.4 * 90_000) / framesPerSecond(frameRate)));
	const kept = "not(eq(mod(n,5),3)+eq(mod(n,17),11))";
	return `select='${kept}',settb=1/90000,setpts='PTS+mod(N*N*7919,${jitterTicks})'`;
}
