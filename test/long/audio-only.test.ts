/** Channels of audio alone: from the built-in source, over every packaging, in units on the channel's grid. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFile } from "../integration/ladder-rig.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { type Recording, record } from "../kit/recording.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const UNIT_MS = 250;
const UNITS = 12;
/** Ticks of one frame: 1024 samples at 48 kHz; 20 ms. */
const STEPS = { aac: 1920, opus: 1800 } as const;

let penstock: Penstock;

beforeAll(async () => {
	const silent = await makeFile(join(makeTempDir("audio-only"), "silent.mp4"), 2, "24", ["-an"]);
	const tone = { source: "test", unitMs: UNIT_MS, video: "none" };
	penstock = await startPenstock({
		delivery: { startTimeoutMs: 4000 },
		channels: {
			aac: tone,
			opus: { ...tone, audio: { codec: "opus", bitrateBps: "64k" } },
			asked: { ...tone, onDemand: true },
			silent: { source: silent, video: "none", onDemand: true },
		},
	});
});

afterAll(() => penstock.stop());

/** `UNITS` whole units of a channel. */
async function listen(channel: string, extension: string): Promise<Recording> {
	const recording = await record(`${penstock.http}/live/${channel}.${extension}`);
	await recording.until(({ units }) => units.length > UNITS);
	recording.viewer.close();
	return recording;
}

async function probe(file: string): Promise<{ codecs: string[]; times: number[]; errors: string }> {
	// FLV's script tags are a stream of data to it.
	const args = ["-v", "error", "-print_format", "json", "-select_streams", "a", "-show_streams", "-show_packets", file];
	const { stdout, stderr } = await runToEnd("ffprobe", args);
	const { streams, packets } = JSON.parse(stdout) as {
		streams: { codec_name: string }[];
		packets: { pts_time: string }[];
	};
	const times = packets.map(({ pts_time }) => Number(pts_time));
	return { codecs: streams.map(({ codec_name }) => codec_name), times, errors: stderr };
}

describe.concurrent("the test source's tone", () => {
	test.each([
		["aac", "ts"],
		["aac", "flv"],
		["aac", "mp4"],
		["aac", "rtp"],
		["opus", "ts"],
		["opus", "flv"],
		["opus", "mp4"],
		["opus", "rtp"],
	] as const)(
		"in %s over .%s has frames exactly one after the other, and units on the grid",
		async (codec, extension) => {
			const { units, accessUnits, decode, faults } = await listen(codec, extension);
			expect(faults).toEqual([]);
			expect(decode.video).toBeUndefined();
			expect(decode.audio).toMatchObject({ codec, sampleRateHz: 48_000, channelCount: 2 });
			expect(accessUnits.length).toBeGreaterThan((UNITS * UNIT_MS * 90) / STEPS[codec] - 2);
			const steps = accessUnits.slice(1).map(({ pts }, i) => pts - accessUnits[i]!.pts);
			// FLV says times in milliseconds.
			const off = extension === "flv" ? 90 : 0;
			expect(steps.filter((step) => Math.abs(step - STEPS[codec]) > off)).toEqual([]);
			expect(accessUnits.every(({ track, key }) => track === "audio" && key)).toBe(true);
			const lines = units.map(({ timeMs }) => Math.floor((timeMs + (off && 0.5)) / UNIT_MS));
			expect(lines).toEqual(lines.map((_, i) => lines[0]! + i));
			for (const { timeMs } of units) expect(timeMs % UNIT_MS).toBeLessThan(STEPS[codec] / 90);
			expect(units.map(({ rendition }) => rendition)).toEqual(units.map(() => "audio"));
			expect(units.map(({ number }) => number)).toEqual(units.map((_, i) => units[0]!.number! + i));
		},
	);

	// FFmpeg 5.1 knows neither RTP framed by RFC 4571 nor Opus in FLV.
	test.each([
		["aac", "ts"],
		["aac", "flv"],
		["aac", "mp4"],
		["opus", "ts"],
		["opus", "mp4"],
	] as const)("in %s over .%s is read by ffprobe, every frame of it", async (codec, extension) => {
		const recording = await listen(codec, extension);
		const { codecs, times, errors } = await probe(recording.save());
		expect(codecs).toEqual([codec]);
		expect(errors).toBe("");
		const ours = recording.accessUnits.map(({ pts }) => pts / 90_000);
		expect(times.length).toBeGreaterThanOrEqual(ours.length - 1);
		for (const [i, time] of times.slice(1, ours.length).entries()) {
			expect(time - times[i]!).toBeCloseTo(ours[i + 1]! - ours[i]!, 2);
		}
	});
});

test("a channel of audio alone is described as such, and its one rendition is never switched", async () => {
	const recording = await listen("aac", "ts");
	const channel = await penstock.channel("live/aac");
	expect(channel).toMatchObject({ live: true, state: "running", audio: { codec: "mp4a.40.2", channels: 2 } });
	expect(channel.renditions).toMatchObject([
		{ name: "audio", configuredBps: 128_000, misaligned: 0, missing: 0, overlong: 0, droppedAccessUnits: 0 },
	]);
	expect(channel.renditions[0]!.width).toBeUndefined();
	expect(channel.drift.count).toBe(0);
	expect(recording.counts).toMatchObject({ continuityErrors: 0, discontinuities: 0, badPes: 0, badPayloads: 0 });
	expect(penstock.log.filter(({ level }) => Number(level) >= 40 || level === "warn" || level === "error")).toEqual([]);
});

test("on demand it starts for the first listener", async () => {
	const { units, accessUnits } = await listen("asked", "ts");
	expect(units[0]!.timeMs).toBe(1000);
	expect(accessUnits[0]!.pts).toBe(90_000);
});

test("a source without audio is told to the one who asks, with what it has", async () => {
	const response = await fetch(`${penstock.http}/live/silent.ts`);
	expect(response.status).toBe(503);
	expect(await response.text()).toMatch(/SOURCE_NO_AUDIO: .*found: video h264/);
});
