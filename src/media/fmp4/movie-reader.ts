/**
 * What a `moov` says of a fragmented file (ISO/IEC 14496-12, clauses 8.2 to 8.8): its tracks, how to decode them, and
 * what their fragments leave unsaid. Edit lists are read past: the times here are those of the fragments.
 */
import { readUint32 } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import { boxType, type ChildBox, childOf, optionalChildOf, splitBoxes, syntax } from "./box.ts";
import { parseSampleEntry, type SampleEntry } from "./sample-entry.ts";

/** What `trex` says for samples of which a fragment does not. */
interface SampleDefaults {
	/** From 1. */
	readonly entry: number;
	readonly duration: number;
	readonly size: number;
}

export interface Track {
	readonly id: number;
	/** Units of time in a second. */
	readonly timescale: number;
	/** A sample names one of them by its index, from 1. Undefined where it is of a codec that is not carried. */
	readonly entries: readonly (SampleEntry | undefined)[];
	readonly defaults: SampleDefaults;
}

/** The tracks of a file; of several of a kind the first. */
export interface Movie {
	readonly video?: Track;
	readonly audio?: Track;
}

/** More entries than a track has renditions or codecs. */
const MOST_ENTRIES = 64;
const [TRAK, TREX, VIDE, SOUN] = ["trak", "trex", "vide", "soun"].map(boxType);
const NO_DEFAULTS: SampleDefaults = { entry: 1, duration: 0, size: 0 };

/**
 * Reads a `moov`.
 * @param fault told of every track of video or audio that cannot be read or carried
 * @throws PenstockError FMP4_SYNTAX when it is broken, STREAM_UNSUPPORTED when the file is not fragmented
 */
export function parseMovie(payload: Uint8Array, fault: (error: PenstockError) => void): Movie {
	const children = splitBoxes(payload, boxType("moov"));
	const extension = optionalChildOf(children, "mvex");
	if (extension === undefined) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			"a moov without mvex is that of a file that is not fragmented; make it one (FFmpeg: -movflags frag_keyframe+empty_moov+default_base_moof)",
		);
	}
	const defaults = parseDefaults(splitBoxes(extension, boxType("mvex")));
	const movie: { video?: Track; audio?: Track } = {};
	for (const { type, payload: trak } of children) {
		if (type !== TRAK) continue;
		try {
			const { kind, track } = parseTrack(trak, defaults, fault);
			if (kind !== undefined && track.entries.some((entry) => entry !== undefined)) movie[kind] ??= track;
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			fault(thrown);
		}
	}
	return movie;
}

function parseDefaults(children: readonly ChildBox[]): ReadonlyMap<number, SampleDefaults> {
	const defaults = new Map<number, SampleDefaults>();
	for (const { type, payload } of children) {
		if (type !== TREX || payload.length < 24) continue;
		const [entry, duration, size] = [8, 12, 16].map((at) => readUint32(payload, at)) as [number, number, number];
		defaults.set(readUint32(payload, 4), { entry, duration, size });
	}
	return defaults;
}

function parseTrack(
	payload: Uint8Array,
	defaults: ReadonlyMap<number, SampleDefaults>,
	fault: (error: PenstockError) => void,
): { kind: "video" | "audio" | undefined; track: Track } {
	const children = splitBoxes(payload, boxType("trak"));
	const header = childOf(children, "tkhd", 24);
	const media = splitBoxes(childOf(children, "mdia"), boxType("mdia"));
	const mediaHeader = childOf(media, "mdhd", 24);
	const handler = readUint32(childOf(media, "hdlr", 12), 8);
	const kind = handler === VIDE ? "video" : handler === SOUN ? "audio" : undefined;
	// In version 1, the two times in front have 64 bits.
	const id = readUint32(header, header[0] === 1 ? 20 : 12);
	const timescale = readUint32(mediaHeader, mediaHeader[0] === 1 ? 20 : 12);
	if (timescale === 0) throw syntax(`track ${id} has a timescale of 0`);
	const entries = kind === undefined ? [] : parseEntries(media, kind, fault);
	return { kind, track: { id, timescale, entries, defaults: defaults.get(id) ?? NO_DEFAULTS } };
}

function parseEntries(
	media: readonly ChildBox[],
	kind: "video" | "audio",
	fault: (error: PenstockError) => void,
): (SampleEntry | undefined)[] {
	const information = splitBoxes(childOf(media, "minf"), boxType("minf"));
	const table = splitBoxes(childOf(information, "stbl"), boxType("stbl"));
	const description = childOf(table, "stsd", 8);
	const entries = splitBoxes(description.subarray(8), boxType("stsd")).slice(0, MOST_ENTRIES);
	return entries.map(({ type, payload }) => {
		try {
			return parseSampleEntry(type, payload, kind);
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			fault(thrown);
			return undefined;
		}
	});
}
