/**
 * Random units for property tests of packagings and their readers: any times, sizes, codecs and compositions, with
 * real parameter sets and with payloads that no byte stream can misread.
 */
import fc from "fast-check";
import { ticks90k } from "../../src/base/units.ts";
import { parseAudioSpecificConfig } from "../../src/media/aac.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { h264Config, joinLengthPrefixed } from "../../src/media/h264.ts";
import { hevcConfig } from "../../src/media/hevc.ts";
import { parseOpusHead } from "../../src/media/opus.ts";
import type { Allocate, Packaging } from "../../src/media/packaging.ts";
import type { WrittenUnit } from "./switching-units.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/** x264, Main, 25 fps: 640×360, 320×180, 160×90. */
const H264 = [
	"674d401ed900a02ff97011000003000100000300320f162e48",
	"674d400cd901419f9f011000000300100000030320f142a480",
	"674d400bd9028df93011000003000100000300320f142a48",
].map((sps) => h264Config([hex(sps)], [hex("68ebc3cb20")]));
/** x265, Main, 25 fps: the same sizes. */
const HEVC = [
	[
		"40010c01ffff01600000030090000003000003003f928090",
		"42010101600000030090000003000003003fa0050201696592a4932bc05a020000030002000003003210",
	],
	[
		"40010c01ffff01600000030090000003000003003c928090",
		"42010101600000030090000003000003003ca00a080b9f7964a924caf0168080000003008000000c84",
	],
	[
		"40010c01ffff01600000030090000003000003001e928090",
		"42010101600000030090000003000003001ea0142061f26592a4932bc05a020000030002000003003210",
	],
].map(([vps, sps]) => hevcConfig([hex(vps!)], [hex(sps!)], [hex("4401c172b46240")]));
const AAC = parseAudioSpecificConfig(hex("1190")); // LC, 48 kHz, two channels
/** With what not every packaging has a field for. */
const OPUS = parseOpusHead(hex("4f707573486561640102380144ac0000000000")); // two channels, pre-skip 312, 44.1 kHz
const AUDIO_STEP = 1920; // an AAC frame at 48 kHz, in ticks; packets of Opus may be of any length here

/** What a unit is made of; what is left out is random. */
export interface UnitShape {
	readonly number?: number;
	readonly time?: number;
	readonly rendition?: number;
	readonly tracks?: Tracks;
}

const TRACKS = ["h264+aac", "h264", "aac", "hevc+opus", "hevc+aac", "opus"] as const;
export type Tracks = (typeof TRACKS)[number];
const anyTracks: fc.Arbitrary<Tracks> = fc.constantFrom("h264+aac", ...TRACKS);

/** Bytes that a NAL unit may hold: no start code inside, no zero at the end (ITU-T H.264, clause 7.4.1). */
function nal(header: readonly number[], length: number, seed: number): Uint8Array {
	const out = new Uint8Array(header.length + length);
	out.set(header);
	let state = seed | 1;
	let zeros = 0;
	for (let at = header.length; at < out.length; at++) {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
		let byte = (state >>> 24) & (state & 0x100 ? 0xff : 0x03); // many small values
		if ((zeros >= 2 && byte <= 3) || (at === out.length - 1 && byte === 0)) byte = 3 + (zeros < 2 ? 0 : 200);
		zeros = byte === 0 ? zeros + 1 : 0;
		out[at] = byte;
	}
	return out;
}

/** Around what fits one packet, around 64 KiB, and beyond. */
const nalSize = fc.oneof(
	{ weight: 20, arbitrary: fc.integer({ min: 1, max: 900 }) },
	{ weight: 2, arbitrary: fc.integer({ min: 65_470, max: 65_540 }) },
	{ weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }) },
);
const nalSeeds = fc.array(fc.tuple(nalSize, fc.integer()), { minLength: 1, maxLength: 3 });

/** A coded picture of the codec: IDR, or one that refers to others. */
function pictureData(codec: string, key: boolean, seeds: readonly (readonly [number, number])[]): Uint8Array {
	const header = codec === "hevc" ? [key ? 0x26 : 0x02, 0x01] : [key ? 0x65 : 0x61];
	return joinLengthPrefixed(seeds.map(([length, seed]) => nal(header, length, seed)));
}

/** From the DTS of a key picture to its PTS. */
const LONGEST_REORDER = 3000;

const picture = fc.record({
	kind: fc.constant("video" as const),
	seeds: nalSeeds,
	step: fc.integer({ min: 1, max: 20_000 }),
	reorder: fc.constantFrom(0, 0, 3000, 9000),
});
const sound = fc.record({
	kind: fc.constant("audio" as const),
	data: fc.uint8Array({ minLength: 1, maxLength: 800 }),
	step: fc.constantFrom(AUDIO_STEP, AUDIO_STEP, 4 * AUDIO_STEP),
});
/** Times near 0 (as a channel's, DTS is never below it) and around where 33 bits wrap. */
const anyTime = fc.oneof(
	fc.integer({ min: LONGEST_REORDER, max: 20_000 }),
	fc.integer({ min: 2 ** 33 - 200_000, max: 2 ** 33 + 5 }),
);

/** A unit with at least one access unit; with video, it begins with its key picture. */
export function anyUnit(shape: UnitShape = {}): fc.Arbitrary<WrittenUnit> {
	return fc
		.record({
			number: shape.number === undefined ? fc.nat(1_000_000) : fc.constant(shape.number),
			time: shape.time === undefined ? anyTime : fc.constant(shape.time),
			accessUnitsBefore: fc.nat(1_000_000),
			rendition: shape.rendition === undefined ? fc.nat(2) : fc.constant(shape.rendition),
			tracks: shape.tracks === undefined ? anyTracks : fc.constant(shape.tracks),
			idr: nalSeeds,
			reorder: fc.constantFrom(0, LONGEST_REORDER),
			rest: fc.array(fc.oneof(picture, sound), { maxLength: 14 }),
		})
		.map((made) => {
			const decode = decodeOf(made.tracks, made.rendition);
			const rendition = `r${made.rendition}`;
			const { number, accessUnitsBefore } = made;
			const times = { time: ticks90k(made.time), pictureDuration: ticks90k(3600) };
			const head = { number, ...times, accessUnitsBefore, rendition, decode };
			return { head, accessUnits: accessUnitsOf(made, decode) };
		})
		.filter(({ accessUnits }) => accessUnits.length > 0);
}

/** A unit that is always the same: three pictures of 3000 bytes, if there is video, and an audio frame with each. */
export function plainUnit(number: number, tracks: Tracks): WrittenUnit {
	const time = 300_000 * number;
	const decode = decodeOf(tracks, 1);
	const rest = [1, 2, 3].flatMap((seed) => [
		{ kind: "audio" as const, data: new Uint8Array(200).fill(0x20 + seed), step: AUDIO_STEP },
		...(seed < 3 ? [{ kind: "video" as const, seeds: [[3000, seed] as const], step: 3600, reorder: 0 }] : []),
	]);
	const times = { time: ticks90k(time), pictureDuration: ticks90k(3600) };
	const accessUnits = accessUnitsOf({ time, idr: [[3000, 9]], reorder: 0, rest }, decode);
	const accessUnitsBefore = number * accessUnits.length;
	return { head: { number, ...times, accessUnitsBefore, rendition: "r1", decode }, accessUnits };
}

/** Units of the same tracks one behind the other, of any renditions. */
export const anySequence: fc.Arbitrary<WrittenUnit[]> = fc
	.tuple(fc.array(fc.nat(2), { minLength: 2, maxLength: 6 }), fc.nat(40), anyTracks)
	.chain(([renditions, number, tracks]) =>
		fc.tuple(
			...renditions.map((rendition, i) =>
				anyUnit({ number: number + i, time: 300_000 * (1 + number + i), rendition, tracks }),
			),
		),
	)
	.map(counted);

/** The same units, each with as many access units before it as there are in those before. */
function counted([first, ...rest]: readonly WrittenUnit[]): WrittenUnit[] {
	const units = [first!];
	for (const { head, accessUnits } of rest) {
		const before = units.at(-1)!;
		const accessUnitsBefore = before.head.accessUnitsBefore + before.accessUnits.length;
		units.push({ head: { ...head, accessUnitsBefore }, accessUnits });
	}
	return units;
}

function decodeOf(tracks: Tracks, rendition: number): DecodeInformation {
	const video = tracks.includes("h264") ? H264 : tracks.includes("hevc") ? HEVC : undefined;
	return {
		...(video && { video: video[rendition]! }),
		...(tracks.includes("aac") && { audio: AAC }),
		...(tracks.includes("opus") && { audio: OPUS }),
	};
}

interface Ingredients {
	readonly time: number;
	readonly idr: readonly (readonly [number, number])[];
	readonly reorder: number;
	readonly rest: readonly (
		| { kind: "video"; seeds: readonly (readonly [number, number])[]; step: number; reorder: number }
		| { kind: "audio"; data: Uint8Array; step: number }
	)[];
}

function accessUnitsOf(made: Ingredients, { video, audio }: DecodeInformation): AccessUnit[] {
	const accessUnits: AccessUnit[] = [];
	const add = (track: "video" | "audio", pts: number, dts: number, key: boolean, data: Uint8Array): void => {
		accessUnits.push({ track, pts: ticks90k(pts), dts: ticks90k(dts), key, data });
	};
	let dts = made.time - made.reorder;
	let soundTime = made.time;
	if (video) add("video", made.time, dts, true, pictureData(video.codec, true, made.idr));
	for (const next of made.rest) {
		if (next.kind === "video" && video) {
			dts += next.step;
			add("video", dts + next.reorder, dts, false, pictureData(video.codec, false, next.seeds));
		} else if (next.kind === "audio" && audio) {
			const data = next.data.slice();
			if (audio.codec === "opus") data[0]! &= 0xfc; // one frame in the packet (RFC 6716, clause 3.1)
			add("audio", soundTime, soundTime, true, data);
			soundTime += next.step;
		}
	}
	return accessUnits;
}

export const fresh: Allocate = (length) => new Uint8Array(length);

/** A piece of output for each access unit, and what closes the unit. */
export function pieces(packaging: Packaging, unit: WrittenUnit, allocate: Allocate = fresh): Uint8Array[] {
	const writer = packaging.openUnit(unit.head);
	const written = unit.accessUnits.map((accessUnit) => writer.write(accessUnit, allocate));
	const closing = writer.close(allocate);
	return closing ? [...written, closing] : written;
}

/** Cuts bytes into pieces of these sizes, again and again. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
	const out: Uint8Array[] = [];
	for (let at = 0, i = 0; at < bytes.length; i++) {
		const size = sizes[i % sizes.length]!;
		out.push(bytes.slice(at, at + size));
		at += size;
	}
	return out;
}
export const anySizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 5000 })), {
	minLength: 1,
});

/** Something done to bytes on their way. */
export interface Damage {
	readonly at: number;
	readonly kind: "flip" | "cut" | "insert" | "zero";
	readonly value: number;
	readonly length: number;
}
export const anyDamage: fc.Arbitrary<Damage[]> = fc.array(
	fc.record({
		at: fc.nat(),
		kind: fc.constantFrom("flip", "cut", "insert", "zero"),
		value: fc.integer({ min: 0, max: 255 }),
		length: fc.integer({ min: 1, max: 400 }),
	}),
	{ minLength: 1, maxLength: 20 },
);

export function damaged(original: Uint8Array, list: readonly Damage[]): Uint8Array {
	let bytes = new Uint8Array(original);
	for (const { at: anywhere, kind, value, length } of list) {
		const at = anywhere % (bytes.length + 1);
		if (kind === "flip") bytes[at] = value;
		else if (kind === "zero") bytes.fill(value, at, at + length);
		else {
			const [inserted, removed] = kind === "insert" ? [length, 0] : [0, length];
			const filling = new Uint8Array(inserted).fill(value);
			bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), filling, bytes.subarray(at + removed)]));
		}
	}
	return bytes;
}
