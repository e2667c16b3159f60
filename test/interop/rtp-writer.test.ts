/**
 * The RTP writer before independent witnesses: real encodes of one programme in three sizes, another one in every unit,
 * as MPEG-TS in RTP framed by RFC 4571. Judged by GStreamer, which reads such a stream as it is, and by tshark, whose
 * dissectors know RFC 4571, RTP and MPEG-TS. FFmpeg, VLC and mpv have no reader of framed RTP; `docs/wire/rtp.md` has
 * what they make of it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { AccessUnit } from "../../src/media/access-unit.ts";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { RtpReader } from "../../src/media/rtp/reader.ts";
import { rtp } from "../../src/media/rtp/rtp.ts";
import type { UnitStart } from "../../src/media/stream-reader.ts";
import { gstreamerDemuxer } from "../kit/gstreamer-demuxers.ts";
import { runToEnd } from "../kit/processes.ts";
import { expectEveryFrameOnce } from "../kit/signal-reader.ts";
import {
	allocate,
	FRAMES,
	GOP,
	makeRenditions,
	piecesOf,
	switching,
	type WrittenUnit,
	writeResponse,
	writeUnit,
} from "../kit/switching-units.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { gstreamerDecode } from "../kit/witnesses.ts";

const TCP_PORT = "5004";
/** Of a TCP segment: packets of RTP lie across segments, as they do on the wire. */
const SEGMENT_BYTES = 1400;
const SOURCE = "0x504e5354";

function save(name: string, ...parts: Uint8Array[]): string {
	const path = join(makeTempDir("rtp"), name);
	writeFileSync(path, Buffer.concat(parts));
	return path;
}

/** Units with numbers that follow those of what was sent before. */
function numbered(units: readonly WrittenUnit[], first: number): { readonly bytes: Uint8Array; readonly next: number } {
	const parts: Uint8Array[] = [];
	let next = first;
	for (const unit of units) {
		const pieces = piecesOf(rtp, unit, true);
		for (const piece of pieces) rtp.numbering!.shift(piece, next);
		next += pieces.reduce((sum, piece) => sum + rtp.numbering!.count(piece), 0);
		parts.push(...pieces);
	}
	return { bytes: Buffer.concat(parts), next };
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

describe.each([
	["without B-frames", 0],
	["with B-frames, PTS apart from DTS", 2],
])("three renditions %s, another one in every unit", (_, bFrames) => {
	let units: WrittenUnit[];
	let stream: Uint8Array;
	let file: string;

	beforeAll(async () => {
		units = switching(await makeRenditions({ bFrames }));
		stream = writeResponse(rtp, units);
		file = save("switching.rtp", stream);
	});

	test("our reader finds every access unit, and each unit's number and rendition", () => {
		const accessUnits: AccessUnit[] = [];
		const starts: UnitStart[] = [];
		const faults: string[] = [];
		const reader = new RtpReader({
			accessUnit: (accessUnit) => accessUnits.push(accessUnit),
			unitStart: (start) => starts.push(start),
			fault: ({ message }) => faults.push(message),
		});
		reader.push(stream);
		reader.end();
		expect(faults).toEqual([]);
		expect(starts).toEqual(units.map(({ head: { time, number, rendition } }) => ({ time, number, rendition })));
		const written = units.flatMap((unit) => unit.accessUnits);
		expect(accessUnits.map(({ track, pts, dts }) => [track, pts, dts])).toEqual(
			written.map(({ track, pts, dts }) => [track, pts, dts]),
		);
		expect(accessUnits.every(({ data }, index) => Buffer.compare(data, written[index]!.data) === 0)).toBe(true);
	});

	test("GStreamer decodes every frame once, in order, without a warning", async () => {
		const seen = await gstreamerDecode(file, { demuxer: gstreamerDemuxer("rtp", { track: "video" }) });
		expect(seen.warnings).toEqual([]);
		expectEveryFrameOnce(seen.counters, { from: 0, to: FRAMES - 1 });
	});

	test("GStreamer unpacks the very transport stream of a .ts response", async () => {
		const output = join(makeTempDir("unpacked"), "unpacked.ts");
		const caps = rtp.contentType.replaceAll("; ", ",");
		const elements = ["filesrc", `location=${file}`, "!", caps, "!", "rtpstreamdepay", "!", "rtpmp2tdepay", "!"];
		const ended = await runToEnd("gst-launch-1.0", ["-q", ...elements, "filesink", `location=${output}`]);
		expect([ended.code, ended.stderr]).toEqual([0, ""]);
		expect(Buffer.compare(readFileSync(output), writeResponse(mpegTs, units))).toBe(0);
	});

	test("tshark finds one source, payload type 33, numbers that rise by one, no marker, a clock that goes on", async () => {
		const path = await capture(stream);
		const fields = ["rtp.seq", "rtp.p_type", "rtp.ssrc", "rtp.marker", "rtp.timestamp", "rtp.ext", "rtp.cc"] as const;
		const [numbers, types, sources, markers, times, extensions, contributors] = await dissect(path, fields);
		expect(numbers!.map(Number)).toEqual(Array.from({ length: numbered(units, 0).next }, (_, i) => i));
		expect(new Set(types)).toEqual(new Set(["33"]));
		expect(new Set(sources)).toEqual(new Set([SOURCE]));
		for (const flags of [markers, extensions, contributors]) expect(new Set(flags)).toEqual(new Set(["0"]));
		expect(times!.map(Number)).toEqual(times!.map(Number).toSorted((a, b) => a - b));
		expect(new Set(times).size).toBe(FRAMES);
	});

	test("tshark calls nothing malformed and misses no transport stream packet; where units are not closed, it does", async () => {
		expect(await complaints(await capture(stream))).toEqual([]);
		const open = await capture(Buffer.concat(units.map((unit) => writeUnit(rtp, unit, false))));
		expect(await complaints(open)).toContainEqual(expect.stringMatching(/^Detected \d+ missing TS frames/));
	});

	test("a viewer moved over a hole gets one packet with the marker, and GStreamer goes on behind it", async () => {
		const [before, after] = [units.slice(0, 5), units.slice(11, 16)];
		const first = numbered(before, 0);
		const hole = rtp.hole(after[0]!.head, allocate)!;
		rtp.numbering!.shift(hole, first.next);
		const path = save("hole.rtp", first.bytes, hole, numbered(after, first.next + 1).bytes);
		const [markers, times] = await dissect(await capture(readFileSync(path)), ["rtp.marker", "rtp.timestamp"]);
		expect(markers!.flatMap((marker, index) => (marker === "1" ? [index] : []))).toEqual([first.next]);
		expect(Number(times![first.next])).toBe(after[0]!.head.time - 27_000);
		const seen = await gstreamerDecode(path, { demuxer: gstreamerDemuxer("rtp", { track: "video" }) });
		const expected = [0, 11 * GOP].flatMap((from) => Array.from({ length: 5 * GOP }, (_, i) => from + i));
		expect(seen.counters.map(({ counter }) => counter)).toEqual(expected);
		// GStreamer tells of the hole in time, and does not look at discontinuity_indicator in PSI.
		expect(seen.warnings.filter((line) => !/GAP detected|section discontinuity/.test(line))).toEqual([]);
	});
});
