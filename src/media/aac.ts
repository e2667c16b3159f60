/**
 * AAC: AudioSpecificConfig (ISO/IEC 14496-3, clause 1.6.2.1) and the ADTS header (clause 1.A.2.2).
 */
import { BitReader } from "../base/bits.ts";
import { PenstockError } from "../base/errors.ts";

export interface AacConfig {
	readonly codec: "aac";
	/** AudioSpecificConfig as it came. */
	readonly specificConfig: Uint8Array;
	/** 2 is AAC-LC. */
	readonly objectType: number;
	readonly sampleRateHz: number;
	readonly channelCount: number;
	/** RFC 6381, for example `mp4a.40.2`. */
	readonly codecString: string;
}

/** PCM samples in one AAC frame, per channel. */
export const AAC_FRAME_SAMPLES = 1024;
export const ADTS_HEADER_BYTES = 7;

const SAMPLE_RATES_HZ: readonly number[] = [
	96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/**
 * Reads an AudioSpecificConfig.
 * @throws PenstockError STREAM_UNSUPPORTED for a sample rate or channel layout that ADTS cannot say
 */
export function parseAudioSpecificConfig(record: Uint8Array): AacConfig {
	const reader = new BitReader(record);
	let objectType = reader.bits(5);
	if (objectType === 31) objectType = 32 + reader.bits(6);
	const frequencyIndex = reader.bits(4);
	const sampleRateHz = frequencyIndex === 15 ? reader.bits(24) : (SAMPLE_RATES_HZ[frequencyIndex] ?? 0);
	const channelConfiguration = reader.bits(4);
	const channelCount = channelConfiguration === 7 ? 8 : channelConfiguration;
	if (reader.bitsLeft < 0 || !SAMPLE_RATES_HZ.includes(sampleRateHz) || channelCount === 0) {
		throw new PenstockError(
			"STREAM_UNSUPPORTED",
			`AAC with object type ${objectType}, ${sampleRateHz} Hz and channel configuration ${channelConfiguration} is not carried; encode it as AAC-LC.`,
		);
	}
	return {
		codec: "aac",
		specificConfig: new Uint8Array(record), // a copy, which slice of a Buffer is not
		objectType,
		sampleRateHz,
		channelCount,
		codecString: `mp4a.40.${objectType}`,
	};
}

/**
 * Writes the ADTS header of one raw frame into `target` at `at`, without CRC.
 * @param frameBytes length of the raw frame, at most 8184
 */
export function writeAdtsHeader(target: Uint8Array, at: number, config: AacConfig, frameBytes: number): void {
	const length = frameBytes + ADTS_HEADER_BYTES;
	const profile = (config.objectType >= 1 && config.objectType <= 4 ? config.objectType : 2) - 1;
	const frequencyIndex = SAMPLE_RATES_HZ.indexOf(config.sampleRateHz);
	const channels = config.channelCount === 8 ? 7 : config.channelCount;
	target[at] = 0xff; // syncword
	target[at + 1] = 0xf1; // syncword, ID = MPEG-4, layer, protection_absent
	target[at + 2] = (profile << 6) | (frequencyIndex << 2) | (channels >> 2);
	target[at + 3] = ((channels & 3) << 6) | (length >> 11); // channel_configuration, aac_frame_length
	target[at + 4] = (length >> 3) & 0xff;
	target[at + 5] = ((length & 7) << 5) | 0x1f; // adts_buffer_fullness = variable rate
	target[at + 6] = 0xfc; // number_of_raw_data_blocks_in_frame = 0
}

export interface AdtsFrame {
	readonly config: AacConfig;
	/** The raw frame, a view on the data given. */
	readonly raw: Uint8Array;
}

/**
 * Splits the payload of a PES packet into ADTS frames.
 * @throws PenstockError STREAM_UNSUPPORTED when a header is broken or a frame is cut
 */
export function splitAdts(data: Uint8Array): AdtsFrame[] {
	const frames: AdtsFrame[] = [];
	for (let at = 0; at < data.length; ) {
		const left = data.length - at;
		const length =
			left >= ADTS_HEADER_BYTES
				? ((data[at + 3]! & 3) << 11) | (data[at + 4]! << 3) | (data[at + 5]! >> 5)
				: Number.POSITIVE_INFINITY;
		const headerBytes = left >= 2 && data[at + 1]! & 1 ? 7 : 9;
		const inSync = left >= 2 && data[at] === 0xff && (data[at + 1]! & 0xf6) === 0xf0;
		if (!inSync || length > left || length < headerBytes) {
			throw new PenstockError(
				"STREAM_UNSUPPORTED",
				`no whole ADTS frame at byte ${at} of a PES packet of ${data.length} bytes.`,
			);
		}
		frames.push({ config: adtsConfig(data, at), raw: data.subarray(at + headerBytes, at + length) });
		at += length;
	}
	return frames;
}

function adtsConfig(data: Uint8Array, at: number): AacConfig {
	const objectType = (data[at + 2]! >> 6) + 1;
	const frequencyIndex = (data[at + 2]! >> 2) & 0xf;
	const channels = ((data[at + 2]! & 1) << 2) | (data[at + 3]! >> 6);
	return parseAudioSpecificConfig(
		Uint8Array.of((objectType << 3) | (frequencyIndex >> 1), ((frequencyIndex & 1) << 7) | (channels << 3)),
	);
}
