/**
 * StreamMuxConfig of LATM (ISO/IEC 14496-3, clause 1.7.3.1), as a description says it (RFC 6416, clause 7.3): one
 * programme, one layer, frames of a length that is said in front of them.
 */
import { BitReader } from "../../base/bits.ts";
import { type AacConfig, parseAudioSpecificConfig } from "../aac.ts";

export interface LatmForm {
	readonly config: AacConfig;
	/** Frames in each AudioMuxElement. */
	readonly framesPerElement: number;
}

const AOT_SBR = 5;
const AOT_PS = 29;
/** Object types whose specific config is GASpecificConfig() without a layer number: AAC Main, LC, SSR and LTP. */
const GENERAL_AUDIO = [1, 2, 3, 4];
const EXPLICIT_FREQUENCY = 15;

/**
 * @returns what it says; or a clause that says why it cannot be carried
 * @throws PenstockError STREAM_UNSUPPORTED for a sample rate or channel layout that is not carried
 */
export function parseStreamMuxConfig(record: Uint8Array): LatmForm | string {
	const reader = new BitReader(record);
	if (reader.bit() !== 0) return "audioMuxVersion 1 is not carried";
	if (reader.bit() !== 1) return "streams of different time framing are not carried";
	const framesPerElement = reader.bits(6) + 1;
	if (reader.bits(4) !== 0 || reader.bits(3) !== 0) return "several programmes or layers are not carried";
	const from = record.length * 8 - reader.bitsLeft;
	if (!skipSpecificConfig(reader)) return "its AudioSpecificConfig is not that of AAC-LC";
	const bits = record.length * 8 - reader.bitsLeft - from;
	if (reader.bitsLeft < 0) return "it is cut short";
	// GStreamer ends it here; what is not there reads as zeros, which is what is wanted.
	if (reader.bits(3) !== 0) return "its frames have no lengths of their own";
	reader.skip(8); // latmBufferFullness
	if (reader.bit() !== 0) return "other data beside the frames is not carried";
	return { config: parseAudioSpecificConfig(bitsOf(record, from, bits)), framesPerElement };
}

/** AudioSpecificConfig(), clause 1.6.2.1. @returns whether it could be read */
function skipSpecificConfig(reader: BitReader): boolean {
	let objectType = reader.bits(5);
	skipFrequency(reader);
	const channels = reader.bits(4);
	if (objectType === AOT_SBR || objectType === AOT_PS) {
		skipFrequency(reader); // of the extension
		objectType = reader.bits(5);
	}
	reader.skip(1); // frameLengthFlag
	if (reader.bit()) reader.skip(14); // dependsOnCoreCoder, coreCoderDelay
	const hasExtension = reader.bit() === 1;
	return GENERAL_AUDIO.includes(objectType) && channels !== 0 && !hasExtension;
}

function skipFrequency(reader: BitReader): void {
	if (reader.bits(4) === EXPLICIT_FREQUENCY) reader.skip(24);
}

/** Bits from anywhere, in bytes of their own, filled up with zeros. */
function bitsOf(record: Uint8Array, from: number, count: number): Uint8Array {
	const reader = new BitReader(record);
	reader.skip(from);
	const out = new Uint8Array(Math.ceil(count / 8));
	for (let i = 0; i < count; i++) out[i >> 3]! |= reader.bit() << (7 - (i & 7));
	return out;
}
