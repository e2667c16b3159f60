import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AudioConfig, DecodeInformation, VideoConfig } from "../access-unit.ts";
import { joinLengthPrefixed, parseAvcC, splitLengthPrefixed } from "../h264.ts";
import type { UnitStart } from "../stream-reader.ts";
import { scriptCall } from "./amf0.ts";
import { FLV_MAX_TAG_BYTES, FlvReader, type FlvSink } from "./reader.ts";

// From x264: 320×180 and 160×90, Main profile.
const AVC_320 = bytesOf("014d400dffe10016674d400dda05067e7c04400000fa40003a9823c50aa801000468ef3c80");
const AVC_160 = bytesOf("014d400bffe10016674d400bda0a37e4c04400000fa40003a9823c50aa8001000468ef3c80").subarray();
const AAC_48K = Uint8Array.of(0x11, 0x90);
const AAC_44K = Uint8Array.of(0x12, 0x10);
const AUD = Uint8Array.of(9, 0xf0);
const IDR = Uint8Array.of(0x65, 1, 2, 3);
const SLICE = Uint8Array.of(0x41, 4, 5);
const SEI = Uint8Array.of(6, 5, 1, 0, 0x80);

const fileHeader = (flags = 5): Uint8Array => Uint8Array.of(0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0);

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
const audioHeader = (config = AAC_48K): Uint8Array => tag(8, 0, Uint8Array.of(0xaf, 0, ...config));
const audioTag = (timeMs: number, raw: Uint8Array): Uint8Array => tag(8, timeMs, Uint8Array.of(0xaf, 1, ...raw));
const unitTag = (rendition: string | number, number: number): Uint8Array =>
	tag(18, 0, scriptCall("onRendition", { rendition, number, width: 320 }, "object"));

function picture(
	timeMs: number,
	nals: readonly Uint8Array[],
	options = { flvKey: false, compositionMs: 0 },
): Uint8Array {
	const { flvKey, compositionMs: c } = options;
	const head = [flvKey ? 0x17 : 0x27, 1, (c >> 16) & 0xff, (c >> 8) & 0xff, c & 0xff];
	return tag(9, timeMs, Uint8Array.from([...head, ...joinLengthPrefixed(nals)]));
}

const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const stream = (...parts: Uint8Array[]): Uint8Array => joined(fileHeader(), ...parts);

type Event =
	| { readonly kind: "configuration"; readonly config: VideoConfig | AudioConfig }
	| { readonly kind: "decode"; readonly decode: DecodeInformation }
	| { readonly kind: "unit"; readonly unit: UnitStart }
	| {
			readonly kind: "access-unit";
			readonly accessUnit: Parameters<FlvSink["accessUnit"]>[0];
			readonly flvKey: boolean;
	  }
	| { readonly kind: "fault"; readonly message: string };

function read(data: Uint8Array, cuts: readonly number[] = []): Event[] {
	const events: Event[] = [];
	const reader = new FlvReader({
		configuration: ({ video, audio }) => events.push({ kind: "configuration", config: (video ?? audio)! }),
		decodeInformation: (decode) => events.push({ kind: "decode", decode }),
		unitStart: (unit) => events.push({ kind: "unit", unit }),
		accessUnit: (accessUnit, flvKey) => events.push({ kind: "access-unit", accessUnit, flvKey }),
		fault: ({ message }) => events.push({ kind: "fault", message }),
	});
	let from = 0;
	for (const cut of [...cuts, data.length].sort((a, b) => a - b)) {
		// A copy that is wiped afterwards: a reader that keeps a view of its input is caught.
		const piece = data.slice(from, cut);
		reader.push(piece);
		piece.fill(0xee);
		from = cut;
	}
	reader.end();
	expect(reader.heldBytes).toBe(0);
	expect(reader.faults).toBe(events.filter(({ kind }) => kind === "fault").length);
	return events;
}

const of = <Kind extends Event["kind"]>(kind: Kind, events: readonly Event[]): Extract<Event, { kind: Kind }>[] =>
	events.filter((event): event is Extract<Event, { kind: Kind }> => event.kind === kind);
const kinds = (events: readonly Event[]): string[] => events.map(({ kind }) => kind);
const accessUnits = (events: readonly Event[]) => of("access-unit", events).map(({ accessUnit }) => accessUnit);
const units = (events: readonly Event[]) => of("unit", events).map(({ unit }) => unit);
const faults = (events: readonly Event[]) => of("fault", events).map(({ message }) => message);

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
		const [first, second] = of("configuration", events);
		expect(first).toMatchObject({ config: { width: 320, height: 180, codecString: "avc1.4d400d" } });
		expect(second).toMatchObject({ config: { sampleRateHz: 48_000, channelCount: 2 } });
		expect(kinds(events)).toEqual(["configuration", "configuration", "decode", "unit", "access-unit", "access-unit"]);
		expect(of("decode", events)[0]!.decode).toEqual({ video: first!.config, audio: second!.config });
		expect(accessUnits(events)).toEqual([
			{ track: "video", pts: 3600, dts: 3600, key: true, data: joinLengthPrefixed([IDR]) },
			{ track: "audio", pts: 3870, dts: 3870, key: true, data: Uint8Array.of(0x21, 7) },
		]);
	});

	it("takes delimiters and known parameter sets out and keeps everything else, byte for byte", () => {
		const { sps, pps } = parseAvcC(AVC_320);
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [AUD, ...sps, ...pps, SEI, IDR, IDR])));
		expect(accessUnits(events)).toHaveLength(1);
		expect(splitLengthPrefixed(accessUnits(events)[0]!.data)).toEqual([SEI, IDR, IDR]);
	});

	it("tells a new configuration before the key picture that brought it in-band", () => {
		const { sps, pps } = parseAvcC(AVC_160);
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [IDR]), picture(40, [...sps, ...pps, IDR])));
		expect(kinds(events.slice(-4))).toEqual(["configuration", "decode", "unit", "access-unit"]);
		expect(events.at(-4)).toMatchObject({ config: { width: 160, height: 90 } });
	});

	it("begins without a sequence header where a key picture brings its parameter sets", () => {
		const { sps, pps } = parseAvcC(AVC_160);
		const events = read(joined(picture(0, [SLICE]), picture(40, [...sps, ...pps, IDR]), picture(80, [SLICE])));
		expect(accessUnits(events).map(({ dts }) => dts / 90)).toEqual([40, 80]);
		expect(faults(events)).toEqual([
			expect.stringMatching(/video tag at byte 0 is a picture before its sequence header/),
		]);
	});

	it("says a repeated sequence header once and a changed one again", () => {
		const events = read(stream(...[AVC_320, AVC_320, AVC_160, AVC_320].map(sequenceHeader)));
		expect(of("configuration", events).map(({ config }) => config)).toMatchObject(
			[320, 160, 320].map((width) => ({ width })),
		);
	});

	it("calls a picture without IDR slice no key, and still shows that FLV called it one", () => {
		const events = read(stream(sequenceHeader(AVC_320), picture(0, [SEI, SLICE], { flvKey: true, compositionMs: 0 })));
		expect(of("access-unit", events)).toMatchObject([{ flvKey: true, accessUnit: { key: false } }]);
		expect(units(events)).toEqual([]);
	});

	it("reads composition times of both signs", () => {
		const times = [80, 0, -40].map((compositionMs) => picture(1000, [SLICE], { flvKey: false, compositionMs }));
		const found = accessUnits(read(stream(sequenceHeader(AVC_320), ...times)));
		expect(found.map(({ pts, dts }) => [pts, dts])).toEqual([
			[97_200, 90_000],
			[90_000, 90_000],
			[86_400, 90_000],
		]);
	});

	it("runs on past 2^31 ms, where FFmpeg's time stamps begin again at 0", () => {
		const last = 2 ** 31 - 10;
		const events = read(stream(sequenceHeader(AVC_320), picture(last, [IDR]), picture(30, [SLICE])));
		expect(accessUnits(events).map(({ dts }) => dts / 90)).toEqual([last, 2 ** 31 + 30]);
	});

	it("gives the same for every way to cut the input, whole or broken", () => {
		const nal = fc
			.tuple(fc.constantFrom(0x65, 0x41, 0x06, 0x09), fc.uint8Array({ maxLength: 300 }))
			.map(([head, rest]) => Uint8Array.of(head, ...rest));
		const anyTag = fc.oneof(
			fc.tuple(fc.nat(2 ** 30), fc.array(nal, { maxLength: 4 })).map(([time, nals]) => picture(time, nals)),
			fc.tuple(fc.nat(2 ** 30), fc.uint8Array({ maxLength: 300 })).map(([time, raw]) => audioTag(time, raw)),
			fc.uint8Array({ maxLength: 50 }).map((body) => tag(18, 0, body)),
			fc.nat(9).map((number) => unitTag("low", number)),
			fc.constantFrom(sequenceHeader(AVC_160), sequenceHeader(AVC_320), tag(9, 0, new Uint8Array(0)), fileHeader()),
			fc.uint8Array({ maxLength: 50 }),
		);
		fc.assert(
			fc.property(fc.array(anyTag, { maxLength: 12 }), fc.array(fc.nat(8000), { maxLength: 40 }), (tags, cuts) => {
				const data = stream(sequenceHeader(AVC_320), audioHeader(), ...tags);
				const inside = cuts.map((cut) => cut % data.length);
				expect(read(data, inside)).toEqual(read(data));
			}),
			{ numRuns: 300 },
		);
	});

	it("read byte by byte it is the same as read whole", () => {
		const data = stream(sequenceHeader(AVC_320), audioHeader(), picture(0, [AUD, SEI, IDR]), audioTag(20, IDR));
		expect(read(data, [...data.keys()])).toEqual(read(data));
	});

	it("hands a tag on with the last byte of its size, and does not wait for the next", () => {
		let seen = 0;
		const reader = new FlvReader({ accessUnit: () => seen++ });
		const data = stream(sequenceHeader(AVC_320), picture(0, [IDR]));
		reader.push(data.subarray(0, -1));
		expect([seen, reader.heldBytes]).toEqual([0, 11 + 13 + 3]);
		reader.push(data.subarray(-1));
		expect([seen, reader.heldBytes]).toEqual([1, 0]);
	});
});

describe("where units start", () => {
	const av = [sequenceHeader(AVC_320), audioHeader()];

	it("is told by onRendition: once, before the first access unit, with the unit's name and that one's PTS", () => {
		const key = picture(1000, [IDR], { flvKey: true, compositionMs: 80 });
		const other = [sequenceHeader(AVC_160), audioHeader()];
		const events = read(
			stream(unitTag("high", 7), ...av, key, audioTag(1010, IDR), unitTag("low", 8), ...other, key, key),
		);
		expect(units(events)).toEqual([
			{ time: 97_200, rendition: "high", number: 7 },
			{ time: 97_200, rendition: "low", number: 8 },
		]);
		expect(kinds(events).slice(-5)).toEqual(["configuration", "decode", "unit", "access-unit", "access-unit"]);
	});

	it("audio whose header a named unit does not bring has gone; one that comes all the same is back", () => {
		const key = picture(0, [IDR]);
		const events = read(
			stream(unitTag("a", 1), ...av, key, unitTag("a", 2), av[0]!, key, picture(40, [SLICE]), audioTag(50, IDR)),
		);
		expect(of("decode", events).map(({ decode }) => Object.keys(decode))).toEqual([
			["video", "audio"],
			["video"],
			["video", "audio"],
		]);
		expect(accessUnits(events)).toHaveLength(4);
		expect(faults(events)).toEqual([]);
	});

	it.each<[string, Uint8Array]>([
		["a name that is none", unitTag("\u001b[2J", 1)],
		["a number that is none", unitTag("low", -1)],
		["a number for a name", unitTag(7, 7)],
		["no argument", tag(18, 0, Uint8Array.of(2, 0, 11, ...Buffer.from("onRendition")))],
	])("an onRendition with %s is a fault and names no unit", (_, broken) => {
		const events = read(stream(broken, ...av, picture(0, [IDR])));
		expect(units(events)).toEqual([{ time: 0 }]);
		expect(faults(events)).toEqual([expect.stringMatching(/^FLV_SYNTAX: the script tag at byte 13 .* names no unit/)]);
	});

	it("without onRendition is at each key picture, whatever audio comes before", () => {
		const key = (ms: number): Uint8Array => picture(ms, [IDR]);
		const events = read(stream(...av, audioTag(0, IDR), key(10), picture(50, [SLICE]), audioTag(60, IDR), key(90)));
		expect(units(events)).toEqual([{ time: 900 }, { time: 8100 }]);
	});

	it("in audio alone is at the first frame of each configuration", () => {
		const [one, two] = [audioHeader(), audioHeader(AAC_44K)];
		const events = read(
			joined(fileHeader(4), one, audioTag(10, IDR), audioTag(20, IDR), one, audioTag(30, IDR), two, audioTag(40, IDR)),
		);
		expect(units(events)).toEqual([{ time: 900 }, { time: 3600 }]);
	});
});

describe("bytes that are not FLV", () => {
	const good = [sequenceHeader(AVC_320), audioHeader()];
	const data = stream(...good);

	it.each<[string, Uint8Array, RegExp]>([
		["another magic", joined(new Uint8Array(3).fill(0x47), data), /FLV_SYNTAX: .*byte 0 must begin with "FLV"/],
		["a header of another size", joined(data).fill(10, 8, 9), /FLV_SYNTAX: .*byte 0 has a header of 10 bytes, not 9/],
		[
			"a tag of unknown type",
			joined(data, Uint8Array.of(7), new Uint8Array(10)),
			/FLV_SYNTAX: .*byte 89 has tag type 7/,
		],
		["a tag of another stream", joined(data, tag(18, 0, IDR)).fill(1, 99, 100), /byte 89 has a tag of stream 1, not 0/],
		[
			"a wrong tag size",
			stream(tag(18, 0, Uint8Array.of(1)).fill(9, 12)),
			/byte 13 has a tag of 12 bytes, behind which/,
		],
		["a cut tag", data.subarray(0, -5), /byte 70 ends within a tag, 14 bytes behind its start/],
		["a picture before its header", stream(picture(0, [IDR])), /FLV_SYNTAX: .*picture before its sequence header/],
		["an AAC frame before its header", stream(audioTag(0, IDR)), /FLV_SYNTAX: .*frame before its sequence header/],
		[
			"a cut NAL unit",
			stream(good[0]!, tag(9, 0, Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 9))),
			/STREAM_UNSUPPORTED: .*tag at byte 70 cannot be read: a NAL unit/,
		],
		[
			"a broken configuration",
			stream(sequenceHeader(AVC_320.subarray(0, 12))),
			/UNSUPPORTED: .*tag at byte 13 cannot be read: an AVC/,
		],
		["MP3", stream(tag(8, 0, Uint8Array.of(0x2f, 1, 2))), /STREAM_UNSUPPORTED: .*SoundFormat 2/],
		["VP6", stream(tag(9, 0, Uint8Array.of(0x14, 1, 0, 0, 0))), /STREAM_UNSUPPORTED: .*0x14/],
		["VP9", stream(tag(9, 0, Uint8Array.of(0x90, ...Buffer.from("vp09")))), /STREAM_UNSUPPORTED: .*"vp09"/],
	])("%s is told with the place and what was found, and not thrown", (_, bytes, message) => {
		expect(faults(read(bytes))).toEqual([expect.stringMatching(message)]);
	});

	it("what is wrong with many tags in a row is told once, and again when it was right between", () => {
		const cut = tag(9, 0, Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 9));
		const mp3 = tag(8, 0, Uint8Array.of(0x2f, 1, 2));
		expect(faults(read(stream(mp3, mp3, good[0]!, cut, mp3, cut, picture(0, [IDR]), cut)))).toHaveLength(3);
	});

	it("a tag over 16 MiB is not waited for", () => {
		const header = Uint8Array.of(9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0);
		const events = read(joined(fileHeader(), header, ...good, picture(0, [IDR])));
		expect(faults(events)).toEqual([expect.stringMatching(/byte 13 has a tag of 16777215 bytes; at most 16777216/)]);
		expect(accessUnits(events)).toHaveLength(1);
	});
});

describe("after damage", () => {
	const tags = Array.from({ length: 12 }, (_, i) =>
		i % 2 ? audioTag(10 * i, SEI) : picture(10 * i, [i ? SLICE : IDR]),
	);
	const allTimes = tags.map((_, i) => 10 * i);
	const head = stream(sequenceHeader(AVC_320), audioHeader());
	const times = (events: readonly Event[]): number[] => accessUnits(events).map(({ dts }) => dts / 90);

	it.each<[string, number, number]>([
		["type", 0, 77],
		["size: too small", 3, 1],
		["size: larger than what is left", 1, 200],
		["size: into the next tag", 3, 40],
		["stream", 9, 3],
		["PreviousTagSize", -1, 0],
	])("of a tag's %s, that tag is lost and no other", (_, at, value) => {
		for (const [hurt, whole] of tags.entries()) {
			const broken = whole.slice();
			broken[at < 0 ? broken.length + at : at] = value;
			const events = read(joined(head, ...tags.with(hurt, broken)));
			expect(times(events)).toEqual(allTimes.filter((time) => time !== 10 * hurt));
			expect(faults(events)).toHaveLength(1);
		}
	});

	it("of any bytes put between two tags, no tag is lost", () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(12), (noise, at) => {
				// A noise that itself looks like the start of a tag may hide what its size says.
				if ([0x46, 8, 9, 18].includes(noise[0]!)) noise[0] = 1;
				const events = read(joined(head, ...tags.slice(0, at), noise, ...tags.slice(at)));
				expect(times(events)).toEqual(allTimes);
				expect(faults(events)).toEqual([expect.stringMatching(/^FLV_SYNTAX: .* taken up again/)]);
			}),
			{ numRuns: 300 },
		);
	});

	it("a stream that is joined anywhere comes out from the next whole tag on", () => {
		const data = joined(...tags);
		for (let from = 1; from < data.length; from++) {
			const begins = tags.map((_, i) => tags.slice(0, i).reduce((sum, one) => sum + one.length, 0));
			const events = read(joined(head, data.subarray(from)));
			expect(times(events)).toEqual(allTimes.filter((_, i) => begins[i]! >= from));
			expect(faults(events)).toHaveLength(begins.includes(from) ? 0 : 1);
		}
	});

	it("a stream that is joined between two tags needs no header", () => {
		const events = read(joined(sequenceHeader(AVC_320), audioHeader(), ...tags));
		expect([times(events), faults(events)]).toEqual([allTimes, []]);
	});

	it("a stream that begins anew, header and all, goes on", () => {
		const data = joined(head, ...tags);
		const events = read(joined(data, data));
		expect(times(events)).toHaveLength(24);
		expect(faults(events)).toEqual([]);
	});

	it("a search through 32 MiB takes time in proportion, and memory of one tag", () => {
		// Each header promises 16 MiB, none keeps it: what is searched again for each would never end.
		const promise = Uint8Array.of(9, 0xff, 0xff, 0xf0, 0, 0, 0, 0, 0, 0, 0);
		const piece = joined(promise, tags[1]!);
		const block = joined(...new Array<Uint8Array>(1000).fill(piece));
		let given = 0;
		let most = 0;
		const reader = new FlvReader({ accessUnit: () => given++ });
		reader.push(head);
		const begun = performance.now();
		const pieces = Math.ceil(2 ** 25 / block.length);
		for (let i = 0; i < pieces; i++) {
			reader.push(block);
			most = Math.max(most, reader.heldBytes);
		}
		reader.end();
		expect(given).toBe(1000 * pieces);
		expect(most).toBeLessThanOrEqual(FLV_MAX_TAG_BYTES + 2 * 65_536);
		expect(performance.now() - begun).toBeLessThan(10_000);
	});
});
