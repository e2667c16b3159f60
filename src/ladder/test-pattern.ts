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

/** A graph for FFmpeg's `lavfi` input with a video and an audio output, or with audio alone. */
export function testPatternGraph(source: Extract<SourceSpec, { kind: "test-pattern" }>, withVideo: boolean): string {
	if (!withVideo) return `${TONE}[out0]`;
	const { width, height } = source;
	const rate = rateText(source.frameRate);
	const barHeight = Math.floor(height / 8);
	const cells = `geq=lum='16+219*if(lt(Y,1),${COUNTER},${CLOCK})'`;
	return [
		`testsrc2=size=${width}x${height}:rate=${rate}[picture]`,
		`color=c=black:size=24x2:rate=${rate},format=gray,${cells},scale=${width}:${barHeight}:flags=neighbor,format=yuv420p[bar]`,
		"[picture][bar]overlay=0:0:shortest=1,format=yuv420p[out0]",
		`${TONE}[out1]`,
	].join(";");
}
