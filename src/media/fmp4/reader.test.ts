import { describe, expect, test } from "vitest";
import { ticks90k } from "../../base/units.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { h264Config, joinLengthPrefixed } from "../h264.ts";
import type { UnitStart } from "../stream-reader.ts";
import { type BoxPart, box, fullBox, uint16, uint32 } from "./box.ts";
import { fmp4 } from "./fmp4.ts";
import { movie } from "./movie-writer.ts";
import { Fmp4Reader, MOST_SAMPLE_BYTES } from "./reader.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const SPS = hex("674d400bd9028df93011000003000100000300320f142a48");
const OTHER_SPS = hex("674d400cd901419f9f011000000300100000030320f142a480");
const PPS = hex("68ebc3cb20");
const VIDEO = h264Config([SPS], [PPS]);
const AUDIO = parseAudioSpecificConfig(hex("1190")); // LC, 48 kHz, two channels
const IDR = joinLengthPrefixed([hex("6588840a")]);
const SLICE = joinLengthPrefixed([hex("419a2233")]);

interface Seen {
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly starts: UnitStart[];
	readonly faults: string[];
}

function reading(): Seen & { reader: Fmp4Reader } {
	const seen: Seen = { accessUnits: [], decodes: [], starts: [], faults: [] };
	const reader = new Fmp4Reader({
		accessUnit: (accessUnit) => seen.accessUnits.push(accessUnit),
		decodeInformation: (decode) => seen.decodes.push(decode),
		unitStart: (start) => seen.starts.push(start),
		fault: (error) => seen.faults.push(error.message),
	});
	return { ...seen, reader };
}

function read(...parts: readonly BoxPart[]): Seen {
	const { reader, ...seen } = reading();
	for (const part of parts) reader.push(Uint8Array.from(part));
	reader.end();
	return seen;
}

const times = ({ accessUnits }: Seen, track = "video"): number[][] =>
	accessUnits.filter((unit) => unit.track === track).map(({ pts, dts }) => [pts, dts]);

/** A moov as ours, changed in bytes. */
function changed(moov: Uint8Array, box: string, at: number, bytes: readonly number[]): Uint8Array {
	const out = Buffer.from(moov);
	let count = 0;
	for (let from = out.indexOf(box, 0, "latin1"); from >= 0; from = out.indexOf(box, from + 4, "latin1")) {
		out.set(bytes, from + 4 + at);
		count++;
	}
	expect(count).toBeGreaterThan(0);
	return out;
}

const withTimescale = (moov: Uint8Array, timescale: number): Uint8Array => changed(moov, "mdhd", 12, uint32(timescale));
const BOTH = movie({ video: VIDEO, audio: AUDIO });
const VIDEO_ONLY = movie({ video: VIDEO });

const tfdt = (time: bigint): Uint8Array =>
	fullBox("tfdt", 1, 0, uint32(Number(time >> 32n)), uint32(Number(time & 0xffff_ffffn)));
/** A trun of samples of these sizes, each with its duration, without an offset of its own. */
const trun = (duration: number, ...sizes: number[]): Uint8Array =>
	fullBox(
		"trun",
		0,
		0x300,
		uint32(sizes.length),
		sizes.flatMap((size) => [...uint32(duration), ...uint32(size)]),
	);
/** A moof of these trafs and an mdat of these samples; the first traf's data begins behind the mdat's header. */
function fragment(trafs: (dataOffset: number) => Uint8Array[], ...samples: Uint8Array[]): Uint8Array {
	const moof = (offset: number): Uint8Array => box("moof", fullBox("mfhd", 0, 0, uint32(1)), ...trafs(offset));
	const moofBytes = moof(0).length;
	return Buffer.concat([moof(moofBytes + 8), box("mdat", ...samples)]);
}
/** One picture in one fragment, in the simplest form. */
const simple = (time: bigint, data: Uint8Array): Uint8Array =>
	fragment(
		(offset) => [
			box(
				"traf",
				fullBox("tfhd", 0, 0x02_0000, uint32(1)),
				tfdt(time),
				fullBox("trun", 0, 0x201, uint32(1), uint32(offset), uint32(data.length)),
			),
		],
		data,
	);

describe("boxes of other multiplexers", () => {
	test("several trafs and truns in a moof; what a trun leaves out is in tfhd, what that leaves out in trex", () => {
		const moov = changed(BOTH, "trex", 12, uint32(3000)); // default_sample_duration, of both tracks
		const seen = read(
			moov,
			fragment(
				(offset) => [
					box(
						"traf",
						fullBox("tfhd", 0, 0x02_0010, uint32(1), uint32(8)), // default_sample_size
						tfdt(90_000n),
						fullBox("trun", 0, 0x1, uint32(2), uint32(offset)),
						fullBox("trun", 1, 0x800, uint32(1), uint32(-1500 >>> 0)),
					),
					// Without default-base-is-moof: from where the traf before ended.
					box("traf", fullBox("tfhd", 0, 0x8, uint32(2), uint32(1920)), tfdt(91_000n), trun(1920, 3, 2)),
				],
				IDR,
				SLICE,
				SLICE,
				hex("010203 0405"),
			),
		);
		expect(seen.faults).toEqual([]);
		expect(times(seen)).toEqual([
			// As one is shown 1500 before it would be decoded, all are decoded so much earlier.
			[90_000, 88_500],
			[93_000, 91_500],
			[94_500, 94_500],
		]);
		expect(times(seen, "audio")).toEqual([
			[91_000, 91_000],
			[92_920, 92_920],
		]);
		expect(seen.accessUnits.map(({ data, key }) => [Buffer.from(data).toString("hex"), key])).toEqual([
			["000000046588840a", true],
			["00000004419a2233", false],
			["00000004419a2233", false],
			["010203", true],
			["0405", true],
		]);
	});

	test("base-data-offset, sizes of 64 bits, boxes that nobody knows, and an mdat to the end of the file", () => {
		const before = Buffer.concat([VIDEO_ONLY, box("free", new Uint8Array(5000)), box("abcd", hex("0102"))]);
		const moof = (base: number): Uint8Array =>
			box(
				"moof",
				fullBox("mfhd", 0, 0, uint32(1)),
				box("traf", fullBox("tfhd", 0, 0x1, uint32(1), uint32(0), uint32(base)), tfdt(0n), trun(3000, 8, 8)),
			);
		const large = Buffer.concat(
			[uint32(1), hex("6d646174"), uint32(0), uint32(16 + 16), IDR, SLICE].map((part) => Buffer.from(part)),
		);
		const endless = Buffer.concat(
			[uint32(0), hex("6d646174"), IDR, SLICE, hex("0000")].map((part) => Buffer.from(part)),
		);
		const second = before.length + moof(0).length + large.length;
		const seen = read(
			before,
			moof(before.length + moof(0).length + 16),
			large,
			moof(second + moof(0).length + 8),
			endless,
		);
		expect(seen.faults).toEqual([]);
		expect(seen.accessUnits.map(({ key }) => key)).toEqual([true, false, true, false]);
	});

	test("boxes that nobody wants are passed over without being kept", () => {
		const { reader, accessUnits } = reading();
		reader.push(VIDEO_ONLY);
		reader.push(hex("08000000 66726565")); // free, 128 MiB
		const chunk = new Uint8Array(2 ** 20);
		for (let i = 0; i < 127; i++) {
			reader.push(chunk);
			expect(reader.heldBytes).toBeLessThan(10_000);
		}
		reader.push(new Uint8Array(2 ** 20 - 8));
		reader.push(simple(0n, IDR));
		expect([accessUnits.length, reader.faults]).toEqual([1, 0]);
	});

	test("sets that are in the samples alone: pictures before them are left out, and told once", () => {
		const moov = Buffer.from(changed(VIDEO_ONLY, "stsd", 12, [...Buffer.from("avc3")]));
		const at = moov.indexOf("avcC", 0, "latin1");
		moov[at + 4 + 5] = 0xe0; // numOfSequenceParameterSets = 0
		const seen = read(
			moov,
			simple(0n, SLICE),
			simple(3000n, SLICE),
			simple(6000n, joinLengthPrefixed([SPS, PPS, hex("6588840a")])),
			simple(9000n, joinLengthPrefixed([OTHER_SPS, PPS, hex("6588840a")])),
		);
		expect(seen.faults.length).toBe(1);
		expect(seen.faults[0]).toMatch(
			/^STREAM_UNSUPPORTED: in the fragmented MP4 at byte \d+: a picture before any parameter/,
		);
		expect(seen.decodes.map(({ video }) => video?.width)).toEqual([160, 320]);
		expect(times(seen)).toEqual([
			[6000, 6000],
			[9000, 9000],
		]);
		expect(seen.accessUnits[0]!.data).toEqual(IDR);
	});

	test("a moov in mid-stream with other sets, and with a track less, is told before the next access unit", () => {
		const moof = (track: number, data: Uint8Array): Uint8Array => changed(simple(0n, data), "tfhd", 4, uint32(track));
		const other = h264Config([OTHER_SPS], [PPS]);
		const seen = read(
			...[BOTH, moof(1, IDR), moof(2, hex("01")), BOTH, moof(1, IDR)],
			...[movie({ video: other, audio: AUDIO }), moof(2, hex("02")), moof(1, IDR)],
			...[movie({ audio: AUDIO }), moof(1, IDR), moof(2, hex("03"))],
		);
		expect(seen.faults).toEqual([]);
		expect(seen.decodes).toEqual([{ video: VIDEO, audio: AUDIO }, { video: other, audio: AUDIO }, { audio: AUDIO }]);
		expect(seen.accessUnits.length).toBe(6);
	});
});

describe("times", () => {
	test.each([
		["1 kHz", 1000, 3_600_000_000n, 33, 10_000],
		["44.1 kHz", 44_100, 158_760_000_000n, 1024, 10_000],
		["10 MHz since 1970, beyond 2^53", 10_000_000, 17_000_000_000_123_456_7n, 333_333, 10_000],
		["a prime", 4_294_967_291, 4_294_967_291n * 4_294_967_290n, 143_165_577, 1000],
	])("at %s are rounded once each, and no error adds up", (_, timescale, start, duration, count) => {
		const moov = withTimescale(VIDEO_ONLY, timescale);
		const sizes = Array.from({ length: count }, () => 8);
		const seen = read(
			moov,
			fragment(
				(offset) => [
					box(
						"traf",
						fullBox("tfhd", 0, 0x02_0018, uint32(1), uint32(duration), uint32(8)),
						tfdt(start),
						fullBox("trun", 0, 0x1, uint32(count), uint32(offset)),
					),
				],
				...sizes.map(() => SLICE),
			),
		);
		expect(seen.faults).toEqual([]);
		const scale = BigInt(timescale);
		const exact = sizes.map((_size, i) => {
			const units = (start + BigInt(i) * BigInt(duration)) * 180_000n;
			return Number((units + scale) / (2n * scale)); // rounded, half up
		});
		expect(times(seen).map(([pts]) => pts)).toEqual(exact);
	});

	test("audio is decoded when it is heard, whatever offsets a table has for it", () => {
		const entries = [uint32(2), uint32(30), uint32(3), uint32(-30 >>> 0)];
		const seen = read(
			withTimescale(BOTH, 90_000),
			fragment(
				(offset) => [
					box(
						"traf",
						fullBox("tfhd", 0, 0x02_0008, uint32(2), uint32(1920)),
						tfdt(90_000n),
						fullBox("trun", 1, 0xa01, uint32(2), uint32(offset), ...entries),
					),
				],
				hex("0102 030405"),
			),
		);
		expect(times(seen, "audio")).toEqual([
			[90_030, 90_030],
			[91_890, 91_890],
		]);
	});

	test("of 32 bits are unwrapped; fragments without any go on where the last one ended", () => {
		const short = (time: number): Uint8Array =>
			fragment(
				(offset) => [
					box(
						"traf",
						fullBox("tfhd", 0, 0x02_0008, uint32(1), uint32(4000)),
						...(time < 0 ? [] : [fullBox("tfdt", 0, 0, uint32(time))]),
						fullBox("trun", 0, 0x201, uint32(1), uint32(offset), uint32(8)),
					),
				],
				IDR,
			);
		const seen = read(VIDEO_ONLY, short(2 ** 32 - 4000), short(0), short(-1), short(-1), short(90_000));
		expect(times(seen).map(([pts]) => pts! - 2 ** 32)).toEqual([-4000, 0, 4000, 8000, 90_000]);
		expect(seen.faults).toEqual([]);
	});
});

describe("where units begin, in streams that do not say", () => {
	test("at every key picture", () => {
		const seen = read(VIDEO_ONLY, simple(0n, IDR), simple(3000n, SLICE), simple(6000n, IDR));
		expect(seen.starts).toEqual([{ time: 0 }, { time: 6000 }]);
	});

	test("of sound alone, at the first frame behind a moov", () => {
		const sound = (time: bigint): Uint8Array => changed(simple(time, hex("01")), "tfhd", 4, uint32(2));
		const moov = movie({ audio: AUDIO });
		const seen = read(moov, sound(0n), sound(1920n), moov, sound(3840n));
		expect(seen.starts).toEqual([{ time: 0 }, { time: 3840 }]);
	});

	test("in streams that do, only where they say, and again where the name was lost", () => {
		const head = {
			number: 7,
			time: ticks90k(90_000),
			pictureDuration: ticks90k(3000),
			accessUnitsBefore: 0,
			rendition: "low",
		};
		const key: AccessUnit = { track: "video", pts: ticks90k(90_000), dts: ticks90k(90_000), key: true, data: IDR };
		const writer = fmp4.openUnit({ ...head, decode: { video: VIDEO } });
		const bytes = [key, { ...key, pts: ticks90k(93_000) }].map((unit) => writer.write(unit, (n) => new Uint8Array(n)));
		const { starts } = read(...bytes);
		expect(starts).toEqual([{ time: 90_000, number: 7, rendition: "low" }]);
	});
});

describe("what cannot be carried is told, and the rest is read", () => {
	test.each([
		["a codec that nobody here knows", changed(BOTH, "stsd", 12, [...Buffer.from("mp4v")]), /STREAM_.*mp4v/],
		["NAL lengths of two bytes", changed(BOTH, "avcC", 4, [0xfd]), /STREAM_.*NAL lengths of 2 bytes/],
		["an encrypted track", changed(BOTH, "avc1", -4, [...Buffer.from("encv")]), /STREAM_.*encv/],
		["a timescale of 0", changed(BOTH, "mdhd", 12, uint32(0)), /FMP4_SYNTAX.*timescale of 0/],
		["a sample table cut short", changed(BOTH, "stsd", -8, uint32(9)), /FMP4_SYNTAX.*stbl/],
	])("%s", (_, moov, message) => {
		const { faults } = read(moov, simple(0n, IDR));
		expect(faults.length).toBeGreaterThan(0);
		expect(faults[0]).toMatch(message);
	});

	test("audio goes on where the video cannot be carried", () => {
		const moov = changed(BOTH, "avcC", 4, [0xfd]);
		const seen = read(moov, simple(0n, IDR), changed(simple(1920n, hex("01")), "tfhd", 4, uint32(2)));
		expect([seen.faults.length, times(seen, "audio"), times(seen)]).toEqual([1, [[1920, 1920]], []]);
		expect(seen.decodes).toEqual([{ audio: AUDIO }]);
	});

	test("a file that is not fragmented, and a moof before any moov", () => {
		const moov = changed(VIDEO_ONLY, "mvex", -4, [...Buffer.from("free")]);
		const { faults } = read(simple(0n, IDR), simple(0n, IDR), moov, simple(0n, IDR));
		expect(faults.map((fault) => fault.replace(/:.*?:/, ""))).toEqual([
			expect.stringMatching(/moof before any moov/),
			expect.stringMatching(/is not fragmented; make it one/),
		]);
	});
});

describe("garbage", () => {
	test("between boxes costs nothing but itself, and is told once, with its place", () => {
		const noise = new Uint8Array(3000).map((_, i) => (i * 7919) >> 3);
		const start = VIDEO_ONLY.length + simple(0n, IDR).length;
		const seen = read(VIDEO_ONLY, simple(0n, IDR), noise, simple(3000n, IDR), simple(6000n, IDR));
		expect(times(seen).length).toBe(3);
		expect(seen.faults.length).toBe(1);
		expect(seen.faults[0]).toContain(`FMP4_SYNTAX: in the fragmented MP4 at byte ${start}: a box "`);
	});

	test("a moof whose size is too large or too small costs its own samples", () => {
		for (const size of [20, 40, 5000, 900_000]) {
			const broken = Uint8Array.from(simple(3000n, IDR));
			broken.set(uint32(size));
			const seen = read(VIDEO_ONLY, simple(0n, IDR), broken, simple(6000n, IDR), simple(9000n, IDR));
			expect(times(seen).map(([pts]) => pts)).toEqual([0, 6000, 9000]);
			expect(seen.faults.length).toBeGreaterThan(0);
		}
	});

	test("an mdat whose size is too large does not swallow what follows; samples beyond an mdat are left out", () => {
		const [large, small] = [Uint8Array.from(simple(3000n, IDR)), Uint8Array.from(simple(6000n, IDR))];
		large.set(uint32(200_000_000), large.length - 16);
		small.set(uint32(12), small.length - 16);
		const seen = read(VIDEO_ONLY, large, small, simple(9000n, IDR));
		expect(times(seen).map(([pts]) => pts)).toEqual([3000, 9000]);
		expect(seen.faults[0]).toMatch(/a box "moof" begins inside another one/);
		expect(seen.faults[1]).toMatch(/a sample of 8 bytes runs over the end of its mdat/);
	});

	test("a stream that ends in mid-box is told so", () => {
		const whole = Buffer.concat([VIDEO_ONLY, simple(0n, IDR)]);
		expect(read(whole.subarray(0, -3)).faults).toEqual([
			expect.stringMatching(/cut off at byte \d+, where the stream ends/),
		]);
		expect(read(whole).faults).toEqual([]);
	});

	test.each([
		["moof headers one behind the other", [...uint32(900_000), ...Buffer.from("moof")]],
		[
			"moofs in moofs",
			[
				...uint32(24),
				...Buffer.from("abcd"),
				...uint32(1_000_000),
				...Buffer.from("moof"),
				...uint32(8),
				...Buffer.from("free"),
			],
		],
		["zeros", [0, 0, 0, 0]],
		["mdat headers of nothing", [...uint32(8), ...Buffer.from("mdat")]],
		["events of nothing", [...uint32(8), ...Buffer.from("emsg")]],
		["movies of nothing", [...uint32(8), ...Buffer.from("moov")]],
		["boxes of nothing in a moof", [...uint32(8), ...Buffer.from("free")]],
	])("takes no longer than its length, and no more memory: %s", (_, pattern) => {
		const { reader } = reading();
		const unit = Uint8Array.from(pattern);
		const bytes = new Uint8Array(4 * 2 ** 20);
		for (let at = 0; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
		reader.push(VIDEO_ONLY);
		reader.push(Uint8Array.from([...uint32(1_000_000), ...Buffer.from("moof")]));
		const begun = performance.now();
		reader.push(bytes);
		// Measured: 0.1 s at most; squared it would be hours.
		expect(performance.now() - begun).toBeLessThan(3000);
		expect(reader.heldBytes).toBeLessThan(4 * 2 ** 20);
	});

	test("a sample that is too large is passed over and not kept; the next one of its run comes", () => {
		const sizes = [MOST_SAMPLE_BYTES + 1, 8];
		const { reader, accessUnits, faults } = reading();
		const whole = fragment(
			(offset) => [
				box(
					"traf",
					fullBox("tfhd", 0, 0x02_0000, uint32(1)),
					tfdt(0n),
					fullBox("trun", 0, 0x201, uint32(2), uint32(offset), ...sizes.map(uint32)),
				),
			],
			new Uint8Array(sizes[0]!),
			IDR,
		);
		reader.push(VIDEO_ONLY);
		for (let at = 0; at < whole.length; at += 2 ** 20) {
			reader.push(whole.subarray(at, at + 2 ** 20));
			expect(reader.heldBytes).toBeLessThan(10_000);
		}
		expect(accessUnits.map(({ data }) => data)).toEqual([IDR]);
		expect(faults).toEqual([
			expect.stringMatching(/FMP4_SYNTAX: .* a sample has 16777217 bytes; at most 16777216 are taken/),
		]);
	});

	test("a trun that claims 2^32 - 1 samples of no size, or of one byte, costs what comes", () => {
		for (const size of [0, 1]) {
			const { reader } = reading();
			const traf = box(
				"traf",
				fullBox("tfhd", 0, 0x02_0010, uint32(1), uint32(size)),
				tfdt(0n),
				fullBox("trun", 0, 0, uint32(2 ** 32 - 1)),
			);
			reader.push(VIDEO_ONLY);
			reader.push(box("moof", traf));
			reader.push(box("mdat", new Uint8Array(1000)));
			reader.push(simple(0n, IDR));
			reader.end();
			expect(reader.heldBytes).toBeLessThan(10_000);
		}
	});
});

test("an AAC configuration of more bytes than one length byte can say comes through", () => {
	const long = parseAudioSpecificConfig(Uint8Array.from([...hex("1190"), ...new Uint8Array(300)]));
	const seen = read(movie({ audio: long }), changed(simple(0n, hex("01")), "tfhd", 4, uint32(2)));
	expect(seen.decodes).toEqual([{ audio: long }]);
	expect(uint16(300)).toEqual([1, 44]);
});
