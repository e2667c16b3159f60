/**
 * The built-in source: a moving picture which carries, in two rows of 24 cells in its top eighth, the frame's number (20 bits
 * from the left, least significant first, then a 4-bit checksum) and the wall clock (milliseconds modulo 2^24); and a
 * tone. Cells survive 120 kbit/s at 320×180, so that anyone can count the frames that reach a screen, and read how old
 * they are.
 */
import type { FrameRate, SourceSpec } from "./ladder-config.ts";

/** The number's bits, then the checksum: the sum of its five nibbles, plus 5, modulo 16. */
const NIBBLE_SUM = "mod(N,16)+mod(floor(N/16),16)+mod(floor(N/256),16)+mod(floor(N/4096),16)+mod(floor(N/65536),16)";
const COUNTER = `if(lt(X,20),mod(floor(N/pow(2,X)),2),mod(floor(mod(${NIBBLE_SUM}+5,16)/pow(2,X-20)),2))`;
/** The clock is read once per row, at the first cell, so that its bits belong together. */
const CLOCK = "mod(floor(if(X,ld(0),st(0,mod(time(0)*1000,16777216)))/pow(2,X)),2)";

export const rateText = (rate: FrameRate): string => `${rate.numerator}/${rate.denominator}`;

const TONE = "sine=frequency=440:sample_rate=48000:samples_per_frame=1024";

type TestPattern = Extract<SourceSpec, { kind: "test-pattern" }>;

/** A graph for FFmpeg's `lavfi` input with an audio output alone; `output` counts outputs of the whole graph. */
export const testToneGraph = (output: number): string => `${TONE}[out${output}]`;

/** The same with a video output alone: the picture without its bar. */
export const testPictureGraph = ({ width, height, frameRate }: TestPattern): string =>
	`testsrc2=size=${width}x${height}:rate=${rateText(frameRate)},format=yuv420p[out0]`;

/**
 * A chain that draws the bar. It belongs behind the input: FFmpeg makes pictures of an input ahead of their time, and the
 * clock is to be that of the moment in which they are encoded.
 */
export function testBarChain({ width, height }: TestPattern, input: string, output: string): string {
	const cells = `geq=lum='16+219*if(lt(Y,1),${COUNTER},${CLOCK})'`;
	return [
		`[${input}]split[picture][corner]`,
		`[corner]crop=24:2:0:0,format=gray,${cells},scale=${width}:${Math.floor(height / 8)}:flags=neighbor,format=yuv420p[bar]`,
		`[picture][bar]overlay=0:0:format=yuv420[${output}]`,
	].join(";");
}
