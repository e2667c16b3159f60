/**
 * The RTP writer before independent witnesses: real encodes of one programme in three sizes, another one in every unit,
 * as MPEG-TS in RTP framed by RFC 4571. Judged by GStreamer, which reads such a stream as it is, and by tshark, whose
 * dissectors know RFC 4571, RTP and MPEG-TS. FFmpeg, VLC and mpv have no reader of framed RTP; `docs/wire/rtp.md` has
 * what they make of it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { RtpReader } from "../../src/media/rtp/reader.ts";
import { rtp } from "../../src/media/rtp/rtp.ts";
import { gstreamerDemuxer } from "../kit/gstreamer-demuxers.ts";
import { runToEnd } from "../kit/processes.ts";
import { FRAMES, writeResponse } from "../kit/switching-units.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { gstreamerDecode } from "../kit/witnesses.ts";
import { describeWriter, overHole } from "../kit/writer-contract.ts";

const TCP_PORT = "5004";
/** Of a TCP segment: packets of RTP lie across segments, as they do on the wire. */
const SEGMENT_BYTES = 1400;
const SOURCE = "0x504e5354";
/** GStreamer tells of the hole in time, and does not look at discontinuity_indicator in PSI. */
const GSTREAMER_OF_HOLES = /GAP detected|section discontinuity/;

/** By the lengths that stand before packets (RFC 4571, clause 2). */
function packetsIn(stream: Uint8Array): number {
	let count = 0;
	for (let at = 0; at < stream.length; at += 2 + stream[at]! * 256 + stream[at + 1]!) count++;
	return count;
}

/** The stream as one side of a TCP connection, for tshark to read. */
async function capture(stream: Uint8Array): Promise<string> {
	const path = join(makeTempDir("capture"), "rtp.pcap");
	const lines: string[] = [];
	for (let at = 0; at < stream.length; at += SEGMENT_BYTES) {
		const segment = Buffer.from(stream.subarray(at, at + SEGMENT_BYTES));
		lines.push(`0000 ${segment.toString("hex").replace(/../g, "$& ")}\n\n`);
	}
	const args = ["-q", "-4", "127.0.0.1,127.0.0.1", "-T", `${TCP_PORT},6000`, "-", path];
	const ended = await runToEnd("text2pcap", args, { input: Buffer.from(lines.join("")) });
	expect(ended.code).toBe(0);
	return path;
}

/** What tshark finds in the packets that its display filter lets through; a value for each occurrence. */
async function dissect(path: string, fields: readonly string[], filter = "rtp"): Promise<string[][]> {
	const args = ["-r", path, "-d", `tcp.port==${TCP_PORT},rtp`, "-Y", filter, "-T", "json"];
	const wanted = fields.flatMap((field) => ["-e", field]);
	const ended = await runToEnd("tshark", [...args, ...wanted], { keepBytes: 2 ** 28, timeoutMs: 120_000 });
	expect(ended.code).toBe(0);
	const segments = JSON.parse(ended.stdout) as { _source: { layers: Record<string, string[]> } }[];
	return fields.map((field) => segments.flatMap(({ _source }) => _source.layers[field] ?? []));
}

/** What tshark calls damaged or remarkable, in its own words. */
const complaints = async (path: string): Promise<string[]> =>
	(await dissect(path, ["_ws.expert.message"], "_ws.expert || _ws.malformed")).flat();

describeWriter(
	{
		packaging: rtp,
		open: (sink) => new RtpReader(sink),
		tick: 1,
		wrap: 2 ** 33,
		tracksAhead: false,
		carriesPreSkip: false,
		witnesses: {
			GStreamer: {
				decode: (path) => gstreamerDecode(path, { demuxer: gstreamerDemuxer("rtp", { track: "video" }) }),
				playsOverHoles: true,
				maySayOfHoles: GSTREAMER_OF_HOLES,
			},
		},
	},
	(made) => {
		test("GStreamer unpacks the very transport stream of a .ts response", async () => {
			const output = join(makeTempDir("unpacked"), "unpacked.ts");
			const caps = rtp.contentType.replaceAll("; ", ",");
			const elements = [
				"filesrc",
				`location=${made().file}`,
				"!",
				caps,
				"!",
				"rtpstreamdepay",
				"!",
				"rtpmp2tdepay",
				"!",
			];
			const ended = await runToEnd("gst-launch-1.0", ["-q", ...elements, "filesink", `location=${output}`]);
			expect([ended.code, ended.stderr]).toEqual([0, ""]);
			expect(Buffer.compare(readFileSync(output), writeResponse(mpegTs, made().units))).toBe(0);
		});

		test("tshark finds one source, payload type 33, numbers that rise by one, no marker, a clock that goes on", async () => {
			const stream = writeResponse(rtp, made().units);
			const path = await capture(stream);
			const fields = ["rtp.seq", "rtp.p_type", "rtp.ssrc", "rtp.marker", "rtp.timestamp", "rtp.ext", "rtp.cc"] as const;
			const [numbers, types, sources, markers, times, extensions, contributors] = await dissect(path, fields);
			expect(numbers!.map(Number)).toEqual(Array.from({ length: packetsIn(stream) }, (_, i) => i));
			expect(new Set(types)).toEqual(new Set(["33"]));
			expect(new Set(sources)).toEqual(new Set([SOURCE]));
			for (const flags of [markers, extensions, contributors]) expect(new Set(flags)).toEqual(new Set(["0"]));
			expect(times!.map(Number)).toEqual(times!.map(Number).toSorted((a, b) => a - b));
			expect(new Set(times).size).toBe(FRAMES);
		});

		test("tshark calls nothing malformed and misses no transport stream packet; where units are not closed, it does", async () => {
			expect(await complaints(await capture(writeResponse(rtp, made().units)))).toEqual([]);
			const open = await capture(
				writeResponse(
					rtp,
					made().units.map((unit) => ({ ...unit, brokeOff: true })),
				),
			);
			expect(await complaints(open)).toContainEqual(expect.stringMatching(/^Detected \d+ missing TS frames/));
		});

		test("a viewer moved over a hole gets one packet with the marker, and numbers that go on behind it", async () => {
			const { before, after } = overHole(made().units);
			const path = await capture(writeResponse(rtp, [...before, ...after]));
			const [numbers, markers, times] = await dissect(path, ["rtp.seq", "rtp.marker", "rtp.timestamp"]);
			const jump = packetsIn(writeResponse(rtp, before));
			expect(numbers!.map(Number)).toEqual(Array.from(numbers!, (_, index) => index));
			expect(markers!.flatMap((marker, index) => (marker === "1" ? [index] : []))).toEqual([jump]);
			expect(Number(times![jump])).toBe(after[0]!.head.time - 27_000);
		});
	},
);
