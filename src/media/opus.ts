/**
 * Opus: its identification header (RFC 7845, clause 5.1; "Encapsulation of Opus in ISO Base Media File Format",
 * clause 4.3.2) and how long a packet plays (RFC 6716, clause 3.1). An output gain is read past and written as 0.
 */
import { PenstockError } from "../base/errors.ts";

export interface OpusConfig {
	readonly codec: "opus";
	/** Of the decoder's clock: always 48000 (RFC 7845, clause 4). */
	readonly sampleRateHz: number;
	readonly channelCount: number;
	/** Samples of 48 kHz that a decoder leaves out at the start. */
	readonly preSkip: number;
	/** Of what was encoded; 0 where it is not known. For people only. */
	readonly inputSampleRateHz: number;
	/** 0: mono or stereo in one stream. 1: up to eight channels in Vorbis order, told by `streams`. */
	readonly mappingFamily: number;
	/** Where `mappingFamily` is not 0. */
	readonly streams?: { readonly count: number; readonly coupled: number; readonly mapping: Uint8Array };
	readonly codecString: "opus";
}

export const OPUS_SAMPLE_RATE_HZ = 48_000;
/** A packet plays for at most 120 ms (RFC 6716, clause 3.2.5, R5). */
export const OPUS_MOST_PACKET_SAMPLES = 5760;

const MAGIC = Uint8Array.from("OpusHead", (letter) => letter.charCodeAt(0));
/** Behind the magic and before a channel mapping table; dOps has the same fields, most significant byte first. */
const FIELD_BYTES = 11;

/**
 * Reads an identification header, from its "OpusHead" on.
 * @throws PenstockError STREAM_UNSUPPORTED
 */
export function parseOpusHead(record: Uint8Array): OpusConfig {
	const isHead = MAGIC.every((byte, i) => record[i] === byte);
	// The upper half of the version is the one that must be known (RFC 7845, clause 5.1, item 2).
	if (!isHead || record.length < MAGIC.length + FIELD_BYTES || record[8]! >> 4 !== 0) throw broken("OpusHead", record);
	return parseFields(record.subarray(MAGIC.length), true, "OpusHead");
}

/** Writes an identification header of version 1. */
export function buildOpusHead(config: OpusConfig): Uint8Array {
	return Uint8Array.from([...MAGIC, ...buildFields(config, 1, true)]);
}

/**
 * Reads an OpusSpecificBox's payload, without the box's size and type.
 * @throws PenstockError STREAM_UNSUPPORTED
 */
export function parseDOps(record: Uint8Array): OpusConfig {
	if (record.length < FIELD_BYTES || record[0] !== 0) throw broken("dOps", record);
	return parseFields(record, false, "dOps");
}

/** Writes an OpusSpecificBox's payload. */
export function buildDOps(config: OpusConfig): Uint8Array {
	return Uint8Array.from(buildFields(config, 0, false));
}

/** Samples in one frame at 48 kHz, by the configuration number in the TOC byte (RFC 6716, table 2). */
function frameSamples(configuration: number): number {
	if (configuration < 12) return [480, 960, 1920, 2880][configuration & 3]!;
	if (configuration < 16) return [480, 960][configuration & 1]!;
	return [120, 240, 480, 960][configuration & 3]!;
}

/** How many samples of 48 kHz a packet plays, by its TOC byte; 0 where the packet is broken. */
export function opusPacketSamples(packet: Uint8Array): number {
	const toc = packet[0];
	if (toc === undefined) return 0;
	const samples = frameSamples(toc >> 3);
	switch (toc & 3) {
		case 0:
			return samples;
		case 1: // two frames of one size
			return (packet.length & 1) === 1 ? 2 * samples : 0;
		case 2: // two frames, the first one's length said
			return secondFrameFits(packet) ? 2 * samples : 0;
		default: {
			const total = ((packet[1] ?? 0) & 0x3f) * samples;
			return total <= OPUS_MOST_PACKET_SAMPLES ? total : 0;
		}
	}
}

/** The length of a frame takes one byte up to 251, else two (RFC 6716, clause 3.2.1). */
function secondFrameFits(packet: Uint8Array): boolean {
	const low = packet[1];
	if (low === undefined) return false;
	if (low < 252) return 2 + low <= packet.length;
	const high = packet[2];
	return high !== undefined && 3 + low + 4 * high <= packet.length;
}

function parseFields(fields: Uint8Array, littleEndian: boolean, what: string): OpusConfig {
	const view = new DataView(fields.buffer, fields.byteOffset, fields.byteLength);
	const channelCount = fields[1]!;
	const mappingFamily = fields[10]!;
	const streams = mappingFamily === 0 ? undefined : streamsOf(fields, channelCount, what);
	if (channelCount === 0 || (mappingFamily === 0 && channelCount > 2)) throw broken(what, fields);
	return {
		codec: "opus",
		sampleRateHz: OPUS_SAMPLE_RATE_HZ,
		channelCount,
		preSkip: view.getUint16(2, littleEndian),
		inputSampleRateHz: view.getUint32(4, littleEndian),
		mappingFamily,
		...(streams === undefined ? {} : { streams }),
		codecString: "opus",
	};
}

/** The channel mapping table (RFC 7845, clause 5.1.1). */
function streamsOf(fields: Uint8Array, channelCount: number, what: string): NonNullable<OpusConfig["streams"]> {
	const table = fields.subarray(FIELD_BYTES);
	const count = table[0] ?? 0;
	const coupled = table[1] ?? 0;
	if (table.length < 2 + channelCount || count === 0 || coupled > count) throw broken(what, fields);
	return { count, coupled, mapping: new Uint8Array(table.subarray(2, 2 + channelCount)) };
}

function buildFields(config: OpusConfig, version: number, littleEndian: boolean): Uint8Array {
	const { streams } = config;
	const table = streams === undefined ? [] : [streams.count, streams.coupled, ...streams.mapping];
	const fields = new Uint8Array(FIELD_BYTES + table.length);
	const view = new DataView(fields.buffer);
	fields[0] = version;
	fields[1] = config.channelCount;
	view.setUint16(2, config.preSkip, littleEndian);
	view.setUint32(4, config.inputSampleRateHz, littleEndian);
	fields[10] = config.mappingFamily; // behind the output gain
	fields.set(table, FIELD_BYTES);
	return fields;
}

const broken = (what: string, record: Uint8Array): PenstockError =>
	new PenstockError(
		"STREAM_UNSUPPORTED",
		`${what} of ${record.length} bytes is cut short, of an unknown version or contradicts itself; the source's Opus cannot be carried.`,
	);
