/**
 * Units of three renditions of one programme, another one in every unit: what the writers of all packagings are shown
 * to independent witnesses with. Real encodes, read from FFmpeg's own transport streams and cut as a channel cuts them.
 */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { joinLengthPrefixed } from "../../src/media/h264.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import type { Allocate, Packaging, UnitHead } from "../../src/media/packaging.ts";
import { type Clip, makeClip } from "./media-maker.ts";

export const GOP = 10;
export const FRAMES = 240;
export const UNITS = FRAMES / GOP;

/** From the top down: rendition `r0` is the largest. */
const LADDER: readonly Omit<Clip, "audio">[] = [
	{ container: "ts", width: 960, height: 540, bitrateKbps: 6000 },
	{ container: "ts", width: 640, height: 360, bitrateKbps: 900 },
	{ container: "ts", width: 320, height: 180, bitrateKbps: 300 },
];

/**
 * Filler data (ITU-T H.264, clause 7.3.2.7), as encoders at a constant bit rate send: behind the top rendition's key
 * pictures it takes them above 64 KiB, where a PES packet cannot say its length.
 */
const FILLER = joinLengthPrefixed([new Uint8Array(66_000).fill(0xff).fill(0x0c, 0, 1).fill(0x80, -1)]);

export interface WrittenUnit {
	readonly head: UnitHead;
	readonly accessUnits: readonly AccessUnit[];
}

export interface ReadClip {
	readonly accessUnits: readonly AccessUnit[];
	readonly decode: DecodeInformation;
}

export interface LadderShape {
	/** B-frames in a row; 0 where this is left out. */
	readonly bFrames?: number;
	/** AAC beside the video, the same in every rendition; true where this is left out. */
	readonly audio?: boolean;
	/** Key pictures of more than 64 KiB in the top rendition; true where this is left out. */
	readonly largePictures?: boolean;
}

/** Three renditions of `UNITS` units each. */
export async function makeRenditions(shape: LadderShape = {}): Promise<WrittenUnit[][]> {
	const { bFrames = 0, audio = true, largePictures = true } = shape;
	const clips: ReadClip[] = [];
	for (const clip of LADDER) {
		clips.push(readClip(await makeClip({ ...clip, audio, seconds: FRAMES / 30, gopFrames: GOP, bFrames })));
	}
	return unitsOf(clips, largePictures);
}

/** Everything that our reader finds in a transport stream, without a fault. */
export function readClip(path: string): ReadClip {
	const accessUnits: AccessUnit[] = [];
	const faults: string[] = [];
	let decode: DecodeInformation = {};
	const sink = {
		accessUnit: (accessUnit: AccessUnit) => accessUnits.push(accessUnit),
		decodeInformation: (told: DecodeInformation) => (decode = told),
		fault: (error: Error) => faults.push(error.message),
	};
	const reader = new MpegTsReader(sink);
	reader.push(readFileSync(path));
	reader.end();
	expect(faults).toEqual([]);
	return { accessUnits, decode };
}

/** The clips as a channel keeps them: units that begin at key pictures, audio shared and sorted in by its time. */
export function unitsOf(clips: readonly ReadClip[], largePictures: boolean): WrittenUnit[][] {
	const audio = clips[0]!.accessUnits.filter(({ track }) => track === "audio");
	return clips.map(({ accessUnits, decode }, rendition) => {
		const all: DecodeInformation = { ...clips[0]!.decode, ...decode };
		const groups: AccessUnit[][] = [];
		for (const coded of accessUnits.filter(({ track }) => track === "video")) {
			const large = coded.key && rendition === 0 && largePictures;
			if (coded.key) groups.push([]);
			groups.at(-1)!.push(large ? { ...coded, data: Buffer.concat([coded.data, FILLER]) } : coded);
		}
		let accessUnitsBefore = 0;
		return groups.map((pictures, number): WrittenUnit => {
			const [key, ...rest] = pictures;
			const from = number === 0 ? Number.NEGATIVE_INFINITY : key!.pts;
			const to = groups[number + 1]?.at(0)?.pts ?? Number.POSITIVE_INFINITY;
			const mine = audio.filter(({ pts }) => pts >= from && pts < to);
			const times = { time: key!.pts, pictureDuration: ticks90k(longestStep(groups[number - 1] ?? pictures)) };
			const head = { number, ...times, accessUnitsBefore, rendition: `r${rendition}`, decode: all };
			const sorted = [key!, ...[...rest, ...mine].sort((a, b) => a.dts - b.dts)];
			accessUnitsBefore += sorted.length;
			return { head, accessUnits: sorted };
		});
	});
}

/** Unit n of rendition n mod 3, changed by a step of 1 or 2, so that every pair of renditions meets. */
export const switching = (renditions: readonly WrittenUnit[][]): WrittenUnit[] =>
	Array.from({ length: UNITS }, (_, n) => renditions[(n + Math.floor(n / 5)) % 3]![n]!);

/** The access units of one track, of all the units. */
export const accessUnitsOf = (units: readonly WrittenUnit[], track: AccessUnit["track"]): AccessUnit[] =>
	units.flatMap(({ accessUnits }) => accessUnits.filter((accessUnit) => accessUnit.track === track));

/** A unit as one viewer was sent it. */
export interface SentUnit extends WrittenUnit {
	/** The viewer was moved to it over a hole. */
	readonly overHole?: boolean;
	/** The viewer got no more of it than this: what closes it was not sent. */
	readonly brokeOff?: boolean;
}

const allocate: Allocate = (length) => new Uint8Array(length);

/**
 * What one viewer gets who starts at the first of these units: numbers that run on over units are shifted to do so.
 * @param firstNumber of the packets, where the packaging numbers them
 */
export function writeResponse(packaging: Packaging, units: readonly SentUnit[], firstNumber = 0): Uint8Array {
	const { numbering } = packaging;
	const start = packaging.responseStart(units[0]!.head, allocate);
	const response: Uint8Array[] = start === undefined ? [] : [start];
	let next = firstNumber;
	for (const unit of units) {
		const hole = unit.overHole ? packaging.hole(unit.head, allocate) : undefined;
		for (const pieces of [hole === undefined ? [] : [hole], piecesOf(packaging, unit)]) {
			for (const piece of pieces) numbering?.shift(piece, next);
			next += pieces.reduce((sum, piece) => sum + (numbering?.count(piece) ?? 0), 0);
			response.push(...pieces);
		}
	}
	return Buffer.concat(response);
}

/** One piece of output for each access unit, and what closes the unit. */
function piecesOf(packaging: Packaging, { head, accessUnits, brokeOff = false }: SentUnit): Uint8Array[] {
	const writer = packaging.openUnit(head);
	const pieces = accessUnits.map((accessUnit) => writer.write(accessUnit, allocate));
	const close = brokeOff ? undefined : writer.close(allocate);
	return close === undefined ? pieces : [...pieces, close];
}

function longestStep(pictures: readonly AccessUnit[]): number {
	const times = pictures.map(({ pts }) => pts).sort((a, b) => a - b);
	return Math.max(0, ...times.slice(1).map((time, index) => time - times[index]!));
}
