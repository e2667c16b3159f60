/** What follows the sound through a recording finds each place at which a player did not leave it as it was. */
import { describe, expect, test } from "vitest";
import { leftAt, rightAt } from "./sound-signal.ts";
import { soundHoles, soundSpans } from "./sound-spans.ts";

/** The signal from one sample to another. */
function signal(from: number, to: number): Float32Array {
	const pcm = new Float32Array(2 * (to - from));
	for (let i = 0; i < to - from; i++) {
		pcm[2 * i] = leftAt(from + i);
		pcm[2 * i + 1] = rightAt(from + i);
	}
	return pcm;
}

function joined(...parts: readonly Float32Array[]): Float32Array {
	const pcm = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
	let at = 0;
	for (const part of parts) {
		pcm.set(part, at);
		at += part.length;
	}
	return pcm;
}

describe("spans of exact sound", () => {
	test("are one where nothing happened, wherever the recording begins", () => {
		const spans = soundSpans(signal(1_234_567, 1_334_567));
		expect(spans.length).toBe(1);
		expect(spans[0]!.from).toBe(1_234_567);
		expect(spans[0]!.to).toBeGreaterThan(1_333_500);
	});

	test.each([
		["a frame is missing", joined(signal(90_000, 140_000), signal(141_024, 190_000))],
		["a frame came twice", joined(signal(90_000, 140_000), signal(138_976, 190_000))],
		["a frame is silent", joined(signal(90_000, 140_000), new Float32Array(2048), signal(141_024, 190_000))],
		["it was silent for a while", joined(signal(90_000, 140_000), new Float32Array(48_000), signal(140_000, 190_000))],
		["one sample is missing", joined(signal(90_000, 140_000), signal(140_001, 190_000))],
	])("are two where %s", (_, pcm) => {
		const spans = soundSpans(pcm);
		expect(spans.length).toBe(2);
		const [one, other] = [spans[0]!, spans[1]!];
		expect(one.from).toBe(90_000);
		expect(one.to).toBeLessThanOrEqual(140_512);
		expect(other.from).toBeGreaterThan(138_900);
		expect(other.to).toBeGreaterThan(188_900);
	});

	test("are none in silence, nor where it is played faster", () => {
		const faster = new Float32Array(96_000).map((_, i) => (i % 2 === 0 ? leftAt : rightAt)(100_000 + (i >> 1) * 1.05));
		expect(soundSpans(joined(new Float32Array(48_000), faster))).toEqual([]);
	});
});

describe("holes in sound", () => {
	test("are none where it is whole, as it was made or a little slower", () => {
		expect(soundHoles(signal(90_000, 140_000))).toBe(0);
		const slower = Float32Array.from({ length: 96_000 }, (_, i) => leftAt(Math.floor(i / 2) * 0.99));
		expect(soundHoles(slower)).toBe(0);
	});

	test("are each frame that is silent, but not what is silent before and behind", () => {
		const [silence, frame] = [new Float32Array(9600), new Float32Array(2048)];
		const sound = joined(silence, signal(0, 5000), frame, signal(6024, 9000), frame, signal(10_024, 12_000), silence);
		expect(soundHoles(sound)).toBe(2);
	});
});
