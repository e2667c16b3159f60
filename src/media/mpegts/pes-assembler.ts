/**
 * Puts the PES packets of one PID together from packets' payloads. One with a length is handed on with its last byte;
 * one without, when the next begins.
 * Invariant: at most `MOST_PES_BYTES` are kept; a PES packet that is larger, or of which a packet was lost, is dropped
 * whole and told.
 */
import { PES_START_BYTES } from "./pes.ts";

/** No picture of a stream that Penstock carries comes near. */
export const MOST_PES_BYTES = 4 * 2 ** 20;
const FIRST_ROOM = 4096;

export class PesAssembler {
	readonly #sink: (pes: Uint8Array) => void;
	readonly #onDropped: (what: string) => void;
	#buffer = new Uint8Array(FIRST_ROOM);
	#length = 0;
	#open = false;

	/**
	 * @param sink gets a PES packet, header first; a view, valid during the call
	 * @param onDropped told of each PES packet that was cut short, damaged or too large
	 */
	constructor(sink: (pes: Uint8Array) => void, onDropped: (what: string) => void) {
		this.#sink = sink;
		this.#onDropped = onDropped;
	}

	/** What is kept for the PES packet that has begun, in bytes. */
	get heldBytes(): number {
		return this.#length;
	}

	push(payload: Uint8Array, startsUnit: boolean): void {
		if (startsUnit) {
			this.end();
			this.#open = true;
		}
		if (!this.#open) return;
		if (this.#length + payload.length > MOST_PES_BYTES) {
			this.#drop(`a PES packet has more than ${MOST_PES_BYTES} bytes`);
			return;
		}
		this.#reserve(this.#length + payload.length);
		this.#buffer.set(payload, this.#length);
		this.#length += payload.length;
		const whole = this.#wholeBytes();
		if (whole !== undefined && this.#length >= whole) this.#finish(whole);
	}

	/** Nothing more belongs to the PES packet that has begun: one without length is whole now. */
	end(): void {
		if (!this.#open) return;
		if (this.#length >= PES_START_BYTES && this.#wholeBytes() === undefined) this.#finish(this.#length);
		else this.#drop("a PES packet is cut short");
	}

	/** Packets were lost: forgets the PES packet that has begun. */
	drop(): void {
		this.#drop("a PES packet has lost a part");
	}

	#drop(why: string): void {
		const begun = this.#open;
		this.#open = false;
		this.#length = 0;
		if (begun) this.#onDropped(why);
	}

	/** The size that PES_packet_length says; undefined where it says none, or has not come yet. */
	#wholeBytes(): number | undefined {
		if (this.#length < PES_START_BYTES) return undefined;
		const length = (this.#buffer[4]! << 8) | this.#buffer[5]!;
		return length === 0 ? undefined : PES_START_BYTES + length;
	}

	#finish(bytes: number): void {
		this.#open = false;
		this.#length = 0;
		this.#sink(this.#buffer.subarray(0, bytes));
	}

	#reserve(bytes: number): void {
		if (bytes <= this.#buffer.length) return;
		const larger = new Uint8Array(Math.max(bytes, 2 * this.#buffer.length));
		larger.set(this.#buffer.subarray(0, this.#length));
		this.#buffer = larger;
	}
}
