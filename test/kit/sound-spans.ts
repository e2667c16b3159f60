/**
 * Follows the numbered sound (`sound-signal.ts`) through a recording of a live player, which may stretch it, jump and fall
 * silent: finds the stretches in which every sample is where the one before it says, and where in the signal they are.
 */
import { leftAt, rightAt, SOUND_RATE_HZ, sampleOfFrequency } from "./sound-signal.ts";

/** A stretch of sound as it was made: no sample missing, none too many, none damaged. Samples of the signal. */
export interface SoundSpan {
	readonly from: number;
	to: number;
}

/** Less than an AAC frame: a frame that is missing or damaged lies in two blocks at least. */
const BLOCK = 512;
/** RMS over a block, full scale 1: the tones have 0.07, an encoder's own error stays below 0.003. */
const BOUND = 0.01;
/** Of the left channel's tone, in samples. */
const PERIOD = 48;
/** How far the right channel's frequency may mislead over a block's length. */
const REACH = SOUND_RATE_HZ / 20;

/** @param pcm two channels, interleaved, 48 kHz */
export function soundSpans(pcm: Float32Array): SoundSpan[] {
	const spans: SoundSpan[] = [];
	let place: number | undefined;
	for (let from = 0; from + 2 * BLOCK <= pcm.length / 2; from += BLOCK) {
		if (place === undefined || differenceAt(pcm, from, place) > BOUND) {
			place = find(pcm, from);
			if (place !== undefined) spans.push({ from: place, to: place });
		}
		if (place === undefined) continue;
		place += BLOCK;
		spans.at(-1)!.to = place;
	}
	return spans.filter((span) => span.to > span.from + BLOCK);
}

/** Half of an AAC frame, which would be missing whole. */
const HOLE = 512;
/** Of the tones' amplitude, a hundredth. */
const SILENT = 0.001;

/**
 * Silences between the first and the last sound: where a player has nothing to play. Unlike a span, it does not matter to
 * them whether the sound is stretched.
 * @param pcm two channels, interleaved, 48 kHz
 */
export function soundHoles(pcm: Float32Array): number {
	let holes = 0;
	let lastLoud: number | undefined;
	for (let i = 0; i < pcm.length; i += 2) {
		if (Math.abs(pcm[i]!) < SILENT) continue;
		if (lastLoud !== undefined && (i - lastLoud) / 2 > HOLE) holes++;
		lastLoud = i;
	}
	return holes;
}

/** RMS over both channels; as soon as it is known to be beyond the bound, infinity. */
function differenceAt(pcm: Float32Array, from: number, place: number): number {
	const most = BOUND * BOUND * 2 * BLOCK;
	let sum = 0;
	for (let i = 0; i < BLOCK && sum <= most; i++) {
		const left = pcm[2 * (from + i)]! - leftAt(place + i);
		const right = pcm[2 * (from + i) + 1]! - rightAt(place + i);
		sum += left * left + right * right;
	}
	return sum > most ? Number.POSITIVE_INFINITY : Math.sqrt(sum / (2 * BLOCK));
}

/**
 * The place that fits best around where the right channel's frequency says, of those at which the left channel has this
 * phase; undefined where none does.
 */
function find(pcm: Float32Array, from: number): number | undefined {
	const about = sampleOfFrequency(frequencyAt(pcm, from));
	const phase = phaseAt(pcm, from);
	let best: { place: number; difference: number } | undefined;
	for (let period = Math.floor((about - REACH) / PERIOD); period <= (about + REACH) / PERIOD; period++) {
		for (const place of [-1, 0, 1].map((off) => Math.round(period * PERIOD + phase) + off)) {
			const difference = differenceAt(pcm, from, place);
			if (difference <= BOUND && (best === undefined || difference < best.difference)) best = { place, difference };
		}
	}
	return best?.place;
}

/** Of the left channel, in samples of its period. */
function phaseAt(pcm: Float32Array, from: number): number {
	let sine = 0;
	let cosine = 0;
	for (let i = 0; i < 10 * PERIOD; i++) {
		sine += pcm[2 * (from + i)]! * Math.sin((2 * Math.PI * i) / PERIOD);
		cosine += pcm[2 * (from + i)]! * Math.cos((2 * Math.PI * i) / PERIOD);
	}
	return (Math.atan2(cosine, sine) / (2 * Math.PI)) * PERIOD;
}

/** Of a lone sine, in Hz: of three samples in a row the outer two are together 2·cos ω times the middle one. */
function frequencyAt(pcm: Float32Array, from: number): number {
	let cross = 0;
	let power = 0;
	for (let i = from + 1; i < from + 2 * BLOCK - 1; i++) {
		const middle = pcm[2 * i + 1]!;
		cross += (pcm[2 * i - 1]! + pcm[2 * i + 3]!) * middle;
		power += middle * middle;
	}
	return power === 0 ? 0 : (Math.acos(Math.max(-1, Math.min(1, cross / (2 * power)))) / (2 * Math.PI)) * SOUND_RATE_HZ;
}
