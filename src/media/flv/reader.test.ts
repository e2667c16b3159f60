import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PenstockError } from "../../base/errors.ts";
import { joinLengthPrefixed, parseAvcC, splitLengthPrefixed } from "../h264.ts";
import { type FlvEvent, FlvReader } from "./reader.ts";

// From x264: 320×180 and 160×90, Main profile.
const AVC_320 = bytesOf("014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80");
const AVC_160 = bytesOf("014d400bffe10016674d400bda0a37e4c04400000fa40003a9823c50aa8001000468ef3c80").subarray();
const AAC_48K = Uint8Array.of(0x11, 0x90);
const AUD = Uint8Array.of(9, 0xf0);
const IDR = Uint8Array.of(0x65, 1, 2, 3);
const SLICE = Uint8Array.of(0x41, 4, 5);
const SEI = Uint8Array.of(6, 5, 1, 0, 0x80);

const FILE_HEADER = Uint8Array.of(0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0);

function bytesOf(hex: string): Uint8Array {
	return Uint8Array.from(hex.match(/../g)!.map((pair) => Number.parseInt(pair, 16)));
}

function tag(type: number, timeMs: number, body: Uint8Array): Uint8Array {
	const size = body.length + 11;
	const header = [type, body.length >> 16, body.length >> 8, body.length, timeMs >> 16, timeMs >> 8, timeMs];
	const trailer = [size >> 24, size >> 16, size >> 8, size];
	return Uint8Array.from([...header, (timeMs / 2 ** 24) & 0x7f, 0, 0, 0, ...body, ...trailer]);
}

const sequenceHeader = (record: Uint8Array): Uint8Array => tag(9, 0, Uint8Array.of(0x17, 0, 0, 0, 0, ...record));
const audioHeader = (): Uint8Array => tag(8, 0, Uint8Array.of(0xaf, 0, ...AAC_48K));
const audioTag = (timeMs: number, raw: Uint8Array): Uint8Array => tag(8, timeMs, Uint8Array.of(0xaf, 1, ...raw));

function picture(
	timeMs: number,
	nals: readonly Uint8Array[],
	options = { flvKey: false, compositionMs: 0 },
): Uint8Array {
	const { flvKey, compositionMs: c } = options;
	const head = [flvKey ? 0x17 : 0x27, 1, (c >> 16) & 0xff, (c >> 8) & 0xff, c & 0xff];
	return tag(9, timeMs, Uint8Array.from([...head, ...joinLengthPrefixed(nals)]));
}

const stream = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from([FILE_HEADER, ...parts].flatMap((p) => [...p]));

function read(data: Uint8Array, cuts: readonly number[] = []): FlvEvent[] {
	const events: FlvEvent[] = [];
	const reader = new FlvReader((event) => events.push(event));
	let from = 0;
	for (const cut of [...cuts, data.length].sort((a, b) => a - b)) {
		// A copy that is wiped afterwards: a reader that keeps a view of its input is caught.
		const piece = data.slice(from, cut);
		reader.push(piece);
		piece.fill(0xee);
		from = cut;
	}
	return events;
}

const accessUnits = (events: readonly FlvEvent[]) => events.filter((event) => event.kind === "access-unit");

const failure = (act: () => unknown): PenstockError => {
	try {
		act();
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(PenstockError);
		return thrown as PenstockError;
	}
	throw new Error("nothing was thrown");
};

describe("reading FLV", () => {
	it("gives configurations and access units in the order of the stream, script tags left out", () => {
		const events = read(
			stream(
				tag(18, 0, Uint8Array.of(2, 0, 0)),
				sequenceHeader(AVC_320),
				audioHeader(),
				picture(40, [IDR], { flvKey: true, compositionMs: 0 }),
				audioTag(43, Uint8Array.of(0x21, 7)),
				tag(9, 50, Uint8Array.of(0x17, 2, 0, 0, 0)),
			),
		);
		expect(events.map((event) => event.kind)).toEqual([
			"video-config",
			"audio-config",
			"access-unit",
			"access-unit",
			"video-end",
		]);
		expect(events[0]).toMatchObject({ config: { width: 320, height: 180, codecString: "avc1.4d400d" } });
		expect(events[1]).toMatchObject({ config: { sampleRateHz: 48_000, channelCount: 2 } });
		const [video, audio] = accessUnits(events);
		expect(video!.accessUnit).toEqual({
			track: "video",
			pts: 3600,
			dts: 3600,
			key: true,
			data: joinLengthPrefixed([IDR]),
		});
		expect(audio!.accessUnit).toEqual({
			track: "audio",
			pts: 3870,
			dts: 3870,
			key: true,
			data: Uint8Array.of(0x21, 7),
		});
	});

	it("takes delimiters and known parameter sets out and keeps everything else, byte for byte", () => {
		const { sps, pps } = parseAvcC(AVC_320);
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [AUD, ...sps, ...pps, SEI, IDR, IDR])));
		expect(events).toHaveLength(2);
		expect(splitLengthPrefixed(accessUnits(events)[0]!.accessUnit.data)).toEqual([SEI, IDR, IDR]);
	});

	it("tells a new configuration before the key picture that brought it in-band", () => {
		const { sps, pps } = parseAvcC(AVC_160);
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [IDR]), picture(40, [...sps, ...pps, IDR])));
		expect(events.map((event) => event.kind)).toEqual(["video-config", "access-unit", "video-config", "access-unit"]);
		expect(events[2]).toMatchObject({ config: { width: 160, height: 90 } });
	});

	it("says a repeated sequence header once and a changed one again", () => {
		const events = read(stream(...[AVC_320, AVC_320, AVC_160, AVC_320].map(sequenceHeader)));
		expect(events.map((event) => event.kind === "video-config" && event.config.width)).toEqual([320, 160, 320]);
	});

	it("calls a picture without IDR slice no key, and still shows that FLV called it one", () => {
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [SEI, SLICE], { flvKey: true, compositionMs: 0 })));
		expect(accessUnits(events)).toMatchObject([{ flvKeyFrame: true, accessUnit: { key: false } }]);
	});

	it("reads composition times of both signs", () => {
		const times = [80, 0, -40].map((compositionMs) => picture(1000, [SLICE], { flvKey: false, compositionMs }));
		const units = accessUnits(read(stream(sequenceHeader(AVC_320), ...times))).map((event) => event.accessUnit);
		expect(units.map(({ pts, dts }) => [pts, dts])).toEqual([
			[97_200, 90_000],
			[90_000, 90_000],
			[86_400, 90_000],
		]);
	});

	it("runs on past 2^31 ms, where FFmpeg's time stamps begin again at 0", () => {
		const last = 2 ** 31 - 10;
		const events = read(stream(sequenceHeader(AVC_320), picture(last, [IDR]), picture(30, [SLICE])));
		expect(accessUnits(events).map((event) => event.accessUnit.dts / 90)).toEqual([last, 2 ** 31 + 30]);
	});

	it("gives the same for every way to cut the input", () => {
		const nal = fc
			.tuple(fc.constantFrom(0x65, 0x41, 0x06, 0x09), fc.uint8Array({ maxLength: 300 }))
			.map(([head, rest]) => Uint8Array.of(head, ...rest));
		const anyTag = fc.oneof(
			fc.tuple(fc.nat(2 ** 30), fc.array(nal, { maxLength: 4 })).map(([time, nals]) => picture(time, nals)),
			fc.tuple(fc.nat(2 ** 30), fc.uint8Array({ maxLength: 300 })).map(([time, raw]) => audioTag(time, raw)),
			fc.uint8Array({ maxLength: 50 }).map((body) => tag(18, 0, body)),
			fc.constantFrom(sequenceHeader(AVC_160), sequenceHeader(AVC_320), tag(9, 0, new Uint8Array(0))),
		);
		fc.assert(
			fc.property(fc.array(anyTag, { maxLength: 12 }), fc.array(fc.nat(8000), { maxLength: 40 }), (tags, cuts) => {
				const data = stream(sequenceHeader(AVC_320), audioHeader(), ...tags);
				const inside = cuts.map((cut) => cut % data.length);
				expect(read(data, inside)).toEqual(read(data));
			}),
			{ numRuns: 200 },
		);
	});

	it("read byte by byte it is the same as read whole", () => {
		const data = stream(sequenceHeader(AVC_320), audioHeader(), picture(0, [AUD, SEI, IDR]), audioTag(20, IDR));
		expect(read(data, [...data.keys()])).toEqual(read(data));
	});
});

describe("bytes that are not FLV", () => {
	const good = stream(sequenceHeader(AVC_320));
	const refusal = (data: Uint8Array): string => failure(() => read(data)).message;

	it.each<[string, Uint8Array, RegExp]>([
		["another magic", Uint8Array.of(...good).fill(0x47, 0, 1), /FLV_SYNTAX: .*byte 0 must begin/],
		["a tag of unknown type", Uint8Array.of(...good, 7, ...new Uint8Array(10)), /FLV_SYNTAX: .*byte 70 has tag type 7/],
		["a wrong tag size", stream(tag(18, 0, Uint8Array.of(1)).fill(9, 12)), /byte 25 says that the tag before had/],
		["a picture before its header", stream(picture(0, [IDR])), /FLV_SYNTAX: .*before its AVC sequence header/],
		["an AAC frame before its header", stream(audioTag(0, IDR)), /FLV_SYNTAX: .*before its AAC sequence header/],
		["MP3", stream(tag(8, 0, Uint8Array.of(0x2f, 1, 2))), /STREAM_UNSUPPORTED: .*SoundFormat 2/],
		["HEVC", stream(tag(9, 0, Uint8Array.of(0x1c, 1, 0, 0, 0))), /STREAM_UNSUPPORTED: .*0x1c/],
	])("%s is refused with the place and what was found", (_, data, message) => {
		expect(refusal(data)).toMatch(message);
	});

	it("a tag over 16 MiB is refused at its header, before its memory is taken", () => {
		const header = Uint8Array.of(9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0);
		expect(refusal(Uint8Array.of(...FILE_HEADER, ...header))).toMatch(/a tag of 16777215 bytes/);
	});

	it("a spent reader throws its first failure again", () => {
		const reader = new FlvReader(() => {});
		const first = failure(() => reader.push(new Uint8Array(13)));
		expect(failure(() => reader.push(good))).toBe(first);
	});

	it("any bytes end in events or in a PenstockError, never in another error", () => {
		fc.assert(
			fc.property(
				fc.uint8Array({ maxLength: 400 }),
				fc.nat(500),
				fc.uint8Array({ maxLength: 8 }),
				(tail, at, patch) => {
					const whole = stream(sequenceHeader(AVC_320), audioHeader(), picture(0, [SEI, IDR]), audioTag(3, IDR));
					const data = Uint8Array.of(...whole, ...tail);
					data.set(patch, Math.min(at, data.length - patch.length));
					try {
						read(data);
					} catch (thrown) {
						expect(thrown).toBeInstanceOf(PenstockError);
					}
				},
			),
			{ numRuns: 1000 },
		);
	});
});
