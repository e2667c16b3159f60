import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Clip, makeClip } from "./media-maker.ts";
import { expectEveryFrameOnce, readCounters } from "./signal-reader.ts";
import { ffprobePackets } from "./witnesses.ts";

describe("a clip", () => {
	it.each<Clip>([
		{ container: "ts", audio: true, seconds: 2 },
		{ container: "mp4", bFrames: 2, seconds: 2, audio: true },
		{ container: "flv", frameRate: "30000/1001", seconds: 2, audio: true },
		{ container: "mkv", variableFrameRate: true, seconds: 4 },
		{ container: "ts", bFrames: 2, openGop: true, seconds: 4 },
	])("%j has every frame once, with its key frames where they were wanted", async (clip) => {
		const path = await makeClip(clip);
		const { counters, warnings } = await readCounters(path);
		expect(warnings).toEqual([]);
		expectEveryFrameOnce(counters, { from: 0 });
		const { packets } = await ffprobePackets(path);
		const video = packets.filter(({ track }) => track === "video");
		expect(video).toHaveLength(counters.length);
		expect(video.flatMap(({ key }, index) => (key ? [index] : []))).toEqual(
			Array.from({ length: Math.ceil(video.length / 30) }, (_, unit) =>
				clip.openGop && unit > 0 ? expect.any(Number) : unit * 30,
			),
		);
		expect(packets.some(({ track }) => track === "audio")).toBe(clip.audio ?? false);
		expect(video.some(({ pts, dts }) => pts !== dts)).toBe(clip.bFrames !== undefined);
	});

	it("is made once and found after that, also by two at a time", async () => {
		const clip = { container: "mp4", width: 160, height: 96, seconds: 1, firstCounter: process.pid } as const;
		const [one, two] = await Promise.all([makeClip(clip), makeClip(clip)]);
		expect(two).toBe(one);
		const made = statSync(one!).mtimeMs;
		expect(statSync(await makeClip(clip)).mtimeMs).toBe(made);
		expect(await makeClip({ ...clip, gopFrames: 10 })).not.toBe(one);
	});

	it("of sound alone has no video", async () => {
		const { packets } = await ffprobePackets(await makeClip({ container: "ts", video: false, seconds: 1 }));
		expect(new Set(packets.map(({ track }) => track))).toEqual(new Set(["audio"]));
	});

	it("says what FFmpeg said when it cannot be made", async () => {
		await expect(makeClip({ container: "ts", profile: "no-such-profile" })).rejects.toThrow(
			/could not make a clip[\s\S]*profile/,
		);
	});
});
