/**
 * What a `moof` says (ISO/IEC 14496-12, clauses 8.8.4 to 8.8.8 and 8.8.12): runs of samples, where their bytes are, and
 * when each is decoded and shown. Samples are read off one by one, as their bytes come, so that a box which claims many
 * costs nothing.
 */
import { readUint32 } from "../../base/bytes.ts";
import type { TrackKind } from "../access-unit.ts";
import { boxType, type ChildBox, childOf, optionalChildOf, readInt32, readUint64, splitBoxes, syntax } from "./box.ts";
import { absoluteTime, later, type MediaTime, mediaTime } from "./media-time.ts";
import type { Movie, Track } from "./movie-reader.ts";

const [TRAF, TRUN] = ["traf", "trun"].map(boxType);

/** tf_flags (clause 8.8.7.1). */
const BASE_DATA_OFFSET = 0x1;
const ENTRY_INDEX = 0x2;
const DEFAULT_DURATION = 0x8;
const DEFAULT_SIZE = 0x10;
const DEFAULT_BASE_IS_MOOF = 0x02_0000;

/** tr_flags (clause 8.8.8.1). */
const DATA_OFFSET = 0x1;
const FIRST_FLAGS = 0x4;
const DURATIONS = 0x100;
const SIZES = 0x200;
const FLAGS = 0x400;
const COMPOSITION_OFFSETS = 0x800;

/** More is damage. */
const MOST_SECONDS_AHEAD = 10;

/** How a track's fragments follow each other, kept over the stream. */
export interface TrackClock {
	/** Where the last fragment ended, for one that does not say when it begins. */
	next: MediaTime;
	/**
	 * The furthest that a sample since the last `moov` was shown before its decoding time, in the timescale: decoding times
	 * are moved back by it. Multiplexers that use such offsets do so to have presentation times right.
	 */
	ahead: number;
	/** Unwraps times of 32 bits (`tfdt` version 0). */
	unwrap(wrapped: number): number;
}

type TrackClocks = Readonly<Record<TrackKind, TrackClock>>;

/** Samples that lie one behind the other. */
export interface Run {
	readonly kind: TrackKind;
	readonly track: Track;
	/** Index of the sample entry, from 1. */
	readonly entry: number;
	/** Time of the fragment that the run is in. */
	readonly base: MediaTime;
	/** `TrackClock.ahead`, with all of the fragment's own offsets. */
	readonly ahead: number;
	readonly samples: SampleTable;
	/** Of the next sample's first byte, in the file. */
	offset: number;
	/** Of the next sample, from `base`, in the track's timescale. */
	elapsed: number;
	/** Samples that are left. */
	left: number;
	/** Of the next sample in the table. */
	at: number;
}

/** A `trun`'s table; what is not in it is the same for all. */
interface SampleTable {
	readonly bytes: Uint8Array;
	readonly entryBytes: number;
	readonly flags: number;
	readonly duration: number;
	readonly size: number;
}

const sizeAt = ({ bytes, flags, size }: SampleTable, at: number): number =>
	flags & SIZES ? readUint32(bytes, at + (flags & DURATIONS ? 4 : 0)) : size;

const durationAt = ({ bytes, flags, duration }: SampleTable, at: number): number =>
	flags & DURATIONS ? readUint32(bytes, at) : duration;

/** Bytes of the run's next sample. */
export const sampleSize = ({ samples, at }: Run): number => sizeAt(samples, at);

/** Read as signed whatever the version: above 2³¹ no offset makes sense, and multiplexers do write it so. */
const offsetAt = ({ bytes, flags, entryBytes }: SampleTable, at: number): number =>
	flags & COMPOSITION_OFFSETS ? readInt32(bytes, at + entryBytes - 4) : 0;

/** From the decoding time that the run's next sample says to its presentation time, in the timescale. */
export const compositionOffset = ({ samples, at }: Run): number => offsetAt(samples, at);

/** Goes on to the next sample. */
export function advance(run: Run): void {
	run.offset += sizeAt(run.samples, run.at);
	run.elapsed += durationAt(run.samples, run.at);
	run.at += run.samples.entryBytes;
	run.left--;
}

/**
 * Reads a `moof`.
 * @param start of the `moof` in the file
 * @param clocks of the movie's tracks; moved on
 * @returns runs of the movie's tracks in the order of their bytes in the file
 * @throws PenstockError FMP4_SYNTAX
 */
export function parseFragment(payload: Uint8Array, start: number, movie: Movie, clocks: TrackClocks): Run[] {
	const runs: Run[] = [];
	let end = start;
	for (const { type, payload: traf } of splitBoxes(payload, boxType("moof"))) {
		if (type === TRAF) end = parseTrackFragment(splitBoxes(traf, type), start, end, movie, clocks, runs);
	}
	return runs.sort((one, other) => one.offset - other.offset);
}

interface FragmentHeader {
	readonly id: number;
	readonly base: number;
	readonly entry?: number;
	readonly duration?: number;
	readonly size?: number;
}

/** `tfhd`. @param end where the data of the track fragment before ends */
function parseHeader(header: Uint8Array, start: number, end: number): FragmentHeader {
	const flags = readUint32(header, 0) & 0xff_ffff;
	let at = 8;
	const field = (flag: number, byteLength: number): number | undefined => {
		if ((flags & flag) === 0) return undefined;
		at += byteLength;
		if (at > header.length) throw syntax(`a box tfhd of ${header.length} bytes is cut short`);
		return byteLength === 8 ? readUint64(header, at - 8) : readUint32(header, at - 4);
	};
	const explicit = field(BASE_DATA_OFFSET, 8);
	const entry = field(ENTRY_INDEX, 4);
	const duration = field(DEFAULT_DURATION, 4);
	const size = field(DEFAULT_SIZE, 4);
	return {
		id: readUint32(header, 4),
		base: explicit ?? (flags & DEFAULT_BASE_IS_MOOF ? start : end),
		...(entry === undefined ? {} : { entry }),
		...(duration === undefined ? {} : { duration }),
		...(size === undefined ? {} : { size }),
	};
}

/** @returns where its data ends */
function parseTrackFragment(
	children: readonly ChildBox[],
	start: number,
	end: number,
	movie: Movie,
	clocks: TrackClocks,
	runs: Run[],
): number {
	const header = parseHeader(childOf(children, "tfhd", 8), start, end);
	const kind = movie.video?.id === header.id ? "video" : movie.audio?.id === header.id ? "audio" : undefined;
	// Of a track that is left out, only the bytes count.
	const track = (kind && movie[kind]) ?? { id: header.id, timescale: 1, entries: [], defaults: NOTHING_SAID };
	const clock = clocks[kind ?? "video"];
	const base = kind === undefined ? clock.next : startTime(optionalChildOf(children, "tfdt", 8), track, clock);
	const mine: Run[] = [];
	let offset = header.base;
	let elapsed = 0;
	for (const { type, payload } of children) {
		if (type !== TRUN) continue;
		const run = parseRun(payload, header, { kind: kind ?? "video", track, base, ahead: 0, offset, elapsed });
		const bytes = total(run.samples, run.left, sizeAt);
		elapsed += total(run.samples, run.left, durationAt);
		offset = run.offset + bytes;
		if (kind !== undefined && bytes > 0) mine.push(run);
	}
	if (kind === undefined) return offset;
	clock.next = later(base, elapsed, track.timescale);
	const most = MOST_SECONDS_AHEAD * track.timescale;
	for (const run of mine) clock.ahead = Math.max(clock.ahead, Math.min(most, furthestAhead(run)));
	for (const run of mine) runs.push({ ...run, ahead: clock.ahead });
	return offset;
}

const NOTHING_SAID = { entry: 1, duration: 0, size: 0 };

/** `tfdt`. */
function startTime(box: Uint8Array | undefined, track: Track, clock: TrackClock): MediaTime {
	if (box === undefined) return clock.next;
	if (box[0] === 0) return mediaTime(clock.unwrap(readUint32(box, 4)), track.timescale);
	if (box.length < 12) throw syntax(`a box tfdt of ${box.length} bytes is cut short`);
	return absoluteTime(box, 4, track.timescale);
}

/** `trun`. */
function parseRun(
	box: Uint8Array,
	header: FragmentHeader,
	known: Pick<Run, "kind" | "track" | "base" | "ahead" | "offset" | "elapsed">,
): Run {
	const flags = box.length >= 8 ? readUint32(box, 0) & 0xff_ffff : 0;
	const count = box.length >= 8 ? readUint32(box, 4) : 0;
	const from = 8 + (flags & DATA_OFFSET ? 4 : 0) + (flags & FIRST_FLAGS ? 4 : 0);
	const entryBytes = [DURATIONS, SIZES, FLAGS, COMPOSITION_OFFSETS].filter((flag) => flags & flag).length * 4;
	if (box.length < from + count * entryBytes) {
		throw syntax(`a box trun of ${box.length} bytes is cut short: it claims ${count} samples`);
	}
	const { defaults } = known.track;
	const duration = header.duration ?? defaults.duration;
	const size = header.size ?? defaults.size;
	const offset = flags & DATA_OFFSET ? header.base + readInt32(box, 8) : known.offset;
	const samples = { bytes: box.subarray(from), entryBytes, flags, duration, size };
	return { ...known, entry: header.entry ?? defaults.entry, samples, offset, left: count, at: 0 };
}

/** The sum over all samples; at most one step for each entry in the table. */
function total(samples: SampleTable, count: number, of: (samples: SampleTable, at: number) => number): number {
	if (samples.entryBytes === 0) return count * of(samples, 0);
	let sum = 0;
	for (let i = 0, at = 0; i < count; i++, at += samples.entryBytes) sum += of(samples, at);
	return sum;
}

function furthestAhead({ samples, left }: Run): number {
	if ((samples.flags & COMPOSITION_OFFSETS) === 0) return 0;
	let least = 0;
	for (let i = 0, at = 0; i < left; i++, at += samples.entryBytes) least = Math.min(least, offsetAt(samples, at));
	return -least;
}
