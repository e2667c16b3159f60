/**
 * Linux' TCP_INFO, read through koffi into one buffer for all sockets: a look costs a system call and no allocation but
 * its result. Offsets are those of `struct tcp_info` (linux/tcp.h), to which fields are only ever added.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { LinkReading } from "../switching/link-reading.ts";
import type { KernelTick } from "./kernel-tick.ts";

export const INFO_BYTES = 256;
/** Up to the field `rwnd_limited`, and that: Linux 4.9. */
const LEAST_BYTES = 184;
const SEGMENT = 16;
const SACKED_SEGMENTS = 28;
const LAST_ACK_MS = 56;
const ROUND_TRIP_US = 68;
const WINDOW_SEGMENTS = 80;
const PACING_RATE = 104;
const BYTES_ACKED = 120;
const LEAST_ROUND_TRIP_US = 148;
const RECEIVER_LIMITED_US = 176;
/** What stands there before a round trip has been measured. */
const UNKNOWN_ROUND_TRIP = 0xffff_ffff;

/** System calls that fill a buffer of `INFO_BYTES` with what they tell of a socket; false where they tell nothing. */
export interface TcpCalls {
	/** TCP_INFO, behind which the size is handed over in 32 bits. */
	readonly readInfo: (descriptor: number) => boolean;
	/** SIOCOUTQ: the bytes that are not acknowledged, in 32 bits. Half of the other's price. */
	readonly readUnacknowledged: (descriptor: number) => boolean;
}

export class TcpInfo {
	readonly #calls: TcpCalls;
	readonly #view: DataView;
	readonly #tick: KernelTick;

	/**
	 * @param bind gives the system calls for a buffer, which they get once: to hand memory over costs as much as a call
	 */
	constructor(bind: (buffer: ArrayBuffer) => TcpCalls, tick: KernelTick) {
		this.#tick = tick;
		const buffer = new ArrayBuffer(INFO_BYTES + 4);
		this.#view = new DataView(buffer);
		this.#calls = bind(buffer);
	}

	/**
	 * @param before bytes acknowledged on the connection that do not count
	 * @returns undefined where the kernel tells nothing (any more)
	 */
	look(descriptor: number, now: Milliseconds, before: number): LinkReading | undefined {
		this.#view.setUint32(INFO_BYTES, INFO_BYTES, LITTLE_ENDIAN);
		if (descriptor < 0 || !this.#calls.readInfo(descriptor) || this.#uint32(INFO_BYTES) < LEAST_BYTES) return undefined;
		const least = this.#uint32(LEAST_ROUND_TRIP_US);
		const pacing = this.#uint64(PACING_RATE);
		const segmentBytes = this.#uint32(SEGMENT);
		const ackedBytes = Math.max(0, this.#uint64(BYTES_ACKED) - before);
		return {
			at: now,
			ackedBytes,
			deliveredBytes: ackedBytes + this.#uint32(SACKED_SEGMENTS) * segmentBytes,
			lastAckAt: this.#tick.timeOf(now, this.#uint32(LAST_ACK_MS)),
			roundTrip: milliseconds(this.#uint32(ROUND_TRIP_US) / 1000),
			minRoundTrip: milliseconds(least === UNKNOWN_ROUND_TRIP ? 0 : least / 1000),
			receiverLimited: milliseconds(this.#uint64(RECEIVER_LIMITED_US) / 1000),
			segmentBytes,
			windowSegments: this.#uint32(WINDOW_SEGMENTS),
			pacingRate: Number.isSafeInteger(pacing) ? pacing * 8 : 0,
		};
	}

	/** How many bytes the kernel has that are not acknowledged; undefined where it tells nothing (any more). */
	unacknowledged(descriptor: number): number | undefined {
		return descriptor >= 0 && this.#calls.readUnacknowledged(descriptor) ? this.#uint32(0) : undefined;
	}

	#uint32(offset: number): number {
		return this.#view.getUint32(offset, LITTLE_ENDIAN);
	}

	#uint64(offset: number): number {
		return this.#uint32(offset + 4) * 2 ** 32 + this.#uint32(offset);
	}
}

/** All machines that Penstock runs on are. */
const LITTLE_ENDIAN = true;
