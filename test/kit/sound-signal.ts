/**
 * The sound of the test signal: two channels in which every sample says where it belongs, so that a missing, a
 * repeated and a damaged AAC frame can be heard by a program.
 *
 *   left    a tone of 1 kHz whose phase never jumps; 1024 samples are 21⅓ of its periods, so that one frame or two
 *           too many or too few show at once
 *   right   a tone that climbs from 2 kHz by 40 Hz a second: where it is tells the time since the start
 *
 * Quiet enough (a tenth of full scale) that an encoder at `SOUND_BITRATE_BPS` keeps the form of the wave: what FFmpeg's
 * own AAC encoder adds is below 0.003 over any 2.7 ms (RMS, and 0.0003 but for the start), where the tones have 0.07.
 */
export const SOUND_RATE_HZ = 48_000;
export const SOUND_BITRATE_BPS = 256_000;
const SOUND_AMPLITUDE = 0.1;
const TONE_HZ = 1000;
const CLIMB_FROM_HZ = 2000;
/** The right channel's frequency at `t` seconds is `CLIMB_FROM_HZ + CLIMB_HZ_PER_S * t`. */
const CLIMB_HZ_PER_S = 40;

/** A chain for a filter graph of FFmpeg's: two channels of 48 kHz at `output`, endless where `seconds` is undefined. */
export function soundChain(seconds: number | undefined, output: string): string {
	const left = `${SOUND_AMPLITUDE}*sin(2*PI*${TONE_HZ}*t)`;
	const right = `${SOUND_AMPLITUDE}*sin(2*PI*(${CLIMB_FROM_HZ}+${CLIMB_HZ_PER_S / 2}*t)*t)`;
	const duration = seconds === undefined ? "" : `:d=${seconds}`;
	return `aevalsrc=exprs='${left}|${right}':s=${SOUND_RATE_HZ}:n=1024${duration}[${output}]`;
}

/** What the left channel has at a sample since the start. */
export const leftAt = (sample: number): number =>
	SOUND_AMPLITUDE * Math.sin(2 * Math.PI * TONE_HZ * (sample / SOUND_RATE_HZ));

/** What the right channel has there. */
export function rightAt(sample: number): number {
	const t = sample / SOUND_RATE_HZ;
	return SOUND_AMPLITUDE * Math.sin(2 * Math.PI * (CLIMB_FROM_HZ + (CLIMB_HZ_PER_S / 2) * t) * t);
}

/** Where in the signal (samples from its start) the right channel has this frequency. */
export const sampleOfFrequency = (hz: number): number => ((hz - CLIMB_FROM_HZ) / CLIMB_HZ_PER_S) * SOUND_RATE_HZ;
