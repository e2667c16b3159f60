/**
 * Cuts PES packets into transport stream packets, in place: a PES packet is first put together at the *end* of the
 * room for its packets, then moved forward piece by piece while the heads are written between. The move never
 * overtakes what it has yet to read, as k heads of four bytes or more lie between the two when k packets are left. So
 * there is one copy of the data and no object per packet.
 */
import {
	adaptationBytes,
	DISCONTINUITY,
	NO_PCR,
	PACKET_BYTES,
	PAYLOAD_BYTES,
	RANDOM_ACCESS,
	writePacketHead,
} from "./packet.ts";
import { PES_START_BYTES, STREAM_ID_PADDING, writePesStart } from "./pes.ts";

/** What rides in the adaptation field of a PES packet's first packet. */
export interface FirstPacket {
	readonly randomAccess: boolean;
	/** 33 bits, or `NO_PCR`. */
	readonly pcr: number;
}

const flagsOf = (first: FirstPacket): number => (first.randomAccess ? RANDOM_ACCESS : 0);

/** Packets that a PES packet of `pesBytes` takes. */
export function packetsOf(pesBytes: number, first: FirstPacket): number {
	const room = PAYLOAD_BYTES - adaptationBytes(flagsOf(first), first.pcr);
	return 1 + Math.ceil(Math.max(0, pesBytes - room) / PAYLOAD_BYTES);
}

/** One elementary stream's PID and its continuity counter, which starts at 0 in every unit. */
export class Packetizer {
	readonly pid: number;
	#counter = 0;

	constructor(pid: number) {
		this.pid = pid;
	}

	/**
	 * Cuts the PES packet that ends at `end` into the packets that end there too.
	 * @param pesBytes of the PES packet; it starts at `end - pesBytes`
	 */
	cut(out: Uint8Array, end: number, pesBytes: number, first: FirstPacket): void {
		let at = end - packetsOf(pesBytes, first) * PACKET_BYTES;
		let flags = flagsOf(first);
		let pcr = first.pcr;
		for (let left = pesBytes; left > 0; at += PACKET_BYTES) {
			const payload = Math.min(left, PAYLOAD_BYTES - adaptationBytes(flags, pcr));
			writePacketHead(out, at, this.pid, left === pesBytes, this.#counter++, payload, flags, pcr);
			out.copyWithin(at + PACKET_BYTES - payload, end - left, end - left + payload);
			left -= payload;
			flags = 0;
			pcr = NO_PCR;
		}
	}

	/** Writes a packet of adaptation field alone with a PCR; the counter stays (clause 2.4.3.3). */
	pcrPacket(out: Uint8Array, at: number, pcr: number): void {
		writePacketHead(out, at, this.pid, false, this.#counter - 1, 0, 0, pcr);
	}

	/** Packets that bring the counter round to 0: 0 to 15. */
	get packetsToZero(): number {
		return -this.#counter & 0xf;
	}

	/** Writes `packets` packets of payload that hold one PES packet of the padding stream (clause 2.4.3.7). */
	pad(out: Uint8Array, at: number, packets: number): void {
		const end = at + packets * PACKET_BYTES;
		const pesBytes = packets * PAYLOAD_BYTES;
		if (packets === 0) return;
		out.fill(0xff, end - pesBytes, end); // padding_byte
		writePesStart(out, end - pesBytes, STREAM_ID_PADDING, pesBytes - PES_START_BYTES);
		this.cut(out, end, pesBytes, { randomAccess: false, pcr: NO_PCR });
	}
}

/**
 * Writes a packet of adaptation field alone that says: the counter jumps here, and what comes next has the counter
 * `next` (discontinuity_indicator, clause 2.4.3.5).
 * @param pcr the first of the time that follows, on the PID that carries them; else `NO_PCR`
 */
export function writeJump(out: Uint8Array, at: number, pid: number, next: number, pcr: number): void {
	writePacketHead(out, at, pid, false, next - 1, 0, DISCONTINUITY, pcr);
}
