/**
 * Program-specific information: the sections that say which PID carries what. One programme, one PMT.
 * Follows ISO/IEC 13818-1, clauses 2.4.4.3 (PAT), 2.4.4.8 (PMT), 2.4.4.1 (pointer_field) and annex A (CRC-32).
 */
export const PAT_PID = 0;
const PAT_TABLE = 0;
const PMT_TABLE = 2;
/** stream_type, table 2-34. */
export const STREAM_TYPE_PRIVATE = 0x06;
export const STREAM_TYPE_ADTS = 0x0f;
export const STREAM_TYPE_H264 = 0x1b;
export const STREAM_TYPE_HEVC = 0x24;
/** A section is at most this long: three bytes, then what twelve bits can say and private sections may use. */
const LONGEST_SECTION = 3 + 4093;
const CRC_BYTES = 4;

export interface ElementaryStream {
	readonly pid: number;
	/** stream_type, table 2-34: 0x1b is H.264, 0x24 HEVC, 0x0f AAC with ADTS; 0x06 says that descriptors tell. */
	readonly streamType: number;
	/** descriptor()s of the stream, one behind the other (clause 2.6). */
	readonly descriptors: Uint8Array;
}

export interface ProgramMap {
	readonly version: number;
	readonly pcrPid: number;
	readonly streams: readonly ElementaryStream[];
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
	let value = byte << 24;
	for (let bit = 0; bit < 8; bit++) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
	return value;
});

/** CRC-32/MPEG-2 (annex A): over a whole section, its CRC_32 included, it is zero. */
export function crc32(data: Uint8Array): number {
	let crc = 0xffff_ffff;
	for (const byte of data) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!;
	return crc >>> 0;
}

/** A section in the long form (section_syntax_indicator 1), section 0 of 0, current. */
function section(table: number, extension: number, version: number, body: readonly number[]): Uint8Array {
	const length = 5 + body.length + CRC_BYTES;
	const head = [
		table,
		0xb0 | (length >> 8),
		length & 0xff,
		extension >> 8,
		extension & 0xff,
		0xc1 | (version << 1),
		0,
		0,
	];
	const out = new Uint8Array(3 + length);
	out.set([...head, ...body]);
	const at = out.length - CRC_BYTES;
	const crc = crc32(out.subarray(0, at));
	out.set([crc >>> 24, crc >>> 16, crc >>> 8, crc], at); // a Uint8Array keeps the low eight bits of each
	return out;
}

/** program_association_section() with one programme. */
export const patSection = (transportStreamId: number, program: number, pmtPid: number): Uint8Array =>
	section(PAT_TABLE, transportStreamId, 0, [program >> 8, program & 0xff, 0xe0 | (pmtPid >> 8), pmtPid & 0xff]);

/** TS_program_map_section() without descriptors of the programme; those of a stream are at most 255 bytes. */
export function pmtSection(program: number, map: ProgramMap): Uint8Array {
	const body = [0xe0 | (map.pcrPid >> 8), map.pcrPid & 0xff, 0xf0, 0]; // PCR_PID, program_info_length
	for (const { streamType, pid, descriptors } of map.streams) {
		body.push(streamType, 0xe0 | (pid >> 8), pid & 0xff, 0xf0, descriptors.length, ...descriptors);
	}
	return section(PMT_TABLE, program, map.version, body);
}

/** The PMT's PID of the first programme; undefined where the section is no PAT, not yet current, or names none. */
export function parsePat(data: Uint8Array): number | undefined {
	if (data[0] !== PAT_TABLE || (data[5]! & 1) === 0) return undefined;
	for (let at = 8; at + 4 <= data.length - CRC_BYTES; at += 4) {
		const program = (data[at]! << 8) | data[at + 1]!;
		if (program !== 0) return ((data[at + 2]! & 0x1f) << 8) | data[at + 3]!;
	}
	return undefined;
}

/** undefined where the section is no PMT, not yet current, or its lengths do not add up. */
export function parsePmt(data: Uint8Array): ProgramMap | undefined {
	const end = data.length - CRC_BYTES;
	if (data[0] !== PMT_TABLE || (data[5]! & 1) === 0 || end < 12) return undefined;
	const streams: ElementaryStream[] = [];
	let at = 12 + (((data[10]! & 0xf) << 8) | data[11]!);
	while (at + 5 <= end) {
		const next = at + 5 + (((data[at + 3]! & 0xf) << 8) | data[at + 4]!);
		const pid = ((data[at + 1]! & 0x1f) << 8) | data[at + 2]!;
		streams.push({ streamType: data[at]!, pid, descriptors: data.slice(at + 5, next) });
		at = next;
	}
	if (at !== end) return undefined;
	return { version: (data[5]! >> 1) & 0x1f, pcrPid: ((data[8]! & 0x1f) << 8) | data[9]!, streams };
}

/** The data of the first descriptor with this tag that `wanted` takes; undefined where there is none. */
export function findDescriptor(
	descriptors: Uint8Array,
	tag: number,
	wanted: (data: Uint8Array) => boolean,
): Uint8Array | undefined {
	for (let at = 0; at + 2 <= descriptors.length; at += 2 + descriptors[at + 1]!) {
		const data = descriptors.subarray(at + 2, at + 2 + descriptors[at + 1]!);
		if (descriptors[at] === tag && wanted(data)) return data;
	}
	return undefined;
}

/**
 * Puts the sections of one PID together: several may share a packet, one may span many.
 * Invariant: at most one section (4096 bytes) is kept.
 */
export class SectionAssembler {
	readonly #sink: (section: Uint8Array) => void;
	readonly #buffer = new Uint8Array(LONGEST_SECTION);
	#length = 0;
	#open = false;
	#crcErrors = 0;

	/** @param sink gets each whole section of the long form whose CRC is right; a view, valid during the call */
	constructor(sink: (section: Uint8Array) => void) {
		this.#sink = sink;
	}

	get crcErrors(): number {
		return this.#crcErrors;
	}

	/** Forgets a section begun: a packet of it was lost. */
	reset(): void {
		this.#open = false;
		this.#length = 0;
	}

	/** @param payload of one packet; a view is enough */
	push(payload: Uint8Array, startsUnit: boolean): void {
		if (!startsUnit) {
			this.#append(payload);
			return;
		}
		const pointer = payload[0] ?? 0;
		if (pointer > 0) this.#append(payload.subarray(1, 1 + pointer));
		this.reset();
		this.#open = true;
		this.#append(payload.subarray(1 + pointer));
	}

	#append(data: Uint8Array): void {
		for (let at = 0; at < data.length; ) {
			if (!this.#open) return;
			const wanted = this.#length < 3 ? 3 : this.#sectionBytes();
			const stuffing = this.#length === 0 && data[at] === 0xff; // to the packet's end
			if (stuffing || wanted > LONGEST_SECTION) {
				this.reset();
				return;
			}
			const taken = Math.min(wanted - this.#length, data.length - at);
			this.#buffer.set(data.subarray(at, at + taken), this.#length);
			this.#length += taken;
			at += taken;
			if (this.#length >= 3 && this.#length === this.#sectionBytes()) this.#finish();
		}
	}

	#sectionBytes(): number {
		return 3 + (((this.#buffer[1]! & 0xf) << 8) | this.#buffer[2]!);
	}

	#finish(): void {
		const whole = this.#buffer.subarray(0, this.#length);
		this.#length = 0;
		const longForm = (whole[1]! & 0x80) !== 0 && whole.length >= 8 + CRC_BYTES;
		if (!longForm) return;
		if (crc32(whole) === 0) this.#sink(whole);
		else this.#crcErrors++;
	}
}
