/**
 * What stands in front of media: `ftyp` once a response, `moov` once a unit (ISO/IEC 14496-12, clauses 4.3 and 8.2 to
 * 8.8). A `moov` of a fragmented file has no samples; it says which tracks there are and how to decode them.
 *
 * Invariant: track ids, timescales and their order are the same in every rendition, so that a player which takes a new
 * `moov` goes on with the tracks that it has.
 */
import type { AudioConfig, DecodeInformation, TrackKind, VideoConfig } from "../access-unit.ts";
import { type BoxPart, box, fullBox, uint16, uint32 } from "./box.ts";
import { WRITTEN_TIMESCALE } from "./media-time.ts";
import { audioSampleEntry, videoSampleEntry } from "./sample-entry.ts";

/** By kind, whatever else there is: a channel that gets audio later keeps its video's id. */
export const TRACK_ID: Readonly<Record<TrackKind, number>> = { video: 1, audio: 2 };

/** Sample flags (clause 8.8.3.1). Of a sample that depends on none (sample_depends_on = 2): an IDR picture, audio. */
export const FLAGS_KEY = 0x0200_0000;
/** Of a sample that depends on others (1), and is not a sync sample. */
export const FLAGS_DEPENDENT = 0x0101_0000;

const UNITY_MATRIX = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000].flatMap(uint32);
const ENABLED_IN_MOVIE = 3;
/** "und" in three times five bits (clause 8.4.2.3). */
const LANGUAGE_UNDETERMINED = 0x55c4;

const zeros = (count: number): BoxPart => new Uint8Array(count);
const letters = (text: string): BoxPart => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** iso6 has `tfdt` and default-base-is-moof; mp41 is for readers that look for the oldest name. */
export const fileType = (): Uint8Array => box("ftyp", letters("iso6"), uint32(0), letters("iso6iso5mp41"));

/** The `moov` of a unit. */
export function movie({ video, audio }: DecodeInformation): Uint8Array {
	const tracks: Uint8Array[] = [];
	const defaults: Uint8Array[] = [];
	if (video !== undefined) {
		tracks.push(videoTrack(video));
		defaults.push(trackDefaults("video", FLAGS_DEPENDENT));
	}
	if (audio !== undefined) {
		tracks.push(audioTrack(audio));
		defaults.push(trackDefaults("audio", FLAGS_KEY));
	}
	return box("moov", movieHeader(), ...tracks, box("mvex", ...defaults));
}

/** Durations of 0: not known, the fragments tell. */
const movieHeader = (): Uint8Array =>
	fullBox(
		"mvhd",
		0,
		0,
		zeros(8), // creation_time, modification_time
		uint32(WRITTEN_TIMESCALE),
		uint32(0), // duration
		uint32(0x0001_0000), // rate
		uint16(0x0100), // volume
		zeros(10),
		UNITY_MATRIX,
		zeros(24),
		uint32(TRACK_ID.audio + 1), // next_track_ID
	);

const videoTrack = (config: VideoConfig): Uint8Array =>
	box(
		"trak",
		trackHeader("video", config.width, config.height),
		media("vide", fullBox("vmhd", 0, 1, zeros(8)), videoSampleEntry(config)),
	);

const audioTrack = (config: AudioConfig): Uint8Array =>
	box("trak", trackHeader("audio", 0, 0), media("soun", fullBox("smhd", 0, 0, zeros(4)), audioSampleEntry(config)));

const trackHeader = (track: TrackKind, width: number, height: number): Uint8Array =>
	fullBox(
		"tkhd",
		0,
		ENABLED_IN_MOVIE,
		zeros(8), // creation_time, modification_time
		uint32(TRACK_ID[track]),
		zeros(4),
		uint32(0), // duration
		zeros(8),
		zeros(4), // layer, alternate_group
		uint16(track === "audio" ? 0x0100 : 0), // volume
		zeros(2),
		UNITY_MATRIX,
		uint32(width * 0x1_0000),
		uint32(height * 0x1_0000),
	);

function media(handler: string, mediaHeader: Uint8Array, entry: Uint8Array): Uint8Array {
	const header = fullBox(
		"mdhd",
		0,
		0,
		zeros(8), // creation_time, modification_time
		uint32(WRITTEN_TIMESCALE),
		uint32(0), // duration
		uint16(LANGUAGE_UNDETERMINED),
		zeros(2),
	);
	const handlerBox = fullBox("hdlr", 0, 0, zeros(4), letters(handler), zeros(12), zeros(1)); // no name
	const data = box("dinf", fullBox("dref", 0, 0, uint32(1), fullBox("url ", 0, 1))); // in this file
	const samples = box(
		"stbl",
		fullBox("stsd", 0, 0, uint32(1), entry),
		fullBox("stts", 0, 0, uint32(0)),
		fullBox("stsc", 0, 0, uint32(0)),
		fullBox("stsz", 0, 0, uint32(0), uint32(0)),
		fullBox("stco", 0, 0, uint32(0)),
	);
	return box("mdia", header, handlerBox, box("minf", mediaHeader, data, samples));
}

const trackDefaults = (track: TrackKind, flags: number): Uint8Array =>
	fullBox(
		"trex",
		0,
		0,
		uint32(TRACK_ID[track]),
		uint32(1), // default_sample_description_index
		uint32(0), // default_sample_duration
		uint32(0), // default_sample_size
		uint32(flags),
	);
