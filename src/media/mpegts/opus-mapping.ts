/**
 * Opus in MPEG-TS: descriptors and the control header before each packet. ISO/IEC 13818-1 has no stream_type for it;
 * this is the form of the draft "Encapsulation of Opus in MPEG-TS" (opus-codec.org) that FFmpeg, GStreamer and VLC
 * write and read: private data (stream_type 0x06) with the registration descriptor "Opus", and an extension descriptor
 * that says the channels.
 */
import { OPUS_SAMPLE_RATE_HZ, type OpusConfig } from "../opus.ts";
import { findDescriptor } from "./psi.ts";

const REGISTRATION_DESCRIPTOR = 0x05;
const OPUS_IDENTIFIER = [0x4f, 0x70, 0x75, 0x73] as const; // "Opus"
/** extension_descriptor of DVB, with descriptor_tag_extension "user defined". */
const EXTENSION_DESCRIPTOR = 0x7f;
const OPUS_EXTENSION = 0x80;
/** control_header_prefix: 11 bits. */
const CONTROL_PREFIX = 0x7fe0;
const START_TRIM = 0x10;
const END_TRIM = 0x08;
const EXTENSION = 0x04;

/** Streams, coupled streams and mapping of 1 to 8 channels in Vorbis order (RFC 7845, clause 5.1.1.2). */
const VORBIS_LAYOUTS: readonly (readonly [count: number, coupled: number, mapping: readonly number[]])[] = [
	[1, 0, [0]],
	[1, 1, [0, 1]],
	[2, 1, [0, 2, 1]],
	[2, 2, [0, 1, 2, 3]],
	[3, 2, [0, 4, 1, 2, 3]],
	[4, 2, [0, 4, 1, 2, 3, 5]],
	[4, 3, [0, 4, 1, 2, 3, 5, 6]],
	[5, 3, [0, 6, 1, 2, 3, 4, 5, 7]],
];

/** channel_config_code: 1 to 8 channels as Vorbis orders them; undefined for what it cannot say. */
export function opusChannelCode(config: OpusConfig): number | undefined {
	const { channelCount, mappingFamily, streams } = config;
	if (mappingFamily === 0) return channelCount <= 2 ? channelCount : undefined;
	const layout = VORBIS_LAYOUTS[channelCount - 1];
	if (mappingFamily !== 1 || layout === undefined || streams === undefined) return undefined;
	const [count, coupled, mapping] = layout;
	const same = streams.count === count && streams.coupled === coupled;
	return same && mapping.every((from, index) => streams.mapping[index] === from) ? channelCount : undefined;
}

/** The stream's descriptors in the PMT. */
export const opusDescriptors = (channelCode: number): Uint8Array =>
	Uint8Array.from([
		...[REGISTRATION_DESCRIPTOR, OPUS_IDENTIFIER.length, ...OPUS_IDENTIFIER],
		...[EXTENSION_DESCRIPTOR, 2, OPUS_EXTENSION, channelCode],
	]);

/** The configuration that a stream's descriptors say; undefined where it is no Opus, or of a layout not carried. */
export function opusConfigOf(descriptors: Uint8Array): OpusConfig | undefined {
	const isOpus = (data: Uint8Array): boolean => OPUS_IDENTIFIER.every((letter, index) => data[index] === letter);
	if (!findDescriptor(descriptors, REGISTRATION_DESCRIPTOR, isOpus)) return undefined;
	const extension = findDescriptor(descriptors, EXTENSION_DESCRIPTOR, (data) => data[0] === OPUS_EXTENSION);
	const channelCount = extension?.[1] ?? 0;
	const layout = VORBIS_LAYOUTS[channelCount - 1];
	if (layout === undefined) return undefined;
	const [count, coupled, mapping] = layout;
	const inOneStream = channelCount <= 2;
	return {
		codec: "opus",
		sampleRateHz: OPUS_SAMPLE_RATE_HZ,
		channelCount,
		preSkip: 0, // not said here, nor the next
		inputSampleRateHz: 0,
		mappingFamily: inOneStream ? 0 : 1,
		...(!inOneStream && { streams: { count, coupled, mapping: Uint8Array.from(mapping) } }),
		codecString: "opus",
	};
}

/** opus_control_header() without trims: two bytes, then the packet's size in steps of 255. */
export const opusHeaderBytes = (packetBytes: number): number => 3 + Math.floor(packetBytes / 255);

export function writeOpusHeader(out: Uint8Array, at: number, packetBytes: number): void {
	out[at] = CONTROL_PREFIX >> 8;
	out[at + 1] = CONTROL_PREFIX & 0xff;
	const last = at + opusHeaderBytes(packetBytes) - 1;
	out.fill(0xff, at + 2, last);
	out[last] = packetBytes % 255;
}

/** The packet behind the control header at `at`; undefined where there is no whole one. Trims are read past. */
export function readOpusPacket(data: Uint8Array, at: number): { start: number; end: number } | undefined {
	const flags = data[at + 1]!;
	if (at + 3 > data.length || data[at] !== CONTROL_PREFIX >> 8 || (flags & 0xe0) !== 0xe0) return undefined;
	let start = at + 2;
	let bytes = 0;
	while (data[start] === 0xff) {
		bytes += 0xff;
		start++;
	}
	bytes += data[start++] ?? Number.POSITIVE_INFINITY;
	if (flags & START_TRIM) start += 2;
	if (flags & END_TRIM) start += 2;
	if (flags & EXTENSION) start += 1 + (data[start] ?? 0);
	const end = start + bytes;
	return bytes > 0 && end <= data.length ? { start, end } : undefined;
}
