import { describe, expect, it } from "vitest";
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import type { Av1Config } from "../av1.ts";
import { flv } from "./flv.ts";
import { FlvReader } from "./reader.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/**
 * What FFmpeg 8.1 (libavformat 62.19, as npm's node-av 6.1.1 holds it) makes of five pictures of HEVC (x265, B-frames)
 * and five packets of Opus that it encoded itself: colorInfo and MultichannelConfig among its tags.
 */
const HEVC_OPUS = hex(`
	464c5601050000000900000000090000700000000000000090687663310101600000009000000000001ef000fcfdf8f800000f032000
	01001840010c01ffff01600000030090000003000003001e959009210001002742010101600000030090000003000003001ea0208105
	965644a4c2e6808000000300800000050422000100064401c073c0890000007b0800001800000000000000904f7075734f7075734865
	61640101380180bb0000000000000000230800000b00000000000000944f707573010100000004000000160900002600000000000000
	d468766331020009636f6c6f72496e666f03000b636f6c6f72436f6e6669670300000900000900000031090000180000000000000091
	687663310000c80000000c2801ac1960baa3f9e221c1dc000000230900001600006400000000a1687663310001900000000a0201d019
	5e2032403a6000000021080000120000c100000000914f70757308842782d01cfdea49fe013fc00000001d090000160000c800000000
	a1687663310000c80000000a0201e0449782032430a0000000210800001e0000d600000000914f70757308ade55d853c55c010c1c4fc
	3abbd15a8b5442e215d5d9816000000029080000150000ea00000000914f70757308a65090e4a3f881c4d48d232563d7980000002008
	0000180000fe00000000914f70757308a65a507732aa5c4bee3001b70308d5ee51d8000000230800001300011200000000914f707573
	080672e5301931755685246051480000001e0900001400012c00000000a3687663310000000b0001e024ffe890196030a00000001f09
	00001600019000000000a1687663310000c80000000a0201d0209f5880cb3a6000000021
`);
/** And of AV1 (SVT-AV1) and Opus: temporal delimiters in every tag, a picture not shown, one that is shown again. */
const AV1_OPUS = hex(`
	464c56010500000009000000000900001500000000000000906176303181000c000a0a00000002afff805f0008000000200800001800
	000000000000904f7075734f707573486561640101380180bb0000000000000000230800000b00000000000000944f70757301010000
	0004000000160800001200000000000000914f70757308842782d01cfdea49fe013fc00000001d0900002600000700000000d4617630
	31020009636f6c6f72496e666f03000b636f6c6f72436f6e66696703000009000009000000310900002a000007000000009161763031
	12000a0a00000002afff8d5f30083215140039a08b6d5960cf8002a8a91ca4ebc5f5276fb8000000350800001e00001500000000914f
	70757308ade55d853c55c010c1c4fc3abbd15a8b5442e215d5d98160000000290800001200002900000000914f707573080671439000
	29ce623a9ade400000001d0900003900006b00000000a1617630311200321c2802002492491de101a68d3433e000c000b6d8ff28756f
	65bd24358032123002040924003be00000067c000c00950021000000440900000a0000cf00000000a16176303112001a018800000015
`);

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: number[];
}

function read(bytes: Uint8Array): Seen {
	const seen: Seen = { accessUnits: [], decodes: [], starts: [] };
	const faults: string[] = [];
	const reader = new FlvReader({
		accessUnit: (accessUnit) => seen.accessUnits.push(accessUnit),
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: ({ time }) => seen.starts.push(time / 90),
		fault: ({ message }) => faults.push(message),
	});
	reader.push(bytes);
	reader.end();
	expect(faults).toEqual([]);
	return seen;
}

const inMs = ({ accessUnits }: Seen, track: string): number[][] =>
	accessUnits.filter((one) => one.track === track).map(({ pts, dts }) => [pts / 90, dts / 90]);

const sequenceHeaderOf = ({ sequenceHeader }: Av1Config): string => Buffer.from(sequenceHeader).toString("hex");

/** The whole tags of a stream behind its header, each as hexadecimal digits. */
function tagsOf(bytes: Uint8Array, from: number): string[] {
	const tags: string[] = [];
	for (let at = from; at < bytes.length; ) {
		const end = at + 11 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) + 4;
		tags.push(Buffer.from(bytes.subarray(at, end)).toString("hex"));
		at = end;
	}
	return tags;
}

function tagsWritten({ accessUnits, decodes }: Seen): string[] {
	const times = { time: accessUnits[0]!.pts, pictureDuration: ticks90k(9000), accessUnitsBefore: 0 };
	const writer = flv.openUnit({ number: 0, ...times, rendition: "only", decode: decodes.at(-1)! });
	const written = accessUnits.map((accessUnit) => writer.write(accessUnit, (length) => new Uint8Array(length)));
	return tagsOf(Buffer.concat(written), 0);
}

describe("the enhanced FLV of FFmpeg 8.1", () => {
	it("with HEVC and Opus is read: every packet at its times, composition times and all", () => {
		const seen = read(HEVC_OPUS);
		expect(seen.decodes.map(({ video, audio }) => [video?.codecString, audio?.codecString])).toEqual([
			["hvc1.1.6.L30.90", "opus"],
		]);
		expect(seen.decodes[0]).toMatchObject({
			video: { width: 64, height: 64 },
			audio: { channelCount: 1, preSkip: 312 },
		});
		expect(inMs(seen, "video")).toEqual([
			[200, 0],
			[500, 100],
			[400, 200],
			[300, 300],
			[600, 400],
		]);
		expect(inMs(seen, "audio").map(([pts]) => pts)).toEqual([193, 214, 234, 254, 274]);
		expect(seen.starts).toEqual([200]);
	});

	it("with AV1 and Opus is read: its delimiters and its sequence header are not in the data", () => {
		const seen = read(AV1_OPUS);
		// Sound comes first; and the sequence header in SVT-AV1's key picture is not quite the one in its record.
		const tracks = { video: { codec: "av1", width: 64, height: 64 }, audio: { codec: "opus", preSkip: 312 } };
		expect(seen.decodes).toMatchObject([tracks, tracks]);
		expect(seen.decodes.map(({ video }) => video?.codec === "av1" && sequenceHeaderOf(video))).toEqual([
			"0a0a00000002afff805f0008",
			"0a0a00000002afff8d5f3008",
		]);
		expect(inMs(seen, "video")).toEqual([
			[7, 7],
			[107, 107],
			[207, 207],
		]);
		expect(inMs(seen, "audio").map(([pts]) => pts)).toEqual([0, 21, 41]);
		const pictures = seen.accessUnits.filter(({ track }) => track === "video");
		expect(pictures.map(({ key }) => key)).toEqual([true, false, false]);
		expect(pictures.map(({ data }) => data[0])).toEqual([0x32, 0x32, 0x1a]);
	});

	it("is what our writer makes of the same, tag for tag, but for parameter sets in the key picture's", () => {
		const seen = read(HEVC_OPUS);
		const theirs = tagsOf(HEVC_OPUS, 13);
		const ours = tagsWritten(seen);
		const common = ours.filter((tag) => theirs.includes(tag));
		// The sequence header of Opus, five of its packets, and four pictures.
		expect(common.length).toBe(10);
		expect(ours.length).toBe(13);
		const key = seen.accessUnits.find(({ key, track }) => key && track === "video")!;
		expect(ours.filter((tag) => !common.includes(tag)).map((tag) => tag.slice(22, 32))).toEqual([
			"02000b6f6e", // onRendition
			"9068766331", // ours calls the arrays of the record complete, as hvc1 must
			"9168766331",
		]);
		expect(ours.find((tag) => tag.slice(22, 24) === "91")).toContain(Buffer.from(key.data).toString("hex"));
	});
});
