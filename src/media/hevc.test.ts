import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxOf, onlyPenstockErrors, probeVideo, tinyFile } from "../../test/kit/tiny-encodes.ts";
import { removeEmulationPrevention, splitAnnexB } from "./h264.ts";
import {
	buildHvcC,
	HEVC_NAL_AUD,
	HEVC_NAL_PPS,
	HEVC_NAL_SPS,
	HEVC_NAL_VPS,
	hevcConfig,
	hevcNalType,
	hevcSetId,
	isHevcIdr,
	parseHvcC,
} from "./hevc.ts";

/** Of x265 3.5, 322 × 182, through FFmpeg 5.1; without the array of its SEI message. */
const RECORD = Buffer.from(
	"0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a1000100" +
		"2a42010101600000030090000003000003003ca00a480b9c9596566924caf0168080000003008000000c84a2000100074401c172b46240",
	"hex",
);

describe("the HEVC configuration record", () => {
	it.each([
		{ size: "322x182", pixels: "yuv420p", x265: "", codecString: /^hvc1\.1\.6\.L60\.90$/, profile: "Main" },
		{ size: "640x360", pixels: "yuv420p10le", x265: "", codecString: /^hvc1\.2\.4\.L63\.90$/, profile: "Main 10" },
		{ size: "198x130", pixels: "yuv422p", x265: "", codecString: /^hvc1\.4\.10\.L30\./, profile: "Rext" },
		{ size: "130x98", pixels: "yuv444p", x265: ":aud=1", codecString: /^hvc1\.4\.10\.L30\./, profile: "Rext" },
		{
			size: "256x144",
			pixels: "yuv420p",
			x265: ":level-idc=4.1:high-tier=1:vbv-maxrate=30000:vbv-bufsize=30000",
			codecString: /^hvc1\.1\.6\.H123\.90$/,
			profile: "Main",
		},
	])("of x265, $size $pixels $x265, is read as ffprobe reads it and built again as FFmpeg did", async (made) => {
		const { size, pixels, x265, codecString, profile } = made;
		const encoder = ["-pix_fmt", pixels, "-c:v", "libx265", "-preset", "ultrafast"];
		const file = await tinyFile("mp4", size, [...encoder, "-x265-params", `log-level=none${x265}`, "-tag:v", "hvc1"]);
		const record = boxOf(file, "hvcC");
		const config = parseHvcC(record);
		const probed = await probeVideo(file);
		expect(probed).toMatchObject({ codec_name: "hevc", profile });
		expect(`${config.width}x${config.height}`).toBe(size);
		expect([config.width, config.height]).toEqual([probed.width, probed.height]);
		expect(config.codecString).toMatch(codecString);
		expect(Number(/[LH](\d+)/.exec(config.codecString)![1])).toBe(probed.level);
		// FFmpeg adds an array for x265's SEI message: one array more, behind ours.
		const ours = Buffer.from(buildHvcC(config));
		expect([ours[22], record[22]]).toEqual([3, 4]);
		record[22] = 3;
		expect(ours.toString("hex")).toBe(record.subarray(0, ours.length).toString("hex"));
		expect(parseHvcC(ours)).toEqual(config);
	});

	it("tells the kinds of NAL units of a stream apart", async () => {
		const x265 = ["-x265-params", "log-level=none:keyint=3:min-keyint=3:bframes=0:open-gop=0:repeat-headers=1:aud=1"];
		const file = await tinyFile("hevc", "192x128", ["-c:v", "libx265", "-preset", "ultrafast", ...x265]);
		const nals = splitAnnexB(file);
		const count = (type: number): number => nals.filter((nal) => hevcNalType(nal) === type).length;
		expect([HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS, HEVC_NAL_AUD].map(count)).toEqual([2, 2, 2, 6]);
		expect(nals.filter(isHevcIdr).length).toBe(2);
		const sets = nals.filter((nal) => [HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS].includes(hevcNalType(nal)));
		expect(sets.map(hevcSetId)).toEqual([0, 0, 0, 0, 0, 0]);
	});

	it("copies the sets out of the record, and passes over other arrays", () => {
		const config = parseHvcC(RECORD);
		const sei = Uint8Array.of(39, 0, 1, 0, 3, 0x4e, 1, 5);
		const more = Uint8Array.from([...RECORD.subarray(0, 22), 4, ...sei, ...RECORD.subarray(23)]);
		const again = parseHvcC(more);
		more.fill(0);
		expect(again).toEqual(config);
		expect(config).toMatchObject({ width: 322, height: 182 });
	});

	it("that is cut anywhere, or has lengths of two bytes, is refused", () => {
		for (let length = 0; length < RECORD.length; length++) {
			expect(() => parseHvcC(RECORD.subarray(0, length)), `${length} bytes`).toThrow(/^STREAM_UNSUPPORTED: /);
		}
		const twoBytes = Uint8Array.from(RECORD);
		twoBytes[21]! &= 0xfd;
		expect(() => parseHvcC(twoBytes)).toThrow(/^STREAM_UNSUPPORTED: NAL lengths of 2 bytes/);
	});

	it("needs all three kinds of sets", () => {
		const { vps, sps, pps } = parseHvcC(RECORD);
		expect(() => hevcConfig([], sps, pps)).toThrow(/HEVC with 0 VPS, 1 SPS and 1 PPS/);
		expect(() => hevcConfig(vps, [], pps)).toThrow(/HEVC with 1 VPS, 0 SPS and 1 PPS/);
		expect(() => hevcConfig(vps, sps, [])).toThrow(/HEVC with 1 VPS, 1 SPS and 0 PPS/);
	});

	it("with any bits changed throws nothing but STREAM_UNSUPPORTED", () => {
		const change = fc.array(fc.tuple(fc.nat(RECORD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
		fc.assert(
			fc.property(change, fc.nat(RECORD.length), (changes, length) => {
				const broken = Uint8Array.from(RECORD);
				for (const [at, value] of changes) broken[at] = value;
				onlyPenstockErrors(() => buildHvcC(parseHvcC(broken)));
				onlyPenstockErrors(() => parseHvcC(broken.subarray(0, length)));
			}),
			{ numRuns: 3_000 },
		);
	});
});

describe("an SPS of HEVC", () => {
	it("with sub-layers that have profiles and levels of their own is read past them", () => {
		// The SPS of RECORD with two sub-layers put in: 88 bits of profile and 8 of level for the first, 8 for the second.
		const plain = removeEmulationPrevention(parseHvcC(RECORD).sps[0]!);
		const layered = [...plain.subarray(0, 2), 0x05, ...plain.subarray(3, 15), 0xd0, 0x00];
		layered.push(...new Array<number>(11).fill(0x11), 60, 60, ...plain.subarray(15));
		const [vps, pps] = [parseHvcC(RECORD).vps, parseHvcC(RECORD).pps];
		const config = hevcConfig(vps, [escaped(layered)], pps);
		expect(config).toMatchObject({ width: 322, height: 182, codecString: "hvc1.1.6.L60.90" });
		expect(buildHvcC(config)[21]).toBe(0x1f); // three temporal layers, nested
	});
});

/** With emulation prevention bytes put in (ITU-T H.265 clause 7.4.2). */
function escaped(bytes: readonly number[]): Uint8Array {
	const out: number[] = [];
	for (const byte of bytes) {
		if (byte <= 3 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
		out.push(byte);
	}
	return Uint8Array.from(out);
}
