/**
 * Sample entries: the part of a `moov` that says which codec a track has, and how to set its decoder up.
 * ISO/IEC 14496-12 clauses 12.1.3 and 12.2.3; 14496-15 clauses 5.4.2 (avc1) and 8.4.1 (hvc1); "AV1 Codec ISO Media File
 * Format Binding" clause 2.2 (av01); 14496-14 clause 6.7.2 (mp4a); "Encapsulation of Opus in ISO Base Media File
 * Format" clause 4.3 (Opus).
 */
import { PenstockError } from "../../base/errors.ts";
import type { AacConfig } from "../aac.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { AudioConfig, VideoConfig } from "../access-unit.ts";
import { buildAv1C, parseAv1C } from "../av1.ts";
import { buildAvcC, parseAvcC } from "../h264.ts";
import { buildHvcC, parseHvcC } from "../hevc.ts";
import { buildDOps, parseDOps } from "../opus.ts";
import {
	type BoxPart,
	box,
	boxName,
	boxType,
	childOf,
	fullBox,
	readUint16,
	splitBoxes,
	uint16,
	uint32,
} from "./box.ts";
import { decoderSpecificInfo, elementaryStreamDescriptor } from "./descriptor.ts";

/** What a sample entry says. Without a configuration, the parameter sets are in the samples (avc3, hev1). */
export type SampleEntry =
	| { readonly track: "video"; readonly codec: VideoConfig["codec"]; readonly config?: VideoConfig }
	| { readonly track: "audio"; readonly codec: AudioConfig["codec"]; readonly config: AudioConfig };

/** From the entry's reserved bytes to its depth: what is before the codec's own box. */
const VISUAL_BYTES = 78;
const AUDIO_BYTES = 28;
/** QuickTime's sound descriptions are longer (QuickTime File Format, "Sound Sample Descriptions"). */
const QUICKTIME_AUDIO_BYTES = [AUDIO_BYTES, AUDIO_BYTES + 16, AUDIO_BYTES + 36] as const;
/** samplerate has 16 bits in front of the point; 0 says that the codec's own configuration tells it. */
const FASTEST_SAMPLE_RATE = 0xffff;

export function videoSampleEntry(config: VideoConfig): Uint8Array {
	switch (config.codec) {
		case "h264":
			return visual("avc1", config, box("avcC", buildAvcC(config)));
		case "hevc":
			return visual("hvc1", config, box("hvcC", buildHvcC(config)));
		case "av1":
			return visual("av01", config, box("av1C", buildAv1C(config)));
	}
}

export function audioSampleEntry(config: AudioConfig): Uint8Array {
	switch (config.codec) {
		case "aac":
			return audio("mp4a", config, fullBox("esds", 0, 0, elementaryStreamDescriptor(config.specificConfig)));
		case "opus":
			return audio("Opus", config, box("dOps", buildDOps(config)));
	}
}

function visual(letters: string, config: VideoConfig, codecBox: BoxPart): Uint8Array {
	const fields = new Uint8Array(VISUAL_BYTES);
	fields[7] = 1; // data_reference_index
	fields.set(uint16(config.width), 24);
	fields.set(uint16(config.height), 26);
	fields.set(uint32(0x0048_0000), 28); // horizresolution: 72 dpi
	fields.set(uint32(0x0048_0000), 32); // vertresolution
	fields[41] = 1; // frame_count
	fields[75] = 0x18; // depth
	fields.set([0xff, 0xff], 76); // pre_defined = −1
	return box(letters, fields, codecBox);
}

function audio(letters: string, config: AudioConfig, codecBox: BoxPart): Uint8Array {
	const fields = new Uint8Array(AUDIO_BYTES);
	fields[7] = 1; // data_reference_index
	fields.set(uint16(config.channelCount), 16);
	fields[19] = 16; // samplesize
	fields.set(uint16(config.sampleRateHz <= FASTEST_SAMPLE_RATE ? config.sampleRateHz : 0), 24);
	return box(letters, fields, codecBox);
}

/**
 * Reads one entry of an `stsd`.
 * @param entry without its size and type
 * @throws PenstockError STREAM_UNSUPPORTED for another codec or another form of it; FMP4_SYNTAX when it is cut
 */
export function parseSampleEntry(type: number, entry: Uint8Array, track: "video" | "audio"): SampleEntry {
	return track === "video" ? parseVisual(type, entry) : parseAudio(type, entry);
}

const [AVC1, AVC3, HVC1, HEV1, AV01, MP4A, OPUS] = ["avc1", "avc3", "hvc1", "hev1", "av01", "mp4a", "Opus"].map(
	boxType,
);

function parseVisual(type: number, entry: Uint8Array): SampleEntry {
	switch (type) {
		case AVC1:
		case AVC3: {
			const record = codecBox(type, entry, VISUAL_BYTES, "avcC", 6);
			const inBand = (record[5]! & 0x1f) === 0; // numOfSequenceParameterSets
			checkLengthSize(type, record[4]!);
			return { track: "video", codec: "h264", ...(inBand ? {} : { config: parseAvcC(record) }) };
		}
		case HVC1:
		case HEV1: {
			const record = codecBox(type, entry, VISUAL_BYTES, "hvcC", 23);
			const inBand = record[22] === 0; // numOfArrays
			checkLengthSize(type, record[21]!);
			return { track: "video", codec: "hevc", ...(inBand ? {} : { config: parseHvcC(record) }) };
		}
		case AV01: {
			const record = codecBox(type, entry, VISUAL_BYTES, "av1C", 0);
			const inBand = record.length <= 4; // no configOBUs; FFmpeg 5.1 leaves the whole record out of an empty moov
			return { track: "video", codec: "av1", ...(inBand ? {} : { config: parseAv1C(record) }) };
		}
		default:
			throw notCarried(type, "only avc1, avc3, hvc1, hev1 and av01 are carried");
	}
}

function parseAudio(type: number, entry: Uint8Array): SampleEntry {
	const from = QUICKTIME_AUDIO_BYTES[readUint16(entry, 8)] ?? AUDIO_BYTES;
	if (type === MP4A) {
		const config: AacConfig = parseAudioSpecificConfig(
			decoderSpecificInfo(codecBox(type, entry, from, "esds", 4).subarray(4)),
		);
		return { track: "audio", codec: "aac", config };
	}
	if (type === OPUS) {
		return { track: "audio", codec: "opus", config: parseDOps(codecBox(type, entry, from, "dOps", 0)) };
	}
	throw notCarried(type, "only mp4a and Opus are carried");
}

function codecBox(type: number, entry: Uint8Array, from: number, letters: string, leastBytes: number): Uint8Array {
	return childOf(splitBoxes(entry.subarray(from), type), letters, leastBytes);
}

function checkLengthSize(type: number, field: number): void {
	const bytes = (field & 3) + 1;
	if (bytes !== 4) throw notCarried(type, `NAL lengths of ${bytes} bytes are not carried, only of 4`);
}

const notCarried = (type: number, why: string): PenstockError =>
	new PenstockError("STREAM_UNSUPPORTED", `the sample entry ${boxName(type)}: ${why}`);
