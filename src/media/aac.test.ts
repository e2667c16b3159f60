import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runToEnd } from "../../test/kit/processes.ts";
import { PenstockError } from "../base/errors.ts";
import { AAC_FRAME_SAMPLES, ADTS_HEADER_BYTES, parseAudioSpecificConfig, splitAdts, writeAdtsHeader } from "./aac.ts";

/** A second of a sine from FFmpeg's AAC encoder, with ADTS headers. */
async function encode(sampleRateHz: number, channelCount: number): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	const args = ["-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine=d=1", "-ar", `${sampleRateHz}`];
	args.push("-ac", `${channelCount}`, "-c:a", "aac", "-f", "adts", "pipe:1");
	const ended = await runToEnd("ffmpeg", args, { onStdout: (bytes) => parts.push(bytes) });
	expect(ended.stderr).toBe("");
	return Buffer.concat(parts);
}

/** A specific configuration of AAC-LC: five bits of object type, four of rate, four of channels. */
const specificConfig = (frequencyIndex: number, channels: number, objectType = 2): Uint8Array =>
	Uint8Array.of((objectType << 3) | (frequencyIndex >> 1), ((frequencyIndex & 1) << 7) | (channels << 3));

function onlyPenstockErrors(parse: () => unknown): void {
	try {
		parse();
	} catch (error) {
		if (!(error instanceof PenstockError)) throw error;
		expect(error.code).toBe("STREAM_UNSUPPORTED");
	}
}

describe("AudioSpecificConfig", () => {
	it.each([
		["48 kHz stereo", [0x11, 0x90], 2, 48_000, 2, "mp4a.40.2"],
		["48 kHz mono", [0x11, 0x88], 2, 48_000, 1, "mp4a.40.2"],
		["44.1 kHz stereo, with extensions behind", [0x12, 0x10, 0x56, 0xe5, 0x00], 2, 44_100, 2, "mp4a.40.2"],
		["48 kHz 7.1", [0x11, 0xb8], 2, 48_000, 8, "mp4a.40.2"],
		["HE-AAC, said outright", [0x2b, 0x92, 0x08, 0x00], 5, 22_050, 2, "mp4a.40.5"],
		["48 kHz with its rate written out", [0x17, 0x80, 0x5d, 0xc0, 0x10], 2, 48_000, 2, "mp4a.40.2"],
	])("of %s is read", (_what, bytes, objectType, sampleRateHz, channelCount, codecString) => {
		const record = Uint8Array.from(bytes);
		const config = parseAudioSpecificConfig(record);
		expect(config).toEqual({
			codec: "aac",
			specificConfig: record,
			objectType,
			sampleRateHz,
			channelCount,
			codecString,
		});
		record.fill(0);
		expect(config.specificConfig).not.toEqual(record);
	});

	it.each([
		["without bytes", []],
		["of one byte", [0x11]],
		["with a reserved rate", [0x16, 0x90]],
		["with channels told elsewhere", [0x11, 0x80]],
		["with a rate that ADTS cannot say", [0x17, 0x80, 0x5d, 0xc1, 0x10]],
	])("%s is refused", (_what, bytes) => {
		expect(() => parseAudioSpecificConfig(Uint8Array.from(bytes))).toThrow(/^STREAM_UNSUPPORTED: AAC with object type/);
	});

	it("of any bytes throws nothing but STREAM_UNSUPPORTED", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) =>
				onlyPenstockErrors(() => parseAudioSpecificConfig(bytes)),
			),
			{ numRuns: 2_000 },
		);
	});
});

describe("ADTS", () => {
	it.each([
		[48_000, 2],
		[44_100, 1],
		[22_050, 2],
		[48_000, 6],
	])(
		"of FFmpeg at %d Hz with %d channel(s) is split, and written again byte for byte",
		async (sampleRateHz, channelCount) => {
			const stream = await encode(sampleRateHz, channelCount);
			const frames = splitAdts(stream);
			expect(frames.length).toBeGreaterThanOrEqual(Math.floor(sampleRateHz / AAC_FRAME_SAMPLES));
			const again = frames.map(({ config, raw }) => {
				expect(config).toMatchObject({ objectType: 2, sampleRateHz, channelCount });
				const frame = Buffer.alloc(ADTS_HEADER_BYTES + raw.length);
				writeAdtsHeader(frame, 0, config, raw.length);
				frame.set(raw, ADTS_HEADER_BYTES);
				return frame;
			});
			expect(Buffer.concat(again).equals(stream)).toBe(true);
		},
	);

	it("gives back any frames, of every rate and channel layout", () => {
		const frame = fc.record({
			frequencyIndex: fc.nat(12),
			channels: fc.integer({ min: 1, max: 7 }),
			length: fc.oneof(fc.nat(400), fc.constant(8_184)),
		});
		fc.assert(
			fc.property(fc.array(frame, { maxLength: 6 }), (wanted) => {
				const configs = wanted.map(({ frequencyIndex, channels }) =>
					parseAudioSpecificConfig(specificConfig(frequencyIndex, channels)),
				);
				const stream = Buffer.concat(
					wanted.map(({ length }, index) => {
						const bytes = Buffer.alloc(ADTS_HEADER_BYTES + length, index + 1);
						writeAdtsHeader(bytes, 0, configs[index]!, length);
						return bytes;
					}),
				);
				const frames = splitAdts(stream);
				expect(frames.map(({ raw }) => raw.length)).toEqual(wanted.map(({ length }) => length));
				expect(frames.map(({ config }) => config)).toEqual(configs);
			}),
		);
	});

	it("with a CRC leaves it out of the frame", () => {
		const config = parseAudioSpecificConfig(specificConfig(3, 2));
		const frame = new Uint8Array(9 + 3);
		writeAdtsHeader(frame, 0, config, 5);
		frame[1]! &= 0xfe; // protection_absent = 0: two bytes of CRC follow the header
		frame.set([1, 2, 3], 9);
		expect([...splitAdts(frame)[0]!.raw]).toEqual([1, 2, 3]);
	});

	it("that is cut or out of step is refused with the place", () => {
		const config = parseAudioSpecificConfig(specificConfig(3, 2));
		const frame = new Uint8Array(ADTS_HEADER_BYTES + 10);
		writeAdtsHeader(frame, 0, config, 10);
		const two = Buffer.concat([frame, frame]);
		for (let length = 18; length < two.length; length++) {
			expect(() => splitAdts(two.subarray(0, length))).toThrow(/^STREAM_UNSUPPORTED: no whole ADTS frame at byte 17 /);
		}
		expect(() => splitAdts(two.subarray(1))).toThrow(/at byte 0 of a PES packet of 33 bytes/);
		expect(splitAdts(new Uint8Array())).toEqual([]);
	});

	it("of any bytes throws nothing but STREAM_UNSUPPORTED", () => {
		const rubbish = fc.uint8Array({ maxLength: 60 });
		fc.assert(
			fc.property(rubbish, fc.boolean(), (bytes, inSync) => {
				const stream = inSync ? Uint8Array.of(0xff, 0xf1, ...bytes) : bytes;
				onlyPenstockErrors(() => splitAdts(stream));
			}),
			{ numRuns: 2_000 },
		);
	});
});
