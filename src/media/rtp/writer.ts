/**
 * Writes one unit as MPEG-TS in RTP packets, each behind its length. `docs/wire/rtp.md` draws the bytes.
 *
 * A piece of output (an access unit, what closes a unit, a hole) is RTP packets of its own, so it is sent when it is
 * made and never waits to fill a packet up. The transport stream is written at the *end* of the piece's memory, then
 * moved forward packet by packet while the heads are written between: k heads lie between the two when k packets are
 * left, so the move never overtakes what it has yet to read. One copy of the data, no second buffer.
 */
import type { AccessUnit } from "../access-unit.ts";
import { PACKET_BYTES } from "../mpegts/packet.ts";
import { holeTime, MpegTsUnitWriter, writeHole } from "../mpegts/writer.ts";
import type { Allocate, UnitHead, UnitWriter } from "../packaging.ts";
import { HEAD_BYTES, STRIDE_BYTES, TS_PER_PACKET, writeHead } from "./packet.ts";

/** "PNST". The only source in the only stream of its response: it can collide with nobody's. */
const SSRC = 0x504e_5354;
const GROUP_BYTES = TS_PER_PACKET * PACKET_BYTES;

export class RtpUnitWriter implements UnitWriter {
	readonly #ts: MpegTsUnitWriter;
	readonly #room = new PieceRoom();
	#number = 0;

	/** @throws PenstockError STREAM_UNSUPPORTED when MPEG-TS has no form for the unit's tracks, or it has none */
	constructor(head: UnitHead) {
		this.#ts = new MpegTsUnitWriter(head);
	}

	/** @throws PenstockError STREAM_UNSUPPORTED when the access unit is broken or of a track that the head has not */
	write(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		this.#ts.write(accessUnit, this.#room.within(allocate));
		return this.#packetize();
	}

	close(allocate: Allocate): Uint8Array | undefined {
		return this.#ts.close(this.#room.within(allocate)) && this.#packetize();
	}

	#packetize(): Uint8Array {
		const piece = this.#room.take();
		this.#number += packetize(piece, false, this.#number, this.#ts.programTime);
		return piece;
	}
}

/** What a viewer gets before a unit to which it was moved over a hole: the marker says that the timestamps jump. */
export function writeRtpHole(head: UnitHead, allocate: Allocate): Uint8Array {
	const room = new PieceRoom();
	writeHole(head, room.within(allocate));
	const piece = room.take();
	packetize(piece, true, 0, holeTime(head));
	return piece;
}

/** Memory for a piece of RTP, of which the transport stream's writer is given the end. */
class PieceRoom {
	#allocate: Allocate | undefined;
	#piece: Uint8Array | undefined;
	readonly #forTs: Allocate = (tsBytes) => {
		const piece = this.#allocate!(tsBytes + HEAD_BYTES * Math.ceil(tsBytes / GROUP_BYTES));
		this.#piece = piece;
		return piece.subarray(piece.length - tsBytes);
	};

	within(allocate: Allocate): Allocate {
		this.#allocate = allocate;
		return this.#forTs;
	}

	take(): Uint8Array {
		const piece = this.#piece!;
		this.#piece = undefined;
		this.#allocate = undefined;
		return piece;
	}
}

/**
 * Makes RTP packets of a piece that ends with transport stream packets.
 * @param marker of the first packet
 * @param number of the first packet
 * @returns how many packets it made
 */
function packetize(piece: Uint8Array, marker: boolean, number: number, timestamp: number): number {
	const packets = Math.ceil(piece.length / STRIDE_BYTES);
	let from = packets * HEAD_BYTES;
	let to = 0;
	for (let i = 0; i < packets; i++) {
		const payloadBytes = Math.min(GROUP_BYTES, piece.length - from);
		writeHead(piece, to, payloadBytes, marker && i === 0, number + i, timestamp, SSRC);
		piece.copyWithin(to + HEAD_BYTES, from, from + payloadBytes);
		from += payloadBytes;
		to += HEAD_BYTES + payloadBytes;
	}
	return packets;
}
