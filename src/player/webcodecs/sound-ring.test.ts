import { describe, expect, it } from "vitest";
import type { SoundBlock } from "./messages.ts";
import { SoundRing } from "./sound-ring.ts";

const RATE = 48_000;
const QUANTUM = 128;
const FRAME = 1024;
const FRAME_MS = (FRAME * 1000) / RATE;
const TARGET_MS = 60;

/** A ramp over all samples of the media: what comes out tells where it is from. */
const rampAt = (sample: number): number => sample / 2 ** 20;
const sampleOf = (value: number): number => value * 2 ** 20;

function frame(index: number, options: { ptsMs?: number; rate?: number; length?: number } = {}): SoundBlock {
	const { ptsMs = index * FRAME_MS, rate = RATE, length = FRAME } = options;
	const samples = Float32Array.from({ length }, (_, i) => rampAt(index * FRAME + i));
	return { ptsMs, sampleRateHz: rate, channels: [samples, samples.slice()] };
}

/** Plays so many quanta; gives the left channel. */
function play(ring: SoundRing, quanta: number): Float32Array {
	const heard = new Float32Array(quanta * QUANTUM);
	for (let i = 0; i < quanta; i++) {
		const outputs = [new Float32Array(QUANTUM), new Float32Array(QUANTUM)];
		ring.render(outputs);
		expect(outputs[1]).toEqual(outputs[0]);
		heard.set(outputs[0]!, i * QUANTUM);
	}
	return heard;
}

/** Sound of `frames` frames that comes as it is played, after `ahead` at once. */
function stream(ring: SoundRing, frames: number, ahead: number, from = 0): Float32Array {
	const heard: Float32Array[] = [];
	for (let i = 0; i < frames; i++) {
		ring.write(frame(from + i));
		if (i >= ahead - 1) heard.push(play(ring, FRAME / QUANTUM));
	}
	return Float32Array.from(heard.flatMap((part) => [...part]));
}

/** Places where what was heard does not go on by one sample. */
const steps = (heard: Float32Array, from = 0): number[] =>
	[...heard].flatMap((value, i) =>
		i > from && Math.abs(sampleOf(value) - sampleOf(heard[i - 1]!) - 1) > 0.01 ? [i] : [],
	);

describe("the ring of sound", () => {
	it("is silent until it holds what it aims at, then plays every sample once", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		ring.write(frame(0));
		ring.write(frame(1));
		expect(play(ring, 4).every((sample) => sample === 0)).toBe(true);
		expect(ring.report.playing).toBe(false);
		ring.write(frame(2));
		const heard = stream(ring, 40, 1, 3);
		expect(ring.report).toMatchObject({ playing: true, underruns: 0 });
		// The first quantum comes in softly.
		expect(steps(heard, QUANTUM)).toEqual([]);
	});

	it("knows where in the media the next sample is", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		const heard = stream(ring, 30, 3);
		const { positionMs, heldMs } = ring.report;
		expect(positionMs).toBeCloseTo(((sampleOf(heard.at(-1)!) + 1) * 1000) / RATE, 6);
		expect(positionMs! + heldMs).toBeCloseTo(30 * FRAME_MS, 6);
	});

	it("runs dry with a count, and begins again when it holds enough", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		stream(ring, 10, 3);
		play(ring, 40);
		expect(ring.report).toMatchObject({ playing: false, underruns: 1, heldMs: 0 });
		ring.write(frame(10));
		expect(play(ring, 2).every((sample) => sample === 0)).toBe(true);
		const heard = stream(ring, 10, 2, 11);
		expect(ring.report).toMatchObject({ playing: true, underruns: 1 });
		expect(steps(heard, QUANTUM)).toEqual([]);
	});

	it("plays what there is at the end, and that is no underrun", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		ring.write(frame(0));
		ring.end();
		expect(play(ring, 8).some((sample) => sample !== 0)).toBe(true);
		play(ring, 8);
		expect(ring.report).toMatchObject({ playing: false, underruns: 0 });
	});

	it("is cut at once where it holds far more than it aims at", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		stream(ring, 10, 3);
		for (let i = 10; i < 30; i++) ring.write(frame(i));
		expect(ring.report.heldMs).toBeGreaterThan(400);
		let index = 30;
		for (let i = 0; i < 60; i++) stream(ring, 1, 1, index++);
		expect(ring.report.heldMs).toBeGreaterThan(TARGET_MS - 25);
		expect(ring.report.heldMs).toBeLessThan(TARGET_MS + 25);
		expect(ring.report.underruns).toBe(0);
	});

	it("mends a small error by less than 1 % of speed, without a step", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		stream(ring, 10, 3);
		ring.write(frame(10)); // one frame too many: 21 ms
		const heard = stream(ring, 300, 1, 11);
		// Over so many samples, since a ramp in 32 bits is not exact.
		const over = 256;
		const rates = [...heard].slice(over).map((value, i) => (sampleOf(value) - sampleOf(heard[i]!)) / over);
		const fastest = rates.reduce((one, other) => Math.max(one, other));
		expect(fastest).toBeLessThan(1.0101);
		expect(fastest).toBeGreaterThan(1.002);
		expect(rates.reduce((one, other) => Math.min(one, other))).toBeGreaterThan(0.9899);
		expect(ring.report.heldMs + FRAME_MS / 2).toBeLessThan(TARGET_MS + 12);
	});

	it("fills a hole with silence, and leaves out what comes twice, so that times hold", () => {
		const ring = new SoundRing(RATE, 2, 200);
		for (const index of [0, 1, 2, 4, 5, 5, 6]) ring.write(frame(index));
		ring.end();
		expect(ring.report.positionMs).toBeCloseTo(0, 6);
		const heard = play(ring, 7 * 8);
		for (const place of [500, 1500, 2500, 4500, 5500, 6500]) expect(sampleOf(heard[place]!)).toBeCloseTo(place, 1);
		expect([...heard.subarray(3 * FRAME, 4 * FRAME)].every((sample) => sample === 0)).toBe(true);
	});

	it("takes time stamps in whole milliseconds for what they are", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		const heard: number[] = [];
		for (let i = 0; i < 60; i++) {
			ring.write(frame(i, { ptsMs: Math.round(i * FRAME_MS) }));
			if (i >= 2) heard.push(...play(ring, 8));
		}
		expect(steps(Float32Array.from(heard), QUANTUM)).toEqual([]);
		expect(ring.report.positionMs! + ring.report.heldMs).toBeGreaterThan(60 * FRAME_MS - 1);
		expect(ring.report.positionMs! + ring.report.heldMs).toBeLessThan(60 * FRAME_MS + 1);
	});

	it("begins anew where times jump, and where it is told to", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		stream(ring, 10, 3);
		ring.write(frame(0, { ptsMs: 3_600_000 }));
		expect(ring.report.playing).toBe(false);
		expect(ring.report.positionMs).toBeCloseTo(3_600_000, 6);
		ring.begin();
		expect(ring.report).toMatchObject({ playing: false, positionMs: undefined, heldMs: 0 });
	});

	it("holds three seconds and no more, whatever comes", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		for (let i = 0; i < 1000; i++) ring.write(frame(i));
		expect(ring.report.heldMs).toBeLessThanOrEqual(3000);
		expect(ring.report.positionMs! + ring.report.heldMs).toBeCloseTo(1000 * FRAME_MS, 3);
	});

	it("plays sound of another rate at its own speed", () => {
		const ring = new SoundRing(48_000, 2, TARGET_MS);
		for (let i = 0; i < 4; i++) ring.write(frame(i, { rate: 24_000, ptsMs: (i * FRAME * 1000) / 24_000 }));
		const heard = play(ring, 8);
		const [a, b] = [heard[200]!, heard[600]!].map(sampleOf);
		expect(b! - a!).toBeCloseTo(200, 1);
	});

	it("plays one channel on two", () => {
		const ring = new SoundRing(RATE, 2, TARGET_MS);
		const { channels, ...rest } = frame(0);
		ring.write({ ...rest, channels: channels.slice(0, 1) });
		ring.end();
		expect(play(ring, 4)[300]).toBeCloseTo(rampAt(300), 9);
	});
});
