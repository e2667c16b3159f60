/**
 * Judges sound that a player gave out at a speed of its own choosing: of the signal of `sound-signal.ts`, which may be
 * played a little faster or slower to hold a delay, but must go on without a gap, a jump or a click. Where every sample
 * has its place, `sound-reader.ts` is the stricter judge.
 */
import { AssertionError } from "node:assert";
import { rightAt, SOUND_RATE_HZ, sampleOfFrequency } from "./sound-signal.ts";

/** The left channel's tone. */
const TONE_HZ = 1000;
const PERIOD = SOUND_RATE_HZ / TONE_HZ;
/** Whole periods of the tone: 10 ms. */
const HOP = 10 * PERIOD;
/** Over which the right channel tells the place. */
const WINDOW = 8192;
/** Short enough that nothing of a millisecond or more is averaged away. */
const BLOCK = PERIOD;
/** Left out at both ends: a player fades in, and a decoder's first frame lacks the one before it. */
const SETTLING = 4096;
/** What an encoder adds moves the tone by less than this, in samples. */
const NOISE = 1;
/** What the right channel may differ by (RMS, full scale 1), which has 0.07: less than a sample's way. */
const MOST_MISFIT = 0.03;
/** The right channel's frequency tells its place within so many periods of the tone, at a speed that is 1 % off. */
const ROUGHLY = 1500;
const SINE = Float64Array.from({ length: HOP }, (_, i) => Math.sin((2 * Math.PI * i) / PERIOD));
const COSINE = Float64Array.from({ length: HOP }, (_, i) => Math.cos((2 * Math.PI * i) / PERIOD));
/** After so many the sound is bad enough. */
const MOST_JUMPS = 20;
/** The tone's amplitude: a tenth of full scale, as RMS. */
const RMS = 0.1 / Math.SQRT2;

export interface FlowVerdict {
	readonly seconds: number;
	/** The greatest step of the tone from one hop to the next beyond the speed that is granted, in samples. */
	readonly worstStep: number;
	/** The weakest block, as a share of the signal's strength: 0 is silence. */
	readonly weakest: number;
	/** The strongest, the same way. */
	readonly strongest: number;
	/** Places (samples from the start) at which it does not flow. */
	readonly faults: readonly string[];
}

/**
 * @param pcm two channels, interleaved, 48 kHz
 * @param options.mostRate by how much speed may differ from 1
 */
export function judgeFlow(pcm: Float32Array, options: { readonly mostRate?: number } = {}): FlowVerdict {
	const { mostRate = 0.0101 } = options;
	const left = channel(pcm, 0);
	const right = channel(pcm, 1);
	const from = SETTLING;
	const to = left.length - SETTLING;
	const faults: string[] = [];
	const steps = toneSteps(left, from, to);
	const beyond = steps.map((step) => Math.max(0, Math.abs(step) - HOP * mostRate));
	for (const [i, step] of beyond.entries()) if (step > NOISE) faults.push(`the tone jumps at ${from + (i + 1) * HOP}`);
	for (const at of misplaced(right, offsetsOf(left, from, steps), from)) faults.push(`the place jumps at ${at}`);
	let [weakest, strongest] = [Number.POSITIVE_INFINITY, 0];
	for (let at = from; at + BLOCK <= to; at += BLOCK) {
		const strength = rms(left, at, BLOCK) / RMS;
		weakest = Math.min(weakest, strength);
		strongest = Math.max(strongest, strength);
		if (strength < 0.8 || strength > 1.2) faults.push(`${(strength * 100).toFixed(0)} % of its strength at ${at}`);
	}
	const worstStep = beyond.reduce((one, other) => Math.max(one, other), 0);
	return { seconds: left.length / SOUND_RATE_HZ, worstStep, weakest, strongest, faults };
}

/** Throws unless it flows for `seconds` or more. */
export function expectFlow(pcm: Float32Array, options: { readonly seconds: number }): FlowVerdict {
	const verdict = judgeFlow(pcm);
	const faults = verdict.faults.slice(0, 3);
	if (verdict.faults.length > 3) faults.push(`and ${verdict.faults.length - 3} more`);
	if (verdict.seconds < options.seconds) faults.push(`${verdict.seconds.toFixed(1)} s are too short`);
	if (faults.length === 0) return verdict;
	const message = `the sound is to flow for ${options.seconds} s or more: ${faults.join("; ")}.`;
	throw new AssertionError({ message, actual: verdict.faults.length, expected: 0, operator: "flow" });
}

function channel(pcm: Float32Array, index: number): Float32Array {
	return Float32Array.from({ length: Math.floor(pcm.length / 2) }, (_, i) => pcm[2 * i + index]!);
}

function rms(samples: Float32Array, from: number, length: number): number {
	let sum = 0;
	for (let i = from; i < from + length; i++) sum += samples[i]! ** 2;
	return Math.sqrt(sum / length);
}

/** Of each hop, where in the signal its samples are, less where in the hop; but for whole periods of the tone. */
function offsetsOf(left: Float32Array, from: number, steps: readonly number[]): number[] {
	const offsets = [toneOffset(left, from)];
	for (const step of steps) offsets.push(offsets.at(-1)! + step);
	return offsets;
}

/** From one hop to the next, how many samples the tone is ahead of where it should be; within half a period. */
function toneSteps(left: Float32Array, from: number, to: number): number[] {
	const phases: number[] = [];
	for (let at = from; at + HOP <= to; at += HOP) phases.push(toneOffset(left, at));
	return phases.slice(1).map((phase, i) => {
		const step = phase - phases[i]!;
		return step - PERIOD * Math.round(step / PERIOD);
	});
}

/**
 * Hops in which the right channel is not the signal's. The tone beside it tells how each sample lies to the next, and
 * its own place but for whole periods; of these, the right channel's first hops tell how many.
 */
function misplaced(right: Float32Array, offsets: readonly number[], from: number): number[] {
	const rough = sampleOfFrequency(frequencyOf(right, from)) - WINDOW / 2 - offsets[0]!;
	let periods = bestPeriods(right, offsets, from, 0, Math.round(rough / PERIOD), ROUGHLY);
	const jumps: number[] = [];
	for (let hop = 1; hop + 1 < offsets.length && jumps.length < MOST_JUMPS; hop++) {
		if (misfit(right, offsets, from, hop, periods) <= MOST_MISFIT) continue;
		jumps.push(from + hop * HOP);
		periods = bestPeriods(right, offsets, from, ++hop, periods, ROUGHLY);
	}
	return jumps;
}

/** With how many periods added the right channel fits best from this hop on. */
function bestPeriods(
	right: Float32Array,
	offsets: readonly number[],
	from: number,
	hop: number,
	around: number,
	reach: number,
): number {
	let [best, least] = [around, Number.POSITIVE_INFINITY];
	for (let periods = around - reach; periods <= around + reach; periods++) {
		let sum = 0;
		for (let i = 1; i <= 8; i++) sum += misfit(right, offsets, from, hop + i, periods, 37);
		if (sum < least) [best, least] = [periods, sum];
	}
	return best;
}

/** RMS of what differs in a hop, of every `every`th sample. */
function misfit(
	right: Float32Array,
	offsets: readonly number[],
	from: number,
	hop: number,
	periods: number,
	every = 7,
): number {
	const [a, b, c] = [offsets[hop - 1], offsets[hop], offsets[hop + 1]];
	if (a === undefined || b === undefined || c === undefined) return 0;
	let [sum, count] = [0, 0];
	for (let i = 0; i < HOP; i += every) {
		// An offset is that of its hop's middle.
		const x = i / HOP - 0.5;
		const offset = b + (x < 0 ? (b - a) * x : (c - b) * x);
		sum += (right[from + hop * HOP + i]! - rightAt(hop * HOP + i + offset + periods * PERIOD)) ** 2;
		count++;
	}
	return Math.sqrt(sum / count);
}

/** Where in its period the tone is at this sample: a sine that begins there is 0. */
function toneOffset(left: Float32Array, at: number): number {
	let [re, im] = [0, 0];
	for (let i = 0; i < HOP; i++) {
		re += left[at + i]! * SINE[i]!;
		im += left[at + i]! * COSINE[i]!;
	}
	return (Math.atan2(im, re) / (2 * Math.PI)) * PERIOD;
}

/** Of a lone sine: of three samples in a row the outer two are together 2·cos ω times the middle one. */
function frequencyOf(samples: Float32Array, from: number): number {
	let [cross, power] = [0, 0];
	for (let i = from + 1; i < from + WINDOW - 1; i++) {
		cross += (samples[i - 1]! + samples[i + 1]!) * samples[i]!;
		power += samples[i]! ** 2;
	}
	const cosine = power === 0 ? 1 : cross / (2 * power);
	return (Math.acos(Math.max(-1, Math.min(1, cosine))) / (2 * Math.PI)) * SOUND_RATE_HZ;
}
