/**
 * One direction of a link, as arithmetic: a FIFO of so many bytes that drops what does not fit, served at a rate, and
 * then a delay that is the same for everyone. A packet's time of service is computed and not waited for, so that the
 * rate is exact however late anybody looks. Times are milliseconds of one clock and never go back.
 */

export interface LinkDirection {
	readonly rateBps: number;
	/** What may wait; one packet always may. */
	readonly queueBytes: number;
	/** What a token bucket lets pass at once after a pause; 0 where this is left out: the link is a wire. */
	readonly burstBytes?: number;
}

export interface LinkCounts {
	/** Taken in, without those dropped. */
	readonly packets: number;
	readonly bytes: number;
	readonly droppedPackets: number;
	readonly droppedBytes: number;
	/** The most that waited since the counts were read last. */
	readonly peakQueuedBytes: number;
}

/** A power of two. In `LinkQueue`, a packet's place in the ring is its number modulo this. */
export const RING_PACKETS = 4096;

export class LinkQueue {
	#bitsPerMs: number;
	readonly #queueBytes: number;
	readonly #burstBits: number;
	readonly #delayMs: number;
	readonly #sizes = new Int32Array(RING_PACKETS);
	readonly #dueAt = new Float64Array(RING_PACKETS);
	/** Numbers of packets: the next to leave, the next to be served, the next to come. */
	#leaving = 0;
	#serving = 0;
	#coming = 0;
	/** Up to when the link's time has been used; `#tokens` are bits served of the packet being served, or saved. */
	#clock = 0;
	#tokens = 0;
	#queuedBytes = 0;
	#counts = { packets: 0, bytes: 0, droppedPackets: 0, droppedBytes: 0, peakQueuedBytes: 0 };

	constructor({ rateBps, queueBytes, burstBytes = 0 }: LinkDirection, delayMs: number) {
		this.#bitsPerMs = rateBps / 1000;
		this.#queueBytes = queueBytes;
		this.#burstBits = burstBytes * 8;
		this.#delayMs = delayMs;
	}

	/** Where in the ring the next packet is to be put before `offer`. */
	get place(): number {
		return this.#coming & (RING_PACKETS - 1);
	}

	get counts(): LinkCounts {
		const counts = { ...this.#counts };
		this.#counts.peakQueuedBytes = this.#queuedBytes;
		return counts;
	}

	/** When the next packet leaves, as things are now; infinite when there is none. */
	get nextDueAt(): number {
		if (this.#leaving !== this.#serving) return this.#dueAt[this.#leaving & (RING_PACKETS - 1)]!;
		return this.#serving === this.#coming ? Number.POSITIVE_INFINITY : this.#servedAt() + this.#delayMs;
	}

	setRate(bitsPerSecond: number, now: number): void {
		this.#serve(now);
		this.#bitsPerMs = bitsPerSecond / 1000;
	}

	/** @returns false when it was dropped */
	offer(bytes: number, now: number): boolean {
		this.#serve(now);
		const isFull = this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#queueBytes;
		if (isFull || this.#coming - this.#leaving === RING_PACKETS) {
			this.#counts.droppedPackets++;
			this.#counts.droppedBytes += bytes;
			return false;
		}
		this.#sizes[this.place] = bytes;
		this.#coming++;
		this.#queuedBytes += bytes;
		this.#counts.packets++;
		this.#counts.bytes += bytes;
		this.#counts.peakQueuedBytes = Math.max(this.#counts.peakQueuedBytes, this.#queuedBytes);
		return true;
	}

	/** Takes the next packet that has left by now: its place in the ring, or -1. */
	take(now: number): number {
		this.#serve(now);
		const place = this.#leaving & (RING_PACKETS - 1);
		if (this.#leaving === this.#serving || this.#dueAt[place]! > now) return -1;
		this.#leaving++;
		return place;
	}

	/** Bytes of the packet at a place in the ring. */
	sizeAt(place: number): number {
		return this.#sizes[place]!;
	}

	#servedAt(): number {
		const missing = this.#sizes[this.#serving & (RING_PACKETS - 1)]! * 8 - this.#tokens;
		return missing <= 0 ? this.#clock : this.#clock + missing / this.#bitsPerMs;
	}

	#serve(now: number): void {
		while (this.#serving !== this.#coming) {
			const servedAt = this.#servedAt();
			if (servedAt > now) break;
			const place = this.#serving & (RING_PACKETS - 1);
			const bytes = this.#sizes[place]!;
			this.#tokens = Math.max(0, this.#tokens + (servedAt - this.#clock) * this.#bitsPerMs - bytes * 8);
			this.#clock = servedAt;
			this.#dueAt[place] = servedAt + this.#delayMs;
			this.#queuedBytes -= bytes;
			this.#serving++;
		}
		if (now <= this.#clock) return;
		this.#tokens += (now - this.#clock) * this.#bitsPerMs;
		this.#clock = now;
		if (this.#serving === this.#coming) this.#tokens = Math.min(this.#tokens, this.#burstBits);
	}
}
