import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeClip } from "./media-maker.ts";
import { runToEnd } from "./processes.ts";
import { expectEveryFrameOnce, readCounters, type Verdict } from "./signal-reader.ts";
import { makeTempDir } from "./temp-dir.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, VLC_KEEPS_LAST, vlcDecode } from "./witnesses.ts";

/** A player, and how many pictures at the end of a transport stream it does not give out. */
const WITNESSES: readonly [string, (input: string) => Promise<Verdict>, number][] = [
	["FFmpeg", readCounters, 0],
	["GStreamer", gstreamerDecode, 0],
	["VLC", vlcDecode, VLC_KEEPS_LAST],
	["mpv", mpvDecode, 0],
];

const directory = makeTempDir("witnesses");
const clean = join(directory, "clean.ts");
const damaged = join(directory, "damaged.ts");
const server = createServer((_request, response) => {
	response.writeHead(200, { "Content-Type": "video/mp2t" });
	const bytes = readFileSync(clean);
	for (let at = 0; at < bytes.length; at += 20_000) response.write(bytes.subarray(at, at + 20_000));
	response.end();
});

/** Four seconds large, then four seconds small, in one transport stream with sound: what a switch looks like. */
async function makeSwitchedStream(): Promise<void> {
	const large = await makeClip({ container: "ts", width: 640, height: 360, audio: true });
	const small = await makeClip({ container: "ts", width: 320, height: 180, audio: true, firstCounter: 120 });
	const list = join(directory, "list.txt");
	writeFileSync(list, `file '${large}'\nfile '${small}'\n`);
	const args = [
		"-v",
		"error",
		"-nostdin",
		"-f",
		"concat",
		"-safe",
		"0",
		"-i",
		list,
		"-c",
		"copy",
		"-f",
		"mpegts",
		clean,
	];
	expect((await runToEnd("ffmpeg", args)).code).toBe(0);
}

beforeAll(async () => {
	await makeSwitchedStream();
	const bytes = readFileSync(clean);
	const packets = Array.from({ length: bytes.length / 188 }, (_, index) =>
		bytes.subarray(index * 188, index * 188 + 188),
	);
	// One hole inside a few pictures, one that swallows whole ones.
	packets.splice(900, 60);
	packets.splice(300, 5);
	writeFileSync(damaged, Buffer.concat(packets));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
});
afterAll(() => server.close());

describe.each(WITNESSES)("%s", (_name, decode, keeps) => {
	it("sees every frame of a clean stream that changes its size, and has nothing to say", async () => {
		const { counters, warnings } = await decode(clean);
		expectEveryFrameOnce(counters, { from: 0, to: 239 - keeps });
		expect(warnings).toEqual([]);
	});

	it("sees the same over HTTP", async () => {
		const { port } = server.address() as AddressInfo;
		const { counters, warnings } = await decode(`http://127.0.0.1:${port}/clean.ts`);
		expectEveryFrameOnce(counters, { from: 0, to: 239 - keeps });
		expect(warnings).toEqual([]);
	});

	it("complains of a stream that lacks packets, and does not see every frame", async () => {
		const { counters, warnings } = await decode(damaged);
		expect(warnings.join("\n")).toMatch(/corrupt|continuity|discontinuity/i);
		expect(() => expectEveryFrameOnce(counters, { from: 0, to: 239 - keeps })).toThrow(/missing|unreadable/);
	});

	it("throws where there is nothing to see", async () => {
		await expect(decode(join(directory, "no-such-file.ts"))).rejects.toThrow(/no picture|No such file/);
	});

	it("throws, and does not pass, where its program is missing", async () => {
		const path = process.env["PATH"];
		try {
			process.env["PATH"] = "/nonexistent";
			await expect(decode(clean)).rejects.toThrow(/is not on the PATH/);
		} finally {
			process.env["PATH"] = path;
		}
	});
});

describe("witnesses of a variable frame rate and of B-frames", () => {
	it.each(WITNESSES)("%s gives out each frame as it is", async (_name, decode, keeps) => {
		const irregular = await makeClip({ container: "ts", variableFrameRate: true });
		const all = await readCounters(irregular);
		expectEveryFrameOnce((await decode(irregular)).counters, { from: 0, to: all.counters.length - 1 - keeps });
	});

	it.each(WITNESSES.filter(([, , keeps]) => keeps === 0))(
		"%s puts reordered frames in order",
		async (_name, decode) => {
			expectEveryFrameOnce((await decode(await makeClip({ container: "ts", bFrames: 2 }))).counters, {
				from: 0,
				to: 119,
			});
		},
	);
});

describe("ffprobe", () => {
	it("lists the packets with their times, in the stream's own clock", async () => {
		const { packets, warnings } = await ffprobePackets(clean);
		expect(warnings).toEqual([]);
		const video = packets.filter(({ track }) => track === "video");
		expect(video).toHaveLength(240);
		expect(video.flatMap(({ key }, index) => (key ? [index] : []))).toEqual([0, 30, 60, 90, 120, 150, 180, 210]);
		expect(video[31]!.pts! - video[30]!.pts!).toBe(3_000);
		expect(video[31]!.ptsSeconds! * 90_000).toBeCloseTo(video[31]!.pts!, -1);
		expect(video.every(({ byteLength, streamIndex }) => byteLength > 0 && streamIndex === video[0]!.streamIndex)).toBe(
			true,
		);
	});

	it("complains of missing packets, and throws where there is no file", async () => {
		expect((await ffprobePackets(damaged)).warnings.join("\n")).toMatch(/corrupt/);
		await expect(ffprobePackets(join(directory, "no-such-file.ts"))).rejects.toThrow(/No such file/);
	});
});

describe("a witness of a server that stays silent", () => {
	it("is killed when its time is up", async () => {
		const silent = createTcpServer(() => undefined).listen(0, "127.0.0.1");
		await once(silent, "listening");
		const { port } = silent.address() as AddressInfo;
		await expect(gstreamerDecode(`http://127.0.0.1:${port}/`, { timeoutMs: 1_000 })).rejects.toThrow(
			/not done after 1000 ms/,
		);
		silent.close();
	});
});
