/**
 * The seam between access units and RTP payloads, the other way round from `depacketizer.ts`: what every payload format
 * does with one access unit. Whoever asks gives memory for each payload and writes the header in front of it.
 */
import type { AccessUnit } from "../access-unit.ts";

export interface PayloadRoom {
	/** The most that a payload may have. */
	readonly mostBytes: number;
	/** @returns memory for the next payload, of just this size, to be written to at once */
	open(payloadBytes: number, marker: boolean): Uint8Array;
}

export interface Packetizer {
	/**
	 * @throws PenstockError RTP_PAYLOAD_TOO_LARGE where the format has no fragments and the access unit does not fit;
	 * STREAM_UNSUPPORTED where the access unit is broken
	 */
	write(accessUnit: AccessUnit, room: PayloadRoom): void;
}
