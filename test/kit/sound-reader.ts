/**
 * Judges decoded sound, whoever decoded it: finds where in the signal of `sound-signal.ts` it begins, and then
 * compares every sample with the one that belongs there. A frame too few or too many moves everything behind it; a
 * click or a decoder that began anew damages the frame in which it happened.
 */
import { AssertionError } from "node:assert";
import { leftAt, rightAt, SOUND_RATE_HZ, sampleOfFrequency } from "./sound-signal.ts";

/** PCM samples in one AAC frame, per channel. */
const FRAME = 1024;
/** Short enough that a click of a fraction of a millisecond is not averaged away: 2.7 ms. */
const BLOCK = 128;
/** The left-out beginning: a decoder's first frame lacks the one before it, and some decoders fade in. */
const SETTLING_FRAMES = 4;
/** Samples by which the place in the signal is found. */
const LOOK = 8192;

export interface SoundVerdict {
	/** Per channel. */
	readonly samples: number;
	/** Where in the signal the first sample stands; below 0 where silence comes first. */
	readonly startsAt: number;
	/** The worst difference over 2.7 ms (RMS, full scale 1), the beginning and the last frame left out. */
	readonly worst: number;
	/** Where the difference is above the bound: samples from the start, in runs. */
	readonly broken: readonly { readonly from: number; readonly to: number }[];
}

/** Where a difference is heard: the tones have 0.07, an encoder's own error stays below 0.003. */
const BOUND = 0.01;

/** @param options.bound the difference (RMS over 2.7 ms, full scale 1) from which a block counts as broken */
export function judgeSound(pcm: Float32Array, options: { readonly bound?: number } = {}): SoundVerdict {
	const { bound = BOUND } = options;
	const samples = Math.floor(pcm.length / 2);
	const startsAt = placeOf(pcm, SETTLING_FRAMES * FRAME) - SETTLING_FRAMES * FRAME;
	const broken: { from: number; to: number }[] = [];
	let worst = 0;
	for (let from = SETTLING_FRAMES * FRAME; from + BLOCK <= samples - FRAME; from += BLOCK) {
		const difference = differenceAt(pcm, from, BLOCK, from + startsAt);
		worst = Math.max(worst, difference);
		if (difference <= bound) continue;
		const last = broken.at(-1);
		if (last?.to === from) last.to = from + BLOCK;
		else broken.push({ from, to: from + BLOCK });
	}
	return { samples, startsAt, worst, broken };
}

/**
 * Throws unless every sample is where it belongs, and there are as many as `frames` AAC frames make.
 * @param options.slack how many samples more or fewer a player may give out (priming, or a last frame kept)
 */
export function expectUnbrokenSound(
	pcm: Float32Array,
	options: { readonly frames: number; readonly slack?: number; readonly bound?: number },
): SoundVerdict {
	const { frames, slack = FRAME } = options;
	const verdict = judgeSound(pcm, options);
	const faults = verdict.broken.slice(0, 3).map(({ from, to }) => `samples ${from} to ${to - 1} are not the signal's`);
	if (verdict.broken.length > 3) faults.push(`and ${verdict.broken.length - 3} more places`);
	if (Math.abs(verdict.samples - frames * FRAME) > slack) {
		faults.push(`${verdict.samples} samples, where ${frames} frames make ${frames * FRAME} (±${slack})`);
	}
	if (faults.length === 0) return verdict;
	const message = `the sound is to go on unbroken; ${faults.join("; ")} (worst difference ${verdict.worst.toFixed(4)}).`;
	throw new AssertionError({ message, actual: verdict.samples, expected: frames * FRAME, operator: "unbrokenSound" });
}

/** RMS over both channels of what differs from the signal; of every `step`th sample. */
function differenceAt(pcm: Float32Array, from: number, length: number, place: number, step = 1): number {
	let sum = 0;
	let count = 0;
	for (let i = 0; i < length; i += step) {
		const left = pcm[2 * (from + i)]! - leftAt(place + i);
		const right = pcm[2 * (from + i) + 1]! - rightAt(place + i);
		sum += left * left + right * right;
		count++;
	}
	return Math.sqrt(sum / (2 * count));
}

/**
 * The place in the signal of the sample `from`. The right channel's frequency tells it within some hundred samples;
 * then the place that fits best is looked for, first over a short stretch, and of what fits about as well over one that
 * is long enough to tell neighbouring periods apart.
 * @throws Error where there is no such signal
 */
function placeOf(pcm: Float32Array, from: number): number {
	const length = Math.min(LOOK, Math.floor(pcm.length / 2) - from);
	if (length < LOOK / 2) throw new Error(`${pcm.length / 2} samples of sound are too few to judge.`);
	const middle = sampleOfFrequency(frequencyOf(pcm, from, length)) - length / 2;
	const reach = SOUND_RATE_HZ / 20;
	const fits: { place: number; difference: number }[] = [];
	for (let place = Math.round(middle) - reach; place <= middle + reach; place++) {
		const difference = differenceAt(pcm, from, 512, place, 5);
		if (difference < 0.02) fits.push({ place, difference });
	}
	const long = Math.min(16 * LOOK, Math.floor(pcm.length / 2) - from - FRAME);
	let best: { place: number; difference: number } | undefined;
	for (const { place } of fits) {
		const difference = differenceAt(pcm, from, long, place, 61);
		if (best === undefined || difference < best.difference) best = { place, difference };
	}
	if (best === undefined)
		throw new Error(`the sound is not the test signal's (${Math.round(middle)} is no place in it).`);
	return best.place;
}

/** Of a lone sine, in Hz: of three samples in a row the outer two are together 2·cos ω times the middle one. */
function frequencyOf(pcm: Float32Array, from: number, length: number): number {
	let cross = 0;
	let power = 0;
	for (let i = from + 1; i < from + length - 1; i++) {
		const middle = pcm[2 * i + 1]!;
		cross += (pcm[2 * i - 1]! + pcm[2 * i + 3]!) * middle;
		power += middle * middle;
	}
	return power === 0 ? 0 : (Math.acos(Math.max(-1, Math.min(1, cross / (2 * power)))) / (2 * Math.PI)) * SOUND_RATE_HZ;
}
