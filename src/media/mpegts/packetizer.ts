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
	PRIVATE_DATA,
	RANDOM_ACCESS,
	writePacketHead,
	writePrivateData,
} from "./packet.ts";
import { PES_START_BYTES, STREAM_ID_PADDING, writePesStart } from "./pes.ts";

/** What rides in the adaptation field of a PES packet's first packet. */
export interface FirstPacket {
	readonly randomAccess: boolean;
	/** 33 bits, or `NO_PCR`. */
	readonly pcr: number;
	/** transport_private_data, up to 160 bytes: the PES header must find room behind it. */
	readonly privateData?: Uint8Array | undefined;
}

const flagsOf = (first: FirstPacket): number =>
	(first.randomAccess ? RANDOM_ACCESS : 0) | (first.privateData ? PRIVATE_DATA : 0);

/** What the first packet of a PES packet can carry of it. */
const firstRoom = (first: FirstPacket): number =>
	PAYLOAD_BYTES - adaptationBytes(flagsOf(first), first.pcr, first.privateData?.length ?? 0);

/** Packets that a PES packet of `pesBytes` takes. */
export function packetsOf(pesBytes: number, first: FirstPacket): number {
	return 1 + Math.ceil(Math.max(0, pesBytes - firstRoom(first)) / PAYLOAD_BYTES);
}

/**
 * What brings a counter round: one PES packet of the padding stream (clause 2.4.3.7), or packets whose payload has no
 * byte. The second is for audio: GStreamer takes the padding stream for data of the track, by which its parser of AAC
 * loses a frame now and then, and its reader of Opus the rest of the stream.
 */
export type PaddingForm = "padding-stream" | "empty-packets";

/** One elementary stream's PID and its continuity counter, which starts at 0 in every unit. */
export class Packetizer {
	readonly pid: number;
	readonly #padding: PaddingForm;
	#counter = 0;

	constructor(pid: number, padding: PaddingForm) {
		this.pid = pid;
		this.#padding = padding;
	}

	/**
	 * Cuts the PES packet that ends at `end` into the packets that end there too.
	 * @param pesBytes of the PES packet; it starts at `end - pesBytes`
	 */
	cut(out: Uint8Array, end: number, pesBytes: number, first: FirstPacket): void {
		let at = end - packetsOf(pesBytes, first) * PACKET_BYTES;
		let payload = Math.min(pesBytes, firstRoom(first));
		writePacketHead(out, at, this.pid, true, this.#counter++, payload, flagsOf(first), first.pcr);
		if (first.privateData) writePrivateData(out, at, first.privateData);
		for (let left = pesBytes; ; ) {
			out.copyWithin(at + PACKET_BYTES - payload, end - left, end - left + payload);
			left -= payload;
			if (left === 0) return;
			at += PACKET_BYTES;
			payload = Math.min(left, PAYLOAD_BYTES);
			writePacketHead(out, at, this.pid, false, this.#counter++, payload, 0, NO_PCR);
		}
	}

	/** Writes a packet of adaptation field alone with a PCR; the counter stays (clause 2.4.3.3). */
	pcrPacket(out: Uint8Array, at: number, pcr: number): void {
		writePacketHead(out, at, this.pid, false, this.#counter - 1, 0, 0, pcr);
	}

	/** Packets of padding that bring the counter round to 0: 0 to 15. */
	get packetsToZero(): number {
		return -this.#counter & 0xf;
	}

	/** Writes `packets` packets that advance the counter and say nothing. */
	pad(out: Uint8Array, at: number, packets: number): void {
		if (packets === 0) return;
		const end = at + packets * PACKET_BYTES;
		if (this.#padding === "empty-packets") {
			for (let to = at; to < end; to += PACKET_BYTES) writeEmptyPacket(out, to, this.pid, this.#counter++);
			return;
		}
		const pesBytes = packets * PAYLOAD_BYTES;
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

/** Writes a packet that says to have payload, which advances the counter, and is filled by its adaptation field. */
function writeEmptyPacket(out: Uint8Array, at: number, pid: number, counter: number): void {
	writePacketHead(out, at, pid, false, counter, 0, 0, NO_PCR);
	out[at + 3]! |= 0x10; // adaptation_field_control '11'
}
