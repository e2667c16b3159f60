/**
 * Real publishers against the RTMP listener, unmodified: FFmpeg, GStreamer's own RTMP and librtmp (which OBS's is made
 * from), and node-media-server's client. Each sends what an FLV file of the same encode holds, and every access unit
 * arrives with the bytes and the times of the file.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AccessUnit } from "../../src/media/access-unit.ts";
import { FlvReader } from "../../src/media/flv/reader.ts";
import { TagScanner } from "../../src/media/flv/tag-scanner.ts";
import { makeClip } from "../kit/media-maker.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { expectSame, messages, readAll } from "../kit/reader-contract.ts";
import { type Published, RtmpServer } from "../kit/rtmp-server.ts";
import { selfSigned } from "../kit/self-signed.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const SECONDS = 3;
const QUIET = ["-hide_banner", "-v", "error", "-nostdin"];

const clip = async (): Promise<string> =>
	await makeClip({ container: "flv", seconds: SECONDS, audio: true, bFrames: 2, gopFrames: 30 });

const ofTrack = (accessUnits: readonly AccessUnit[], track: string): AccessUnit[] =>
	accessUnits.filter((one) => one.track === track);

/** Times as distances from the first: publishers begin where they like, and say so or not. */
function fromZero(accessUnits: readonly AccessUnit[]): AccessUnit[] {
	const first = Math.min(...accessUnits.map(({ dts }) => dts));
	const moved = (time: number): AccessUnit["dts"] => (time - first) as AccessUnit["dts"];
	return accessUnits.map((one) => ({ ...one, pts: moved(one.pts), dts: moved(one.dts) }));
}

/** Throws unless what was published is what the FLV file holds, to the last byte and millisecond. */
async function expectWhole(published: Published, file: string, { exactStart = true } = {}): Promise<void> {
	expect(await published.ended).toBe(undefined);
	const expected = readAll((sink) => new FlvReader(sink), readFileSync(file));
	expect(messages(expected)).toEqual([]);
	expect(messages(published)).toEqual([]);
	const seen = exactStart ? published.accessUnits : fromZero(published.accessUnits);
	const wanted = exactStart ? expected.accessUnits : fromZero(expected.accessUnits);
	for (const track of ["video", "audio"]) expectSame(ofTrack(seen, track), ofTrack(wanted, track));
	expect(ofTrack(seen, "video").length).toBe(30 * SECONDS);
	expect(published.decodes.at(-1)).toEqual(expected.decodes.at(-1));
}

test("FFmpeg: every access unit of H.264 with B-frames and of AAC, at its time", async () => {
	const server = await new RtmpServer().start();
	const file = join(makeTempDir("rtmp"), "same.flv");
	const copy = ["-map", "0", "-c", "copy", "-f", "flv"];
	const url = server.url("live/cam?token=abc");
	const ended = await runToEnd("ffmpeg", [...QUIET, "-i", await clip(), ...copy, "-y", file, ...copy, url]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	await expectWhole(await server.publication(), file);
	expect(server.requests).toMatchObject([{ app: "live", stream: "cam", protocol: "rtmp", address: "127.0.0.1" }]);
	expect(server.requests[0]!.credentials.query?.get("token")).toBe("abc");
	expect(server.refused).toEqual([]);
});

test("FFmpeg over RTMPS", async () => {
	const server = await new RtmpServer({ tls: selfSigned() }).start();
	const url = server.url("live/cam").replace("rtmp:", "rtmps:");
	const file = await clip();
	const ended = await runToEnd("ffmpeg", [...QUIET, "-i", file, "-c", "copy", "-f", "flv", "-tls_verify", "0", url]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	await expectWhole(await server.publication(), file, { exactStart: false });
});

/** A pipeline that sends one FLV stream to a file and to a sink. */
const gstreamer = (source: string, file: string, sink: string): string[] =>
	[
		`filesrc location=${source} ! flvdemux name=demux flvmux name=mux streamable=true ! tee name=both`,
		"demux.video ! queue ! h264parse ! mux.video demux.audio ! queue ! aacparse ! mux.audio",
		`both. ! queue ! filesink async=false location=${file}`,
		`both. ! queue ! ${sink}`,
	]
		.join(" ")
		.split(" ");

test.for([
	["rtmp2sink", (url: string) => `rtmp2sink location=${url}`],
	["rtmp2sink with chunks of 64 KiB", (url: string) => `rtmp2sink chunk-size=65536 location=${url}`],
	["rtmpsink (librtmp)", (url: string) => `rtmpsink location=${url}`],
] as const)("GStreamer's %s", async ([, sink]) => {
	const server = await new RtmpServer().start();
	const file = join(makeTempDir("rtmp"), "same.flv");
	const url = server.url("live/cam?token=abc");
	const ended = await runToEnd("gst-launch-1.0", ["-q", ...gstreamer(await clip(), file, sink(url))]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	await expectWhole(await server.publication(), file);
	expect(server.requests[0]!.credentials.query?.get("token")).toBe("abc");
});

interface ForeignClient {
	onErrorCallback: (error: Error) => void;
	connect(url: string): Promise<void>;
	sendConnect(): Promise<unknown>;
	sendCreateStream(): Promise<number>;
	sendPublish(name: string): Promise<unknown>;
	sendPacket(packet: object): void;
	disconnect(): void;
}

test("node-media-server's client", async () => {
	const require = createRequire(import.meta.url);
	const Client = require("node-media-server/src/protocol/rtmp_client.js") as new () => ForeignClient;
	const server = await new RtmpServer().start();
	const client = new Client();
	await client.connect(server.url("live/cam"));
	await client.sendConnect();
	await client.sendCreateStream();
	await client.sendPublish("cam");
	const file = await clip();
	const scanner = new TagScanner({
		tag: ({ type, ms, body }) => {
			const data = Buffer.from(body);
			client.sendPacket({ codec_type: type, dts: ms, size: data.length, data });
		},
		header: () => undefined,
		lost: (_, why) => expect.fail(why),
	});
	scanner.push(readFileSync(file));
	const published = await server.publication();
	const { accessUnits } = readAll((sink) => new FlvReader(sink), readFileSync(file));
	await expect.poll(() => published.accessUnits.length).toBe(accessUnits.length);
	client.disconnect();
	await expectWhole(published, file);
});

test("FFmpeg as a player takes our digest for a real server's, and reads why it gets nothing", async () => {
	const server = await new RtmpServer().start();
	const ended = await runToEnd("ffmpeg", [...QUIET, "-i", server.url("live/cam"), "-f", "null", "-"]);
	expect(ended.code).not.toBe(0);
	expect(ended.stderr).toContain("nothing is played over RTMP here");
	expect(ended.stderr).not.toContain("validat");
	expect(server.refused.map(({ code }) => code)).toEqual(["RTMP_UNSUPPORTED"]);
});

test("a publisher that is refused reads why", async () => {
	const server = await new RtmpServer().start();
	const loop = ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv"];
	const first = startProcess("ffmpeg", [...QUIET, ...loop, server.url("live/cam")]);
	const { ended, accessUnits } = await server.publication();
	const second = await runToEnd("ffmpeg", [...QUIET, ...loop, server.url("live/cam")]);
	expect(second.code).not.toBe(0);
	expect(second.stderr).toMatch(/PUBLISHER_EXISTS: the stream "live\/cam" is being published over RTMP since/);
	const soFar = accessUnits.length;
	await expect.poll(() => accessUnits.length).toBeGreaterThan(soFar);
	first.kill("SIGKILL");
	expect(await ended).toBe(undefined);
	await expect.poll(() => server.listener.list()).toEqual([]);
});

test("a second publisher takes over where that is wanted, at once, and the first is told", async () => {
	const server = await new RtmpServer({ second: "take-over" }).start();
	const loop = ["-re", "-stream_loop", "-1", "-i", await clip(), "-c", "copy", "-f", "flv"];
	const first = startProcess("ffmpeg", [...QUIET, ...loop, server.url("live/cam")]);
	const before = await server.publication(0);
	const second = startProcess("ffmpeg", [...QUIET, ...loop, server.url("live/cam")]);
	const after = await server.publication(1);
	expect((await before.ended)?.code).toBe("PUBLISHER_REPLACED");
	expect((await first.exited).code).not.toBe(0);
	await expect.poll(() => after.accessUnits.length).toBeGreaterThan(30);
	await second.stop();
});
