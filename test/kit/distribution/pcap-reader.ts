/**
 * Packets of a pcap stream (classic format, little-endian), in parts of any size as they come: Ethernet frames, or IP
 * packets, which get an Ethernet header of zeros.
 */

export interface CapturedPacket {
	/** In milliseconds of the wall clock. */
	readonly atMs: number;
	readonly bytes: Buffer;
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const NANOSECONDS_MAGIC = 0xa1b23c4d;
const MICROSECONDS_MAGIC = 0xa1b2c3d4;
const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;

export class PcapReader {
	#rest: Buffer = Buffer.alloc(0);
	/** Units of a record's fraction in a millisecond; unknown before the file's header. */
	#fractionsPerMs: number | undefined;
	#linkType = LINKTYPE_ETHERNET;

	/** @throws Error where it is another format */
	push(part: Uint8Array): CapturedPacket[] {
		this.#rest = Buffer.concat([this.#rest, part]);
		if (this.#fractionsPerMs === undefined && !this.#readHeader()) return [];
		const packets: CapturedPacket[] = [];
		let at = 0;
		for (;;) {
			const packet = this.#packetAt(at);
			if (packet === undefined) break;
			packets.push({ ...packet, bytes: this.#linkType === LINKTYPE_RAW ? framed(packet.bytes) : packet.bytes });
			at += RECORD_HEADER_BYTES + packet.bytes.length;
		}
		this.#rest = this.#rest.subarray(at);
		return packets;
	}

	#readHeader(): boolean {
		if (this.#rest.length < FILE_HEADER_BYTES) return false;
		const magic = this.#rest.readUInt32LE(0);
		if (magic !== NANOSECONDS_MAGIC && magic !== MICROSECONDS_MAGIC) {
			throw new Error(`a capture starts with 0x${magic.toString(16)}, which is no pcap of this machine's.`);
		}
		this.#fractionsPerMs = magic === NANOSECONDS_MAGIC ? 1e6 : 1e3;
		this.#linkType = this.#rest.readUInt32LE(20);
		this.#rest = this.#rest.subarray(FILE_HEADER_BYTES);
		return true;
	}

	#packetAt(at: number): CapturedPacket | undefined {
		const start = at + RECORD_HEADER_BYTES;
		if (start > this.#rest.length) return undefined;
		const end = start + this.#rest.readUInt32LE(at + 8);
		if (end > this.#rest.length) return undefined;
		const atMs = this.#rest.readUInt32LE(at) * 1000 + this.#rest.readUInt32LE(at + 4) / this.#fractionsPerMs!;
		return { atMs, bytes: this.#rest.subarray(start, end) };
	}
}

function framed(packet: Buffer): Buffer {
	const header = Buffer.alloc(14);
	header.writeUInt16BE(packet[0]! >> 4 === 6 ? 0x86dd : 0x0800, 12);
	return Buffer.concat([header, packet]);
}

/** A pcap file of frames, with no times. */
export function pcapFile(frames: readonly Buffer[]): Buffer {
	const header = Buffer.alloc(FILE_HEADER_BYTES);
	header.writeUInt32LE(MICROSECONDS_MAGIC, 0);
	header.writeUInt16LE(2, 4);
	header.writeUInt16LE(4, 6);
	header.writeUInt32LE(65_535, 16);
	header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
	const records = frames.map((frame) => {
		const record = Buffer.alloc(RECORD_HEADER_BYTES);
		record.writeUInt32LE(frame.length, 8);
		record.writeUInt32LE(frame.length, 12);
		return Buffer.concat([record, frame]);
	});
	return Buffer.concat([header, ...records]);
}
