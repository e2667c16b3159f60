/**
 * The elementary stream descriptor, by which `mp4a` says what it is (ISO/IEC 14496-1, clauses 7.2.6.5 to 7.2.6.7; in the
 * box `esds` of 14496-14, clause 6.7.2).
 */
import { PenstockError } from "../../base/errors.ts";
import { syntax, uint16, uint32 } from "./box.ts";

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC_INFO = 5;
const SL_CONFIG = 6;
/** objectTypeIndication: MPEG-4 audio, and AAC as MPEG-2 has it (Main, LC, SSR). */
const AAC_OBJECT_TYPES: readonly number[] = [0x40, 0x66, 0x67, 0x68];
/** streamType (5: audio), upStream, reserved. */
const AUDIO_STREAM = 0x15;
const DECODER_CONFIG_BYTES = 13;

/** The descriptor of an AAC stream. Bit rates and buffer sizes are not known: 0. */
export function elementaryStreamDescriptor(specificConfig: Uint8Array): readonly number[] {
	const decoder = descriptor(DECODER_CONFIG, [
		AAC_OBJECT_TYPES[0]!,
		AUDIO_STREAM,
		...[0, 0, 0], // bufferSizeDB
		...uint32(0), // maxBitrate
		...uint32(0), // avgBitrate
		...descriptor(DECODER_SPECIFIC_INFO, [...specificConfig]),
	]);
	// ES_ID = 0 and no flags; predefined = 2: a sync layer that adds nothing, as in every MP4 file.
	return descriptor(ES_DESCRIPTOR, [...uint16(0), 0, ...decoder, ...descriptor(SL_CONFIG, [2])]);
}

/**
 * The AudioSpecificConfig in a descriptor.
 * @throws PenstockError FMP4_SYNTAX when it is cut, STREAM_UNSUPPORTED when it is of another codec than AAC
 */
export function decoderSpecificInfo(bytes: Uint8Array): Uint8Array {
	const stream = find(bytes, ES_DESCRIPTOR);
	const flags = stream[2] ?? 0;
	// streamDependenceFlag, URL_Flag and its string, OCRstreamFlag
	const url = flags & 0x40 ? 1 + (stream[3 + (flags & 0x80 ? 2 : 0)] ?? 0) : 0;
	const config = find(stream.subarray(3 + (flags & 0x80 ? 2 : 0) + url + (flags & 0x20 ? 2 : 0)), DECODER_CONFIG);
	const objectType = config[0] ?? 0;
	if (!AAC_OBJECT_TYPES.includes(objectType)) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`mp4a with object type 0x${objectType.toString(16)} is not carried, only AAC (0x40)`,
		);
	}
	return find(config.subarray(DECODER_CONFIG_BYTES), DECODER_SPECIFIC_INFO);
}

/** A tag, a length of seven bits to the byte, the payload. */
function descriptor(tag: number, payload: readonly number[]): number[] {
	const length: number[] = [payload.length & 0x7f];
	for (let left = payload.length >> 7; left > 0; left >>= 7) length.unshift(0x80 | (left & 0x7f));
	return [tag, ...length, ...payload];
}

/** The payload of the first descriptor with this tag. */
function find(bytes: Uint8Array, tag: number): Uint8Array {
	for (let at = 0; at < bytes.length; ) {
		const found = bytes[at++];
		let length = 0;
		for (let i = 0; i < 4; i++) {
			const byte = bytes[at++] ?? 0;
			length = (length << 7) | (byte & 0x7f);
			if ((byte & 0x80) === 0) break;
		}
		if (at + length > bytes.length) break;
		if (found === tag) return bytes.subarray(at, at + length);
		at += length;
	}
	throw syntax(`esds has no whole descriptor with tag ${tag}`);
}
