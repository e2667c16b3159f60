/** The sound checker hears what it is there for: it has nothing against sound that AAC carried, and finds each fault. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { runToEnd } from "./processes.ts";
import { expectUnbrokenSound, judgeSound } from "./sound-reader.ts";
import { SOUND_BITRATE_BPS, soundChain } from "./sound-signal.ts";
import { makeTempDir } from "./temp-dir.ts";

const SECONDS = 10;
const directory = makeTempDir("sound");
/** ADTS frames, each whole. */
let frames: Uint8Array[] = [];

async function ffmpeg(args: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	const given = input === undefined ? {} : { input };
	const ended = await runToEnd("ffmpeg", ["-v", "error", "-y", ...args], {
		onStdout: (bytes) => parts.push(bytes),
		...given,
	});
	expect(ended.code, ended.lastWords()).toBe(0);
	return Buffer.concat(parts);
}

/** Through FFmpeg's decoder, in one go. */
async function decode(adts: readonly Uint8Array[]): Promise<Float32Array> {
	const bytes = await ffmpeg(["-f", "aac", "-i", "pipe:0", "-f", "f32le", "pipe:1"], Buffer.concat(adts));
	return new Float32Array(new Uint8Array(bytes).buffer);
}

/** What a viewer gets who joins in the middle: the signal from somewhere on. */
beforeAll(async () => {
	const file = join(directory, "sound.aac");
	const bitrate = String(SOUND_BITRATE_BPS);
	await ffmpeg(["-f", "lavfi", "-i", soundChain(SECONDS, "out0"), "-c:a", "aac", "-b:a", bitrate, file]);
	const bytes = readFileSync(file);
	const all: Uint8Array[] = [];
	for (let at = 0; at < bytes.length; ) {
		const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
		all.push(bytes.subarray(at, at + length));
		at += length;
	}
	frames = all.slice(100, 400);
});

describe("the sound checker", () => {
	test("has nothing against sound that was encoded once and decoded in one go", async () => {
		const verdict = expectUnbrokenSound(await decode(frames), { frames: frames.length });
		expect(verdict.samples).toBe(frames.length * 1024);
		expect(verdict.worst).toBeLessThan(0.001);
	});

	test("says how far into the signal the sound begins", async () => {
		const early = judgeSound(await decode(frames));
		const late = judgeSound(await decode(frames.slice(37)));
		expect(late.startsAt - early.startsAt).toBe(37 * 1024);
	});

	test.each([1, 2, 3, 6])("finds %i frames missing", async (count) => {
		const pcm = await decode(frames.toSpliced(150, count));
		expect(() => expectUnbrokenSound(pcm, { frames: frames.length - count })).toThrow(/not the signal's/);
		expect(judgeSound(pcm).broken[0]!.from).toBeGreaterThan(149 * 1024);
		expect(judgeSound(pcm).broken[0]!.from).toBeLessThan(152 * 1024);
	});

	test.each([1, 3])("finds %i frames repeated", async (count) => {
		const pcm = await decode(frames.toSpliced(150, 0, ...frames.slice(150 - count, 150)));
		expect(() => expectUnbrokenSound(pcm, { frames: frames.length + count })).toThrow(/not the signal's/);
	});

	test("finds the click of a decoder that begins anew", async () => {
		const parts = await Promise.all([decode(frames.slice(0, 150)), decode(frames.slice(150))]);
		const pcm = new Float32Array(parts.flatMap((part) => [...part]));
		const { broken } = judgeSound(pcm);
		expect(broken.length).toBeGreaterThan(0);
		for (const { from, to } of broken) {
			expect(from).toBeGreaterThanOrEqual(149 * 1024);
			expect(to).toBeLessThanOrEqual(152 * 1024);
		}
	});

	test("finds one frame of silence, and a click of 16 samples", async () => {
		const pcm = await decode(frames);
		const silent = pcm.slice().fill(0, 2 * 150_000, 2 * 151_024);
		expect(judgeSound(silent).broken).toHaveLength(1);
		const clicked = pcm.slice().fill(0.1, 2 * 150_000, 2 * 150_016);
		expect(judgeSound(clicked).broken).toHaveLength(1);
	});

	test("finds samples missing at the end by their number", async () => {
		const pcm = await decode(frames);
		expect(() => expectUnbrokenSound(pcm.subarray(0, -6 * 1024), { frames: frames.length })).toThrow(/frames make/);
	});

	test("throws where there is no sound, or another one", () => {
		expect(() => judgeSound(new Float32Array(10))).toThrow(/too few/);
		expect(() => judgeSound(new Float32Array(200_000))).toThrow(/not the test signal's/);
		expect(() => judgeSound(new Float32Array(200_000).map((_, i) => 0.1 * Math.sin(i / 50)))).toThrow(/not the test/);
	});
});
