import { describe, expect, it } from "vitest";
import { runToEnd, startProcess } from "./processes.ts";
import {
	ageMs,
	BAR_FILTERS,
	BAR_HEIGHT,
	BAR_WIDTH,
	expectEveryFrameOnce,
	type FrameReading,
	GrayFrames,
	readBar,
	readCounters,
} from "./signal-reader.ts";
import { BAR_SHARE, CELLS_PER_ROW, checksumOf, type TestSignal, testSignalGraph } from "./test-signal.ts";

/** The signal straight from the graph, without an encoder between. */
async function generate(signal: TestSignal, filters = BAR_FILTERS): Promise<FrameReading[]> {
	const frames = new GrayFrames(BAR_WIDTH, BAR_HEIGHT, 1);
	const args = ["-v", "error", "-nostdin", "-f", "lavfi", "-i", testSignalGraph(signal), "-map", "0:v"];
	args.push("-fps_mode", "passthrough", "-vf", filters, "-f", "rawvideo", "pipe:1");
	const ended = await runToEnd("ffmpeg", args, { onStdout: (bytes) => frames.push(bytes) });
	expect(ended.stderr).toBe("");
	return frames.readings;
}

const reading = (counter: number, checksumOk = true): FrameReading => ({ counter, checksumOk, clockMs: 0 });

describe("the test signal", () => {
	it("numbers every frame once, in order, and tells the time of its making", async () => {
		const before = Date.now();
		const frames = await generate({ width: 640, height: 360, frameRate: 30, seconds: 2 });
		expect(frames).toHaveLength(60);
		expectEveryFrameOnce(frames, { from: 0, to: 59 });
		for (const frame of frames) {
			expect(ageMs(frame, Date.now())).toBeGreaterThanOrEqual(0);
			expect(ageMs(frame, before)).toBeLessThanOrEqual(0);
		}
	});

	it.each([
		{ width: 1920, height: 1080, frameRate: 25 },
		{ width: 854, height: 480, frameRate: "30000/1001" },
		{ width: 320, height: 180, frameRate: 60 },
		{ width: 256, height: 144, frameRate: "24000/1001" },
	])("is read at $width × $height, $frameRate frames a second", async (size) => {
		expectEveryFrameOnce(await generate({ ...size, seconds: 0.5 }), { from: 0 });
	});

	it("uses all twenty bits of the counter", async () => {
		const first = 2 ** 20 - 10;
		const frames = await generate({ width: 320, height: 180, frameRate: 10, seconds: 1, firstCounter: first });
		expectEveryFrameOnce(frames, { from: first, to: 2 ** 20 - 1 });
	});

	it("with a variable frame rate leaves frames out before it counts, and its intervals differ", async () => {
		const graph = testSignalGraph({ width: 320, height: 180, frameRate: 30, seconds: 4, variableFrameRate: true });
		const times = await runToEnd("ffprobe", [
			...["-v", "error", "-f", "lavfi", "-show_entries", "frame=pts", "-of", "csv=p=0", graph],
		]);
		const pts = times.stdout
			.split("\n")
			.filter((line) => /^\d/.test(line))
			.map((line) => Number.parseInt(line, 10));
		const intervals = pts.slice(1).map((time, index) => time - pts[index]!);
		expect(Math.min(...intervals)).toBeGreaterThan(90_000 / 30 / 2);
		expect(Math.max(...intervals)).toBeGreaterThan((90_000 / 30) * 1.5);
		expect(new Set(intervals).size).toBeGreaterThan(20);
		const frames = await generate({ width: 320, height: 180, frameRate: 30, seconds: 4, variableFrameRate: true });
		expect(frames).toHaveLength(pts.length);
		expect(frames.length).toBeLessThan(100);
		expectEveryFrameOnce(frames, { from: 0, to: pts.length - 1 });
	});

	it("gives sound beside the picture, from one lavfi input, played live", async () => {
		const graph = testSignalGraph({ width: 320, height: 180, frameRate: 25, audio: true });
		const live = startProcess("ffmpeg", [
			...["-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", graph, "-map", "0:v", "-map", "0:a", "-t", "1"],
			...["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-f", "mpegts", "-flush_packets", "1", "pipe:1"],
		]);
		expect(await live.exited).toEqual({ code: 0, signal: null });
		expect(live.stderr).toBe("");
	});

	it("survives a heavy encoder and a change of size", async () => {
		const small = `scale=320:180,${BAR_FILTERS}`;
		expectEveryFrameOnce(await generate({ width: 1280, height: 720, frameRate: 30, seconds: 1 }, small), { to: 29 });
	});
});

describe("the reader", () => {
	/** A whole picture, painted by hand. */
	const paint = (counter: number, clockMs: number, width: number, height: number): Uint8Array => {
		const picture = new Uint8Array(width * height).fill(128);
		const bar = Math.floor(height / BAR_SHARE);
		const rows = [counter + checksumOf(counter) * 2 ** 20, clockMs];
		for (let y = 0; y < bar; y++) {
			for (let x = 0; x < width; x++) {
				const cell = Math.floor((x * CELLS_PER_ROW) / width);
				picture[y * width + x] = (rows[y < bar / 2 ? 0 : 1]! >> cell) & 1 ? 235 : 16;
			}
		}
		return picture;
	};

	it("reads a whole picture as another decoder gives it, in pieces of any size", () => {
		const frames = new GrayFrames(240, 136, BAR_SHARE);
		const pictures = [0, 1, 0x9_5a3c].map((counter) => paint(counter, 0xabcdef, 240, 136));
		const bytes = Buffer.concat(pictures);
		for (let at = 0; at < bytes.length; at += 4_099) frames.push(bytes.subarray(at, at + 4_099));
		expect(frames.readings).toEqual(
			[0, 1, 0x9_5a3c].map((counter) => ({ counter, checksumOk: true, clockMs: 0xabcdef })),
		);
	});

	it("tells a picture with one wrong cell, and one without a bar", () => {
		const picture = paint(77, 0, 240, 136);
		for (let y = 0; y < 8; y++) picture.fill(235, y * 240 + 100, y * 240 + 110);
		expect(readBar(picture, 240, 17).checksumOk).toBe(false);
		expect(readBar(new Uint8Array(240 * 17), 240, 17).checksumOk).toBe(false);
	});

	it("counts a frame's age over the wrap of its clock", () => {
		const made = 5 * 2 ** 24 - 3;
		expect(ageMs({ ...reading(0), clockMs: made % 2 ** 24 }, made + 40)).toBe(40);
		expect(ageMs({ ...reading(0), clockMs: made % 2 ** 24 }, made - 2)).toBe(-2);
	});

	it("throws what FFmpeg says when there is nothing to decode", async () => {
		await expect(readCounters(new Uint8Array(1_000))).rejects.toThrow(
			/ffmpeg ended with exit code \d+[\s\S]*Invalid data/,
		);
	});
});

describe("expectEveryFrameOnce", () => {
	const counters = (...numbers: number[]): FrameReading[] => numbers.map((number) => reading(number));

	it("accepts every number once, in order", () => {
		expectEveryFrameOnce(counters(5, 6, 7, 8), { from: 5, to: 8 });
		expectEveryFrameOnce(counters(5, 6, 7, 8));
	});

	it.each([
		["a gap", counters(0, 1, 4, 5), {}, /2 frame\(s\) missing in 1 place\(s\): 2 to 3 before picture 2\./],
		["a missing start", counters(2, 3), { from: 0 }, /2 frame\(s\) missing in 1 place\(s\): 0 to 1 before picture 0/],
		["a missing end", counters(0, 1), { to: 2 }, /1 frame\(s\) missing in 1 place\(s\): 2 at the end/],
		["a repeat", counters(0, 1, 1, 2), {}, /1 repeated or late: 1 at picture 2/],
		["a step back", counters(0, 1, 2, 0, 3), {}, /1 repeated or late: 0 at picture 3/],
		["one too many", counters(0, 1, 2), { to: 1 }, /1 beyond 1: 2 at picture 2/],
		["nothing at all", [], { from: 0, to: 9 }, /of 0 pictures: 10 frame\(s\) missing/],
		["nothing, expecting nothing", [], {}, /of 0 pictures/],
		["a bad checksum", [reading(0), reading(1, false), reading(2)], {}, /1 unreadable: picture 1/],
	])("refuses %s and says where", (_what, seen, range, message) => {
		expect(() => expectEveryFrameOnce(seen, range)).toThrow(message);
	});
});
