import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxOf, onlyPenstockErrors, tinySound } from "../../test/kit/tiny-encodes.ts";
import { audioFrameSamples } from "./audio.ts";
import {
	buildDOps,
	buildOpusHead,
	OPUS_MOST_PACKET_SAMPLES,
	type OpusConfig,
	opusPacketSamples,
	parseDOps,
	parseOpusHead,
} from "./opus.ts";

const STEREO: OpusConfig = {
	codec: "opus",
	sampleRateHz: 48_000,
	channelCount: 2,
	preSkip: 312,
	inputSampleRateHz: 44_100,
	mappingFamily: 0,
	codecString: "opus",
};

describe("the identification header of Opus", () => {
	it.each([1, 2, 6])(
		"of libopus with %i channel(s) is read from MP4 and Ogg, and built again byte for byte",
		async (channels) => {
			const encoder = ["-c:a", "libopus", "-ac", String(channels), ...(channels > 2 ? ["-mapping_family", "1"] : [])];
			const dOps = boxOf(await tinySound("mp4", encoder), "dOps");
			const ogg = await tinySound("ogg", encoder);
			const at = ogg.indexOf("OpusHead", 0, "latin1");
			const head = ogg.subarray(at, at + dOps.length + 8);
			const config = parseDOps(dOps);
			expect(config).toMatchObject({ codec: "opus", sampleRateHz: 48_000, channelCount: channels, preSkip: 312 });
			expect(config.streams?.count).toBe(channels > 2 ? 4 : undefined);
			expect(Buffer.from(buildDOps(config)).toString("hex")).toBe(dOps.toString("hex"));
			expect(parseOpusHead(head)).toEqual(config);
			expect(Buffer.from(buildOpusHead(config)).toString("hex")).toBe(head.toString("hex"));
		},
	);

	it("is read as it was built, whatever it says, in both forms", () => {
		const plain = fc.record({ channelCount: fc.integer({ min: 1, max: 2 }), mappingFamily: fc.constant(0) });
		const mapped = fc.integer({ min: 1, max: 8 }).chain((channelCount) =>
			fc.record({
				channelCount: fc.constant(channelCount),
				mappingFamily: fc.integer({ min: 1, max: 255 }),
				streams: fc.record({
					count: fc.integer({ min: 4, max: 8 }),
					coupled: fc.nat(4),
					mapping: fc.uint8Array({ minLength: channelCount, maxLength: channelCount }),
				}),
			}),
		);
		const times = fc.record({ preSkip: fc.nat(65_535), inputSampleRateHz: fc.nat(2 ** 32 - 1) });
		fc.assert(
			fc.property(fc.oneof(plain, mapped), times, (layout, time) => {
				const config: OpusConfig = { ...STEREO, ...layout, ...time };
				expect(parseOpusHead(buildOpusHead(config))).toEqual(config);
				expect(parseDOps(buildDOps(config))).toEqual(config);
			}),
		);
	});

	it("that is cut, of another version, or has three channels in one stream is refused", () => {
		const head = buildOpusHead(STEREO);
		const dOps = buildDOps(STEREO);
		for (let length = 0; length < head.length; length++)
			expect(() => parseOpusHead(head.subarray(0, length))).toThrow(/^STREAM_UNSUPPORTED: OpusHead of/);
		for (let length = 0; length < dOps.length; length++)
			expect(() => parseDOps(dOps.subarray(0, length))).toThrow(/^STREAM_UNSUPPORTED: dOps of/);
		expect(() => parseOpusHead(Uint8Array.from(head).fill(0x11, 8, 9))).toThrow(/^STREAM_UNSUPPORTED/);
		expect(() => parseDOps(Uint8Array.from(dOps).fill(3, 1, 2))).toThrow(/^STREAM_UNSUPPORTED/);
		expect(() => parseDOps(Uint8Array.from(dOps).fill(1, 10, 11))).toThrow(/^STREAM_UNSUPPORTED/);
	});

	it("of any bytes throws nothing but STREAM_UNSUPPORTED", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
				onlyPenstockErrors(() => parseOpusHead(Uint8Array.from([...buildOpusHead(STEREO).subarray(0, 8), ...bytes])));
				onlyPenstockErrors(() => parseDOps(bytes));
			}),
			{ numRuns: 2_000 },
		);
	});
});

describe("how long a packet of Opus plays", () => {
	it.each([
		["SILK, 60 ms", [3 << 3, 0], 2880],
		["SILK, 10 ms", [8 << 3, 0], 480],
		["hybrid, 20 ms", [13 << 3, 0], 960],
		["CELT, 2.5 ms", [16 << 3, 0], 120],
		["CELT, 20 ms", [31 << 3, 0], 960],
		["two frames of one size", [(31 << 3) | 1, 1, 1], 1920],
		["two frames of one size, which are not", [(31 << 3) | 1, 1, 1, 1], 0],
		["two frames, the first of 1 byte", [(31 << 3) | 2, 1, 9], 1920],
		["two frames, the first of 256 bytes that are not there", [(31 << 3) | 2, 252, 1, 0], 0],
		["two frames without a length", [(31 << 3) | 2], 0],
		["three frames", [(31 << 3) | 3, 3], 2880],
		["48 frames of 2.5 ms: the most", [(16 << 3) | 3, 48], OPUS_MOST_PACKET_SAMPLES],
		["49 frames of 2.5 ms: too many", [(16 << 3) | 3, 49], 0],
		["no frames", [(16 << 3) | 3, 0], 0],
		["frames that are not counted", [(16 << 3) | 3], 0],
		["nothing at all", [], 0],
	])("%s", (_, packet, samples) => {
		expect(opusPacketSamples(Uint8Array.from(packet))).toBe(samples);
		expect(audioFrameSamples(STEREO, Uint8Array.from(packet))).toBe(samples);
	});
});
