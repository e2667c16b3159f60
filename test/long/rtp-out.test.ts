/**
 * Our RTP, read by FFmpeg and GStreamer by their own depacketizers, and by tshark: every access unit as it was, byte for
 * byte, with its time.
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { epochMs } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation, TrackKind } from "../../src/media/access-unit.ts";
import { splitAnnexB, splitLengthPrefixed } from "../../src/media/h264.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { parameterSetsOf } from "../../src/media/picture.ts";
import { describePayload } from "../../src/media/rtp/describe-payload.ts";
import type { PayloadDescription } from "../../src/media/rtp/payload-description.ts";
import { goodbyeCompound, receiverCompound, senderCompound } from "../../src/media/rtp/rtcp-writer.ts";
import { RtpSender } from "../../src/media/rtp/sender.ts";
import { eventually } from "../kit/eventually.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { readAll } from "../kit/reader-contract.ts";
import { openPortPair } from "../kit/rtp-trace.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const SECONDS = 2;
const QUIET = ["-hide_banner", "-v", "error", "-nostdin"];
const PICTURES = ["-f", "lavfi", "-i", `testsrc2=s=640x360:r=25:d=${SECONDS}`, "-pix_fmt", "yuv420p"];
const SOUND = ["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=44100:d=${SECONDS}`];
/** Without pictures out of order, of which FFmpeg complains by any RTP: it tells no decoding times. */
const CODERS = {
	h264: [...PICTURES, "-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "0", "-b:v", "3M"],
	hevc: [
		...PICTURES,
		"-c:v",
		"libx265",
		"-preset",
		"ultrafast",
		"-x265-params",
		"log-level=none:keyint=25:bframes=0",
		"-b:v",
		"2M",
	],
	aac: [...SOUND, "-c:a", "aac", "-b:a", "128k", "-ac", "2"],
	opus: [...SOUND, "-ar", "48000", "-c:a", "libopus", "-b:a", "96k", "-ac", "2"],
} as const;
type Codec = keyof typeof CODERS;
const START_CODE = Uint8Array.of(0, 0, 0, 1);
/** Sent so much faster than it plays. */
const SPEED = 4;

interface Clip {
	readonly track: TrackKind;
	readonly accessUnits: readonly AccessUnit[];
	readonly decode: DecodeInformation;
	readonly description: PayloadDescription;
}

const clips = new Map<Codec, Clip>();

beforeAll(async () => {
	for (const codec of Object.keys(CODERS) as Codec[]) {
		const path = join(makeTempDir("rtp-out"), "a.ts");
		const ended = await runToEnd("ffmpeg", [...QUIET, ...CODERS[codec], path]);
		expect([ended.code, ended.stderr]).toEqual([0, ""]);
		const { accessUnits, decodes } = readAll((sink) => new MpegTsReader(sink), readFileSync(path));
		const track = codec === "h264" || codec === "hevc" ? "video" : "audio";
		const decode = decodes.at(-1)!;
		clips.set(codec, { track, accessUnits, decode, description: describePayload(decode[track]!, 96)! });
	}
});

function sdpOf({ track, description }: Clip, port: number): string {
	const { payloadType, encodingName, clockRateHz, channels, parameters } = description;
	const fmtp = [...parameters].map(([name, value]) => `${name}=${value}`).join(";");
	const map = `${encodingName}/${clockRateHz}${channels === undefined ? "" : `/${channels}`}`;
	const lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=test", "c=IN IP4 127.0.0.1", "t=0 0"];
	lines.push(
		`m=${track} ${port} RTP/AVP ${payloadType}`,
		`a=rtpmap:${payloadType} ${map}`,
		`a=fmtp:${payloadType} ${fmtp}`,
	);
	return lines.map((line) => `${line}\r\n`).join("");
}

/** Whether somebody listens on a port of UDP: the kernel's table has it in hexadecimal digits. */
const isBound = (port: number): boolean =>
	new RegExp(`:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000`).test(
		readFileSync("/proc/net/udp", "utf8"),
	);

const senderOf = ({ decode, track }: Clip): RtpSender =>
	new RtpSender(decode[track]!, {
		payloadType: 96,
		ssrc: 0x1234_5678,
		firstNumber: 65_500,
		timestampOffset: 2 ** 32 - 100_000,
	});

/** Sends a clip by its times, with a report before it and good-bye behind it. */
async function send(clip: Clip, port: number): Promise<void> {
	const socket = createSocket("udp4");
	const sender = senderOf(clip);
	const to = (bytes: Uint8Array, toPort: number): Promise<unknown> =>
		new Promise((resolve) => socket.send(bytes, toPort, "127.0.0.1", resolve));
	const [first] = clip.accessUnits;
	await to(senderCompound(sender.report(epochMs(Date.now()), first!.pts), "test@127.0.0.1"), port + 1);
	const startMs = performance.now();
	for (const accessUnit of clip.accessUnits) {
		const dueMs = startMs + (accessUnit.dts - first!.dts) / 90 / SPEED;
		if (dueMs > performance.now()) await sleep(dueMs - performance.now());
		for (const packet of sender.packets(accessUnit)) await to(packet, port);
	}
	// Good-bye overtakes what FFmpeg has not read yet.
	await sleep(1000);
	await to(
		goodbyeCompound(sender.report(epochMs(Date.now()), clip.accessUnits.at(-1)!.pts), "test@127.0.0.1"),
		port + 1,
	);
	socket.close();
	await once(socket, "close");
}

/** As a byte stream, with the parameter sets in front of key pictures: what a player's depacketizer makes of it. */
function byteStream({ decode, track }: Clip, { key, data }: AccessUnit): Uint8Array {
	if (track === "audio") return data;
	const nals = [...(key ? parameterSetsOf(decode.video!) : []), ...splitLengthPrefixed(data)];
	return Buffer.concat(nals.flatMap((nal) => [START_CODE, nal]));
}

async function freePair(): Promise<number> {
	const pair = await openPortPair();
	pair.close();
	return pair.port;
}

/** Runs one of FFmpeg's tools on a clip that is sent to it. */
async function ffmpegReads(
	command: "ffmpeg" | "ffprobe",
	clip: Clip,
	args: (sdp: readonly string[]) => readonly string[],
) {
	const port = await freePair();
	const sdp = join(makeTempDir("rtp-out"), "session.sdp");
	writeFileSync(sdp, sdpOf(clip, port));
	const input = ["-protocol_whitelist", "file,udp,rtp", "-buffer_size", "4194304", "-i", sdp];
	const reading = startProcess(command, ["-hide_banner", "-v", "warning", ...args(input)], { keepBytes: 2 ** 24 });
	await eventually(async () => expect(isBound(port)).toBe(true));
	await send(clip, port);
	await reading.exited;
	expect(reading.stderr).toBe("");
	return reading.stdout;
}

/** Times, from the first on, are those of the access units, to the nearest of the rate. */
function expectTimes(seen: readonly number[], { accessUnits }: Clip, rate: number): void {
	const times = accessUnits.map(({ pts }) => pts).toSorted((one, other) => one - other);
	expect(seen.length).toBe(times.length);
	for (const [index, time] of times.entries()) {
		const expected = ((time - times[0]!) * rate) / 90_000;
		expect(Math.abs(seen[index]! - seen[0]! - expected)).toBeLessThanOrEqual(1);
	}
}

const nalsOf = (bytes: Uint8Array): string[] =>
	splitAnnexB(bytes).map((nal) => `${nal.length} ${createHash("md5").update(nal).digest("hex")}`);

describe("FFmpeg", () => {
	test.for(["h264", "hevc"] as const)("reads %s, NAL unit for NAL unit", async (codec) => {
		const clip = clips.get(codec)!;
		const output = join(makeTempDir("rtp-out"), "seen");
		await ffmpegReads("ffmpeg", clip, (input) => ["-nostdin", ...input, "-c", "copy", "-f", codec, output]);
		const expected = nalsOf(Buffer.concat(clip.accessUnits.map((one) => byteStream(clip, one))));
		expect(nalsOf(readFileSync(output))).toEqual(expected);
	});

	test.for(["h264", "hevc"] as const)("finds each picture of %s at its time", async (codec) => {
		const clip = clips.get(codec)!;
		const stdout = await ffmpegReads("ffprobe", clip, (input) => [
			"-show_entries",
			"packet=pts",
			"-of",
			"json",
			...input,
		]);
		const { packets } = JSON.parse(stdout) as { packets: { pts: number }[] };
		// It tells no time of a stream's first picture.
		const rest = { ...clip, accessUnits: clip.accessUnits.slice(1) };
		const times = packets.slice(1).map(({ pts }) => pts);
		expect(packets.length).toBe(clip.accessUnits.length);
		expectTimes(times, rest, 90_000);
	});

	test.for(["aac", "opus"] as const)("reads %s, frame for frame, each at its time", async (codec) => {
		const clip = clips.get(codec)!;
		const show = ["-show_entries", "packet=pts,data_hash", "-show_data_hash", "md5", "-of", "json"];
		const stdout = await ffmpegReads("ffprobe", clip, (input) => [...show, ...input]);
		const { packets } = JSON.parse(stdout) as { packets: { pts: number; data_hash: string }[] };
		const md5 = (bytes: Uint8Array): string => `MD5:${createHash("md5").update(bytes).digest("hex")}`;
		expect(packets.map((packet) => packet.data_hash)).toEqual(clip.accessUnits.map(({ data }) => md5(data)));
		expectTimes(
			packets.map(({ pts }) => pts),
			clip,
			clip.description.clockRateHz,
		);
	});
});

/** GStreamer's depacketizer, fed as many packets as there are. */
async function gstreamerReads(clip: Clip, depayloader: string): Promise<Uint8Array> {
	const port = await freePair();
	const output = join(makeTempDir("rtp-out"), "seen");
	const counting = senderOf(clip);
	const count = clip.accessUnits.reduce((sum, one) => sum + counting.packets(one).length, 0);
	const { encodingName, clockRateHz, parameters } = clip.description;
	const caps = [
		"application/x-rtp",
		`media=${clip.track}`,
		`clock-rate=${clockRateHz}`,
		`encoding-name=${encodingName.toUpperCase()}`,
		"payload=96",
		...[...parameters].map(([name, value]) => `${name}=(string)"${value}"`),
	].join(",");
	const elements = [`udpsrc`, `port=${port}`, "buffer-size=4194304", `num-buffers=${count}`, `caps=${caps}`, "!"];
	const reading = startProcess(
		"gst-launch-1.0",
		["-q", ...elements, ...depayloader.split(" "), "!", "filesink", `location=${output}`],
		{
			env: { GST_DEBUG: "2", GST_DEBUG_NO_COLOR: "1" },
		},
	);
	await eventually(async () => expect(isBound(port)).toBe(true));
	await send(clip, port);
	expect((await reading.exited).code).toBe(0);
	return readFileSync(output);
}

describe("GStreamer", () => {
	test.for([
		["h264", "rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au"],
		["hevc", "rtph265depay ! video/x-h265,stream-format=byte-stream,alignment=au"],
	] as const)("reads %s, NAL unit for NAL unit", async ([codec, depayloader]) => {
		const clip = clips.get(codec)!;
		const expected = nalsOf(Buffer.concat(clip.accessUnits.map((one) => byteStream(clip, one))));
		const seen = nalsOf(await gstreamerReads(clip, depayloader));
		expect(seen.slice(-expected.length)).toEqual(expected);
	});

	test("reads AAC, frame for frame", async () => {
		const clip = clips.get("aac")!;
		const seen = await gstreamerReads(clip, "rtpmp4gdepay");
		expect(Buffer.compare(seen, Buffer.concat(clip.accessUnits.map(({ data }) => data)))).toBe(0);
	});

	test("reads Opus, packet for packet", async () => {
		const clip = clips.get("opus")!;
		const seen = await gstreamerReads(clip, "rtpopusdepay");
		expect(Buffer.compare(seen, Buffer.concat(clip.accessUnits.map(({ data }) => data)))).toBe(0);
	});
});

/** Datagrams from port to port as a capture file (pcap, link type 228: IPv4 alone). */
function capture(datagrams: readonly Uint8Array[], port: number): Uint8Array {
	const head = Buffer.alloc(24);
	head.writeUInt32LE(0xa1b2c3d4, 0);
	head.writeUInt16LE(2, 4);
	head.writeUInt16LE(4, 6);
	head.writeUInt32LE(65_535, 16);
	head.writeUInt32LE(228, 20);
	const records = datagrams.map((bytes, index) => {
		const record = Buffer.alloc(16 + 28 + bytes.length);
		record.writeUInt32LE(index, 0);
		record.writeUInt32LE(28 + bytes.length, 8);
		record.writeUInt32LE(28 + bytes.length, 12);
		record.set([0x45, 0], 16);
		record.writeUInt16BE(28 + bytes.length, 18);
		record.set([64, 17], 24);
		record.set([127, 0, 0, 1, 127, 0, 0, 1], 28);
		record.writeUInt16BE(port, 36);
		record.writeUInt16BE(port, 38);
		record.writeUInt16BE(8 + bytes.length, 40);
		record.set(bytes, 44);
		return record;
	});
	return Buffer.concat([head, ...records]);
}

test("tshark reads our reports: who, what was lost, how late, and good-bye", async () => {
	const block = {
		ssrc: 7,
		fractionLost: 3,
		cumulativeLost: -5,
		extendedHighest: 70_000,
		interarrivalJitter: 44,
		lastSenderReport: 9,
		delaySinceSenderReport: 11,
	};
	const report = {
		ssrc: 0xabcd,
		ntp: { seconds: 3_900_000_000, fraction: 0 },
		rtpTimestamp: 123,
		packetCount: 4,
		octetCount: 5,
		blocks: [block],
	};
	const path = join(makeTempDir("rtp-out"), "rtcp.pcap");
	writeFileSync(
		path,
		capture([receiverCompound(0xabcd, [block], "some@name"), goodbyeCompound(report, "some@name")], 5005),
	);
	const names = [
		"pt",
		"senderssrc",
		"ssrc.cum_nr",
		"ssrc.fraction",
		"ssrc.ext_high",
		"ssrc.jitter",
		"sender.packetcount",
		"sdes.text",
	];
	const fields = [...names.flatMap((name) => ["-e", `rtcp.${name}`]), "-e", "_ws.malformed"];
	const ended = await runToEnd("tshark", [
		"-r",
		path,
		"-d",
		"udp.port==5005,rtcp",
		"-T",
		"fields",
		"-E",
		"separator=;",
		...fields,
	]);
	expect(ended.code).toBe(0);
	expect(
		ended.stdout
			.trim()
			.split("\n")
			.map((line) => line.split(";")),
	).toEqual([
		["201,202", "0x0000abcd", "-5", "3", "70000", "44", "", "some@name", ""],
		["200,202,203", "0x0000abcd", "-5", "3", "70000", "44", "4", "some@name", ""],
	]);
});
