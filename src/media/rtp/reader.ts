/**
 * Reads MPEG-TS in RTP packets framed by RFC 4571 that come in pieces of any size: takes the transport stream packets
 * out and gives them to the reader of MPEG-TS.
 *
 * Where something is no RTP packet of MPEG-TS, the next one is looked for: version 2, payload type 33, a length that
 * is right for whole transport stream packets, 0x47 where each of them begins. Numbers that are missing are counted here; what it cost, the transport stream's own counters tell.
 * Invariant: what comes out does not depend on how the input was cut; beside what the reader of MPEG-TS keeps, less
 * than one packet (64 KiB) is kept.
 */
import { PenstockError } from "../../base/errors.ts";
import type { MpegTsCounts } from "../mpegts/counts.ts";
import { MpegTsReader } from "../mpegts/reader.ts";
import type { StreamReader, StreamSink } from "../stream-reader.ts";
import { judgePacket, LENGTH_BYTES, readNumber } from "./packet.ts";

/** The longest that RFC 4571's LENGTH can say, and itself. */
const LONGEST_PACKET = LENGTH_BYTES + 0xffff;
const FIRST_ROOM = 4096;

/** Running totals. */
export interface RtpCounts {
	/** Packets of which the payload was read. */
	readonly packets: number;
	/** Sequence numbers left out between two packets. */
	readonly missing: number;
	/** Packets with the number of the one before: left out. */
	readonly duplicates: number;
	/** Packets whose number lies behind that of the one before: the numbers began afresh. */
	readonly restarts: number;
	/** Places where something was no packet, and the bytes of all of them. */
	readonly skips: number;
	readonly skippedBytes: number;
	/** Of the transport stream in the packets. */
	readonly ts: MpegTsCounts;
}

export class RtpReader implements StreamReader {
	readonly #sink: StreamSink;
	readonly #ts: MpegTsReader;
	/** What has come of a packet, from `#from` to `#to`. */
	#window = new Uint8Array(0);
	#from = 0;
	#to = 0;
	/** Bytes of the input that are dealt with. */
	#offset = 0;
	#last: number | undefined;
	/** Bytes skipped since the last packet. */
	#untold = 0;
	#faults = 0;
	#packets = 0;
	#missing = 0;
	#duplicates = 0;
	#restarts = 0;
	#skips = 0;
	#skippedBytes = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
		this.#ts = new MpegTsReader(sink);
	}

	get heldBytes(): number {
		return this.#to - this.#from + this.#ts.heldBytes;
	}

	/** Of the transport stream too; the offsets in those are of bytes of the transport stream. */
	get faults(): number {
		return this.#faults + this.#ts.faults;
	}

	get counts(): RtpCounts {
		return {
			packets: this.#packets,
			missing: this.#missing,
			duplicates: this.#duplicates,
			restarts: this.#restarts,
			skips: this.#skips,
			skippedBytes: this.#skippedBytes,
			ts: this.#ts.counts,
		};
	}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length; ) {
			if (this.#from === this.#to) {
				at = this.#scan(bytes, at, bytes.length, false);
				this.#keep(bytes.subarray(at));
				return;
			}
			const end = Math.min(at + LONGEST_PACKET, bytes.length);
			this.#keep(bytes.subarray(at, end));
			this.#from = this.#scan(this.#window, this.#from, this.#to, false);
			at = end;
		}
	}

	end(): void {
		this.#from = this.#scan(this.#window, this.#from, this.#to, true);
		this.#tellSkipped();
		this.#ts.end();
	}

	/** @returns where what may be the start of a packet begins; `end` where nothing is left */
	#scan(data: Uint8Array, from: number, end: number, ending: boolean): number {
		let at = from;
		while (at < end) {
			const found = judgePacket(data, at, end, this.#untold > 0 || this.#packets === 0);
			if (found === "cut" && !ending) break;
			let next = at + 1;
			if (typeof found === "object") {
				next = found.next;
				this.#tellSkipped();
				if (this.#follows(readNumber(data, at))) this.#ts.push(data.subarray(found.start, found.end));
			} else if (found === "null" && this.#untold === 0) next = at + LENGTH_BYTES;
			else this.#skip();
			this.#offset += next - at;
			at = next;
		}
		return at;
	}

	/** Counts what lies between this packet and the one before. @returns whether it is a new one */
	#follows(number: number): boolean {
		const step = this.#last === undefined ? 1 : (number - this.#last) & 0xffff;
		if (step === 0) {
			this.#duplicates++;
			return false;
		}
		if (step >= 0x8000) this.#restarts++;
		else this.#missing += step - 1;
		this.#last = number;
		this.#packets++;
		return true;
	}

	#skip(): void {
		if (this.#untold === 0) this.#skips++;
		this.#untold++;
		this.#skippedBytes++;
	}

	#tellSkipped(): void {
		const byteLength = this.#untold;
		if (byteLength === 0) return;
		this.#untold = 0;
		this.#faults++;
		this.#sink.fault?.(
			new PenstockError(
				"RTP_SYNTAX",
				`the RTP stream at byte ${this.#offset - byteLength}: ${byteLength} bytes are no RTP packet of MPEG-TS (payload type 33) behind its length; they were left out.`,
			),
		);
	}

	/** Puts bytes behind those that are kept. What is kept moves to the front only after as many have come. */
	#keep(bytes: Uint8Array): void {
		const kept = this.#to - this.#from;
		const wanted = kept + bytes.length;
		if (this.#to + bytes.length > this.#window.length) {
			const fits = 2 * wanted <= this.#window.length;
			const room = fits ? this.#window : new Uint8Array(Math.max(2 * wanted, FIRST_ROOM));
			room.set(this.#window.subarray(this.#from, this.#to));
			this.#window = room;
			this.#from = 0;
			this.#to = kept;
		}
		this.#window.set(bytes, this.#to);
		this.#to += bytes.length;
	}
}
