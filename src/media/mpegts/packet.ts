/**
 * Transport stream packets: 188 bytes, a four-byte header, an optional adaptation field, payload.
 * Follows ISO/IEC 13818-1, clauses 2.4.3.2 to 2.4.3.5. Functions work in place on a larger array, so that neither
 * side makes an object for each packet.
 */

export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;
/** What a packet without adaptation field carries. */
export const PAYLOAD_BYTES = 184;
export const NULL_PID = 0x1fff;
/** Width of PTS, DTS and program_clock_reference_base: they wrap every 26.5 hours. */
export const TIME_BITS = 33;
const TIME_MODULUS = 2 ** TIME_BITS;

/** Flags of the adaptation field (clause 2.4.3.4). */
export const DISCONTINUITY = 0x80;
export const RANDOM_ACCESS = 0x40;
export const PRIVATE_DATA = 0x02;
const PCR_FLAG = 0x10;
const PCR_BYTES = 6;
/** Stands where a packet has no program_clock_reference. */
export const NO_PCR = -1;

/** A time on the channel's clock as its 33 bits on the wire; times before zero count back from the modulus. */
export const wrapTime = (ticks: number): number => ((ticks % TIME_MODULUS) + TIME_MODULUS) % TIME_MODULUS;

/**
 * Bytes that the adaptation field needs in front of the payload, its length byte included, without stuffing.
 * @param privateBytes of transport_private_data; they count where `flags` has `PRIVATE_DATA`
 */
export function adaptationBytes(flags: number, pcr: number, privateBytes: number): number {
	const privateData = flags & PRIVATE_DATA ? 1 + privateBytes : 0;
	if (pcr !== NO_PCR) return 2 + PCR_BYTES + privateData;
	return flags === 0 ? 0 : 2 + privateData;
}

/**
 * Writes what stands before the payload of one packet: header and, where flags, a PCR or stuffing ask for it, the
 * adaptation field. The payload belongs in the last `payloadBytes` of the packet.
 * @param counter continuity_counter; only its low four bits count
 * @param payloadBytes 0 to 184; 0 makes a packet of adaptation field alone, which does not advance the counter
 * @param flags `DISCONTINUITY`, `RANDOM_ACCESS` and `PRIVATE_DATA`, or 0; with the last, `writePrivateData` must follow
 * @param pcr 33 bits on the 90 kHz clock, or `NO_PCR`
 */
export function writePacketHead(
	out: Uint8Array,
	at: number,
	pid: number,
	startsUnit: boolean,
	counter: number,
	payloadBytes: number,
	flags: number,
	pcr: number,
): void {
	const adaptation = PAYLOAD_BYTES - payloadBytes;
	out[at] = SYNC_BYTE;
	out[at + 1] = (startsUnit ? 0x40 : 0) | (pid >> 8); // transport_error_indicator, payload_unit_start_indicator, PID
	out[at + 2] = pid & 0xff;
	const control = (adaptation > 0 ? 2 : 0) | (payloadBytes > 0 ? 1 : 0);
	out[at + 3] = (control << 4) | (counter & 0xf); // scrambling, adaptation_field_control, continuity_counter
	if (adaptation === 0) return;
	out[at + 4] = adaptation - 1; // adaptation_field_length
	if (adaptation === 1) return;
	out[at + 5] = flags | (pcr === NO_PCR ? 0 : PCR_FLAG);
	let stuffing = at + 6;
	if (pcr !== NO_PCR) {
		writePcr(out, at + 6, pcr);
		stuffing += PCR_BYTES;
	}
	out.fill(0xff, stuffing, at + PACKET_BYTES - payloadBytes);
}

/** Puts transport_private_data (clause 2.4.3.5) into the adaptation field of a packet with the flag `PRIVATE_DATA`. */
export function writePrivateData(out: Uint8Array, at: number, data: Uint8Array): void {
	const start = privateDataOffset(out, at);
	out[at + start] = data.length; // transport_private_data_length
	out.set(data, at + start + 1);
}

/** Where transport_private_data_length stands, from the packet's start: behind PCR, OPCR and splice_countdown. */
function privateDataOffset(data: Uint8Array, at: number): number {
	const flags = data[at + 5]!;
	return 6 + (flags & PCR_FLAG ? PCR_BYTES : 0) + (flags & 0x08 ? PCR_BYTES : 0) + (flags & 0x04 ? 1 : 0);
}

/** program_clock_reference: base, six reserved bits, an extension of zero (the clock is the 90 kHz one). */
function writePcr(out: Uint8Array, at: number, base: number): void {
	const high = Math.floor(base / 2); // the upper 32 of 33 bits
	out[at] = high >>> 24;
	out[at + 1] = high >>> 16;
	out[at + 2] = high >>> 8;
	out[at + 3] = high;
	out[at + 4] = ((base % 2) << 7) | 0x7e;
	out[at + 5] = 0;
}

export const packetPid = (data: Uint8Array, at: number): number => ((data[at + 1]! & 0x1f) << 8) | data[at + 2]!;
export const packetStartsUnit = (data: Uint8Array, at: number): boolean => (data[at + 1]! & 0x40) !== 0;
export const packetHasError = (data: Uint8Array, at: number): boolean => (data[at + 1]! & 0x80) !== 0;
export const packetIsScrambled = (data: Uint8Array, at: number): boolean => (data[at + 3]! & 0xc0) !== 0;
export const packetCounter = (data: Uint8Array, at: number): number => data[at + 3]! & 0xf;
export const packetHasPayload = (data: Uint8Array, at: number): boolean => (data[at + 3]! & 0x10) !== 0;
const hasAdaptation = (data: Uint8Array, at: number): boolean => (data[at + 3]! & 0x20) !== 0;

/** Flags of the adaptation field; 0 where there is none. */
export const packetFlags = (data: Uint8Array, at: number): number =>
	hasAdaptation(data, at) && data[at + 4]! > 0 ? data[at + 5]! : 0;

/** Where the payload starts, from the packet's start; at or beyond 188 where a broken length leaves none. */
export const payloadOffset = (data: Uint8Array, at: number): number =>
	hasAdaptation(data, at) ? 5 + data[at + 4]! : 4;

/** transport_private_data, a view; undefined where there is none, or where it runs past the adaptation field. */
export function packetPrivateData(data: Uint8Array, at: number): Uint8Array | undefined {
	if ((packetFlags(data, at) & PRIVATE_DATA) === 0) return undefined;
	const start = privateDataOffset(data, at) + 1;
	const fieldEnd = Math.min(payloadOffset(data, at), PACKET_BYTES);
	if (start > fieldEnd) return undefined;
	const end = start + data[at + start - 1]!;
	return end > fieldEnd ? undefined : data.subarray(at + start, at + end);
}

/** The 33 bits of program_clock_reference_base, or `NO_PCR`. */
export function packetPcr(data: Uint8Array, at: number): number {
	if ((packetFlags(data, at) & PCR_FLAG) === 0 || data[at + 4]! < 7) return NO_PCR;
	const high = data[at + 6]! * 2 ** 24 + ((data[at + 7]! << 16) | (data[at + 8]! << 8) | data[at + 9]!);
	return high * 2 + (data[at + 10]! >> 7);
}
