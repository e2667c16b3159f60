/**
 * RTP of FFmpeg and GStreamer, by UDP to sockets of this test: what comes out of a session is what is in the file that
 * they send, access unit for access unit. The same datagrams again, worse: lost, delayed, doubled.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import type { AccessUnit, DecodeInformation, TrackKind } from "../../src/media/access-unit.ts";
import { FlvReader } from "../../src/media/flv/reader.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { type PayloadDescription, STATIC_MP2T } from "../../src/media/rtp/payload-description.ts";
import { ProgramStreamReader } from "../../src/media/rtp/program-stream.ts";
import type { StreamReader, StreamSink } from "../../src/media/stream-reader.ts";
import { payloadsOf } from "../../src/wire/sdp-payloads.ts";
import { readSdp } from "../../src/wire/sdp-reader.ts";
import { Random } from "../fuzz/random.ts";
import { runToEnd } from "../kit/processes.ts";
import { readAll } from "../kit/reader-contract.ts";
import type { RtpRig } from "../kit/rtp-rig.ts";
import { type Datagram, openPortPair, replay, traceOf } from "../kit/rtp-trace.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const SECONDS = 3;
const QUIET = ["-hide_banner", "-v", "error", "-nostdin"];
const PICTURES = ["-f", "lavfi", "-i", `testsrc2=s=640x360:r=25:d=${SECONDS}`];
const SOUND = ["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:d=${SECONDS}`];
const X264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p"];
const AAC = ["-c:a", "aac", "-b:a", "64k", "-ac", "2"];

interface Clip {
	readonly path: string;
	readonly accessUnits: readonly AccessUnit[];
	readonly decode: DecodeInformation;
}

async function clip(name: string, args: readonly string[]): Promise<Clip> {
	const path = join(makeTempDir("rtp-in"), name);
	const ended = await runToEnd("ffmpeg", [...QUIET, ...args, path]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	const open = (sink: StreamSink): StreamReader =>
		name.endsWith(".flv") ? new FlvReader(sink) : new MpegTsReader(sink);
	const seen = readAll(open, readFileSync(path));
	return { path, accessUnits: seen.accessUnits, decode: seen.decodes.at(-1)! };
}

const trackOf = (units: readonly AccessUnit[], track: TrackKind): AccessUnit[] =>
	units.filter((one) => one.track === track);
const dataOf = (units: readonly AccessUnit[], track: TrackKind): string[] =>
	trackOf(units, track).map(({ data, key }) => `${key} ${data.length} ${createHash("md5").update(data).digest("hex")}`);
/** Times from the track's first on. */
const timesOf = (units: readonly AccessUnit[], track: TrackKind, time: "pts" | "dts"): number[] => {
	const ofTrack = trackOf(units, track);
	return ofTrack.map((one) => one[time] - ofTrack[0]!.pts);
};

/** GStreamer leaves out the first frame of AAC, mostly. */
function withoutFirst(units: readonly AccessUnit[], seen: readonly AccessUnit[]): AccessUnit[] {
	const [all, came] = [trackOf(units, "audio"), trackOf(seen, "audio").length];
	expect(came).toBeGreaterThanOrEqual(all.length - 1);
	return all.slice(-came);
}

/** FFmpeg collects frames of sound for a packet, and never sends those that it has collected at the end. */
function withoutUnsent(units: readonly AccessUnit[], seen: readonly AccessUnit[]): AccessUnit[] {
	const [all, came] = [trackOf(units, "audio"), trackOf(seen, "audio").length];
	expect(came).toBeGreaterThan(all.length - 16);
	return all.slice(0, came);
}

function expectTrack(seen: readonly AccessUnit[], sent: readonly AccessUnit[], track: TrackKind, within = 0): void {
	expect(dataOf(seen, track)).toEqual(dataOf(sent, track));
	for (const [index, pts] of timesOf(sent, track, "pts").entries()) {
		expect(Math.abs(timesOf(seen, track, "pts")[index]! - pts)).toBeLessThanOrEqual(within);
	}
}

interface Sent {
	readonly trace: readonly Datagram[];
	readonly descriptions: readonly PayloadDescription[];
}

/** FFmpeg sends each track of a file to ports of its own, as it would live. */
async function ffmpegSends(path: string, outputs: readonly (readonly string[])[]): Promise<Sent> {
	const pairs = await Promise.all(outputs.map(openPortPair));
	const sdp = join(makeTempDir("rtp-in"), "session.sdp");
	const isDescribed = !outputs.flat().includes("rtp_mpegts");
	const describing = isDescribed ? ["-sdp_file", sdp] : [];
	// One start for all of them: each is a muxer of its own, with a clock of its own.
	const zero = ["-start_time_realtime", String(Date.now() * 1000)];
	const sinks = outputs.flatMap((output, index) => [
		...output,
		...zero,
		`rtp://127.0.0.1:${pairs[index]!.port}?pkt_size=1200`,
	]);
	const ended = await runToEnd("ffmpeg", [...QUIET, "-re", "-i", path, ...sinks, ...describing]);
	expect([ended.code, ended.stderr]).toEqual([0, ""]);
	await sleep(200);
	for (const pair of pairs) pair.close();
	if (!isDescribed) return { trace: traceOf(pairs), descriptions: [STATIC_MP2T] };
	const read = readSdp(readFileSync(sdp));
	if (read.kind !== "read") throw new Error("FFmpeg's SDP is not read");
	return { trace: traceOf(pairs), descriptions: read.value.media.map((media) => payloadsOf(media)[0]!) };
}

const clean = ({ faults, streams }: RtpRig): void => {
	expect(faults.map(({ message }) => message)).toEqual([]);
	for (const { counts } of streams) {
		expect(counts).toMatchObject({
			lost: 0,
			late: 0,
			dropped: 0,
			malformed: 0,
			otherTypes: 0,
			badPayloads: 0,
			leaps: 0,
			stray: 0,
		});
		expect(counts.packets).toBeGreaterThan(0);
	}
};

const rtp = (map: string, ...more: readonly string[]): string[] => ["-map", map, "-c", "copy", ...more, "-f", "rtp"];

describe("H.264 with B-frames, and AAC, from FFmpeg", () => {
	let file: Clip;
	let sent: Sent;

	beforeAll(async () => {
		file = await clip("a.flv", [...PICTURES, ...SOUND, ...X264, "-bf", "2", "-b:v", "3M", ...AAC]);
		sent = await ffmpegSends(file.path, [rtp("0:v"), rtp("0:a")]);
	});

	test("every access unit arrives, bytes and times as in the file, decoding times reckoned", () => {
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "video", 90); // FLV counts milliseconds
		expectTrack(seen.accessUnits, withoutUnsent(file.accessUnits, seen.accessUnits), "audio", 90);
		expect(
			timesOf(seen.accessUnits, "video", "dts").some((dts, i) => dts !== timesOf(seen.accessUnits, "video", "pts")[i]),
		).toBe(true);
		const [theirs, ours] = [file, seen].map(({ accessUnits }) => timesOf(accessUnits, "video", "dts").slice(2));
		for (const [index, dts] of theirs!.entries()) expect(Math.abs(ours![index]! - dts)).toBeLessThanOrEqual(90);
		expect(seen.decodes.at(-1)!.audio).toEqual(file.decode.audio);
		const { video } = seen.decodes.at(-1)!;
		expect(video).toEqual(file.decode.video);
	});

	test("sender reports put picture and sound on one clock, though one came later than the other", () => {
		const late = sent.trace.map((one) => (one.stream === 0 ? { ...one, ms: one.ms + 700 } : one));
		for (const trace of [sent.trace, late.toSorted((one, other) => one.ms - other.ms)]) {
			const seen = replay(trace, sent.descriptions);
			expect(seen.streams.map(({ isSynchronized }) => isSynchronized)).toEqual([true, true]);
			const [picture, sound] = (["video", "audio"] as const).map((track) => trackOf(seen.accessUnits, track)[0]!.pts);
			// Each of FFmpeg's outputs begins at its own 0; the first picture is shown two pictures after it is decoded.
			expect(Math.abs(picture! - sound! - 80 * 90)).toBeLessThan(5 * 90);
		}
	});

	test("on a network that delays by up to 40 ms and doubles, nothing is lost", () => {
		const random = new Random(1);
		const worse = sent.trace
			.flatMap((one) => (random.oneIn(10) ? [one, one] : [one]))
			.map((one) => ({ ...one, ms: one.ms + (random.oneIn(5) ? random.below(40) : 0) }))
			.toSorted((one, other) => one.ms - other.ms);
		const { accessUnits, faults, streams } = replay(worse, sent.descriptions, {
			jitter: { leastWaitMs: 50, mostWaitMs: 200, mostPackets: 1024, mostBytes: 2 ** 21 },
		});
		expect(faults).toEqual([]);
		expect(streams[0]!.counts.duplicates).toBeGreaterThan(0);
		expect(streams[0]!.counts.reordered).toBeGreaterThan(0);
		expect(dataOf(accessUnits, "video")).toEqual(dataOf(file.accessUnits, "video"));
		expect(dataOf(accessUnits, "audio")).toEqual(dataOf(withoutUnsent(file.accessUnits, accessUnits), "audio"));
	});

	test.for([1, 2, 3, 4, 5])(
		"with one in a hundred lost (seed %i): what comes is whole and in order, and counters are true",
		(seed) => {
			const random = new Random(seed);
			const isMedia = ({ bytes }: Datagram): boolean => bytes[1]! < 192 || bytes[1]! > 223;
			const lost = new Set(sent.trace.filter((one) => isMedia(one) && random.oneIn(100)));
			const rest = sent.trace.filter((one) => !lost.has(one));
			const { accessUnits, streams, faults } = replay(rest, sent.descriptions);
			for (const [index, track] of (["video", "audio"] as const).entries()) {
				const whole = new Set(dataOf(file.accessUnits, track));
				const seen = dataOf(accessUnits, track);
				expect(seen.every((data) => whole.has(data))).toBe(true);
				const { counts, reception } = streams[index]!;
				// Nobody misses the first and the last.
				const inside = rest.filter(({ stream, ...one }) => stream === index && isMedia({ stream, ...one }));
				expect(counts.packets).toBe(inside.length);
				expect(counts.lost).toBe(reception!.cumulativeLost);
				expect(counts.lost).toBeLessThanOrEqual([...lost].filter(({ stream }) => stream === index).length);
				expect(seen.length).toBeGreaterThan(whole.size * 0.75);
			}
			expect(lost.size).toBeGreaterThan(0);
			expect(faults.every(({ code }) => code === "RTP_LOST")).toBe(true);
		},
	);
});

describe("other payload formats of FFmpeg", () => {
	test("HEVC with B-frames", async () => {
		const x265 = [
			"-c:v",
			"libx265",
			"-preset",
			"ultrafast",
			"-x265-params",
			"log-level=none:bframes=2:keyint=25:open-gop=0",
		];
		const file = await clip("a.ts", [...PICTURES, "-pix_fmt", "yuv420p", ...x265, "-b:v", "2M"]);
		const sent = await ffmpegSends(file.path, [rtp("0:v")]);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "video");
		expect(timesOf(seen.accessUnits, "video", "dts").slice(2)).toEqual(
			timesOf(file.accessUnits, "video", "dts").slice(2),
		);
		expect(seen.decodes.at(-1)!.video).toEqual(file.decode.video);
	});

	test("Opus", async () => {
		const file = await clip("a.ts", [...SOUND, "-c:a", "libopus", "-b:a", "64k", "-ac", "2"]);
		const sent = await ffmpegSends(file.path, [rtp("0:a")]);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "audio", 3);
		expect(seen.decodes).toMatchObject([{ audio: { codec: "opus", channelCount: 2 } }]);
	});

	test("AAC in LATM", async () => {
		const file = await clip("a.flv", [...SOUND, ...AAC]);
		const sent = await ffmpegSends(file.path, [rtp("0:a", "-rtpflags", "latm")]);
		expect(sent.descriptions).toMatchObject([{ encodingName: "MP4A-LATM" }]);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "audio", 90);
		expect(seen.decodes.at(-1)!.audio).toMatchObject({ sampleRateHz: 48_000, channelCount: 2, objectType: 2 });
	});

	test("a transport stream of H.264 and AAC", async () => {
		const file = await clip("a.ts", [...PICTURES, ...SOUND, ...X264, ...AAC]);
		const sent = await ffmpegSends(file.path, [["-map", "0", "-c", "copy", "-f", "rtp_mpegts"]]);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "video");
		expectTrack(seen.accessUnits, withoutUnsent(file.accessUnits, seen.accessUnits), "audio", 1);
	});
});

/** GStreamer sends a file's track to ports of its own; its caps describe it. */
async function gstreamerSends(path: string, elements: string): Promise<Sent> {
	const pair = await openPortPair();
	const { port } = pair;
	const graph = `filesrc location=${path} ! ${elements} ! udpsink host=127.0.0.1 port=${port} sync=true`;
	const ended = await runToEnd("gst-launch-1.0", ["-v", ...graph.split(" ")]);
	expect(ended.code).toBe(0);
	await sleep(200);
	pair.close();
	const caps = ended.stdout.split("\n").findLast((line) => /udpsink0?\.GstPad:sink: caps = /.test(line))!;
	const fields = new Map(
		[...caps.matchAll(/([\w-]+)=\(\w+\)("[^"]*"|[^,\s]+)/g)].map(([, name, value]) => [
			name!,
			value!.replaceAll(/["\\]/g, ""),
		]),
	);
	return {
		trace: traceOf([pair]),
		descriptions: [
			{
				payloadType: Number(fields.get("payload")),
				encodingName: fields.get("encoding-name")!,
				clockRateHz: Number(fields.get("clock-rate")),
				parameters: fields,
			},
		],
	};
}

describe("payloaders of GStreamer", () => {
	let file: Clip;

	beforeAll(async () => {
		file = await clip("a.ts", [...PICTURES, ...SOUND, ...X264, "-bf", "0", ...AAC]);
	});

	test.for([
		["one NAL unit in a packet, sets in the description", "config-interval=0 aggregate-mode=none"],
		["aggregates, sets at each key picture", "config-interval=-1 aggregate-mode=max-stap mtu=1000"],
	] as const)("H.264: %s", async ([, options]) => {
		const sent = await gstreamerSends(file.path, `tsdemux name=d d. ! h264parse ! rtph264pay ${options}`);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "video", 1);
		expect(seen.decodes.at(-1)!.video).toEqual(file.decode.video);
	});

	test.for(["rtpmp4gpay", "rtpmp4apay"] as const)("AAC by %s", async (payloader) => {
		const sent = await gstreamerSends(file.path, `tsdemux name=d d. ! aacparse ! ${payloader}`);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		const came = trackOf(seen.accessUnits, "audio");
		// The first one's time is cut off at the start of the picture.
		expectTrack(came.slice(1), withoutFirst(file.accessUnits, came).slice(1), "audio", 3);
	});

	test("HEVC", async () => {
		const x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0:keyint=25"];
		const hevc = await clip("h.ts", [...PICTURES, "-pix_fmt", "yuv420p", ...x265, "-b:v", "2M"]);
		const sent = await gstreamerSends(
			hevc.path,
			"tsdemux ! h265parse ! rtph265pay config-interval=-1 aggregate-mode=zero-latency",
		);
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, hevc.accessUnits, "video", 1);
	});

	test("a transport stream", async () => {
		const sent = await gstreamerSends(file.path, "tsparse set-timestamps=true alignment=7 ! rtpmp2tpay");
		const seen = replay(sent.trace, sent.descriptions);
		clean(seen);
		expectTrack(seen.accessUnits, file.accessUnits, "video");
		expectTrack(seen.accessUnits, file.accessUnits, "audio", 1);
	});

	test("its program streams, as in GB/T 28181's packets", async () => {
		const path = join(makeTempDir("rtp-in"), "a.ps");
		const graph = `filesrc location=${file.path} ! tsdemux name=d d. ! queue ! h264parse ! m. d. ! queue ! aacparse ! m. mpegpsmux name=m ! filesink location=${path}`;
		expect((await runToEnd("gst-launch-1.0", ["-q", ...graph.split(" ")])).code).toBe(0);
		const seen = readAll((sink) => new ProgramStreamReader(sink), readFileSync(path));
		expect(seen.faults.map(({ message }) => message)).toEqual([]);
		expectTrack(seen.accessUnits, file.accessUnits, "video", 1);
		expectTrack(seen.accessUnits, withoutFirst(file.accessUnits, seen.accessUnits), "audio", 1);
	});
});
