/**
 * One TCP connection from server to viewer, over a `Link` with a drop-tail queue: event by event, exact in time.
 * Segments leave in bursts of one or two as Linux paces them; the viewer acknowledges every second segment at once, an
 * odd one up to 40 ms later or with the next data; a round trip is split evenly. What arrives is told when it becomes
 * certain, which for a queue of one flow is when it is sent, with the time at which it will arrive.
 * Invariant: written = unsent + in flight + acknowledged + lost and not sent again.
 * Not here: retransmission time-outs (an outage delays, and nothing is sent twice for it), the viewer's receive window.
 */
import { Bbr, type CongestionControl, Cubic, SEGMENT_BYTES } from "./congestion.ts";
import type { Link } from "./link.ts";
import type { Conditions } from "./model.ts";

const DELAYED_ACK_MS = 40;
/** Below this rate Linux's BBR sends single segments: 1.2 Mbit/s, in bytes per millisecond. */
const SINGLE_SEGMENT_PACING = 150;
/** Later data of so many segments acknowledged, and what was before it counts as lost (RFC 6675). */
const REORDERING_BYTES = 3 * SEGMENT_BYTES;
const RING = 1 << 14;
const MASK = RING - 1;

/** `bytes` of the stream's beginning are with the viewer from `at` on. Told in order of time. */
export type ArrivalListener = (at: number, bytes: number) => void;

interface Loss {
	readonly sequence: number;
	readonly bytes: number;
	laterBytes: number;
	detectAt: number;
}

export class Connection {
	readonly #link: Link;
	readonly #control: CongestionControl;
	readonly #fifoBytes: number;
	readonly #onArrival: ArrivalListener;
	#now: number;
	#unsent = 0;
	#written = 0;
	#inFlight = 0;
	#delivered = 0;
	#deliveredAt = 0;
	#firstSentAt = 0;
	#appLimitedUntil = 0;
	#nextSendAt = 0;
	#acked = 0;
	#lastAckAt: number;
	#roundTrip = 0;
	#minRoundTrip: number;
	/** In terms of the link's service: where the last byte in the queue will be. */
	#queueEnd = 0;
	#queueStep = 0;
	/** Of the viewer: what it has and has not acknowledged, and the oldest of the packets with it. */
	#heldBytes = 0;
	#heldFrom = 0;
	#heldUntil = 0;
	#arrivedEnd = 0;
	/** Dropped by the queue and not yet sent again; the first is where the viewer waits. */
	readonly #holes: { readonly sequence: number }[] = [];
	readonly #losses: Loss[] = [];
	readonly #again: Loss[] = [];
	/** Packets on their way, a ring: the sender's records as in tcp_rate.c, and when each is acknowledged. */
	#head = 0;
	#tail = 0;
	readonly #bytes = new Float64Array(RING);
	readonly #sentAt = new Float64Array(RING);
	readonly #ackAt = new Float64Array(RING);
	readonly #priorDelivered = new Float64Array(RING);
	readonly #priorDeliveredAt = new Float64Array(RING);
	readonly #priorFirstSentAt = new Float64Array(RING);
	readonly #inOrder = new Float64Array(RING);
	readonly #appLimited = new Uint8Array(RING);
	readonly #sample = {
		now: 0,
		roundTrip: 0,
		ackedBytes: 0,
		priorDelivered: 0,
		delivered: 0,
		rate: 0,
		appLimited: false,
		inFlight: 0,
		windowLimited: false,
	};

	/** Established at `at`, with one round trip measured by its handshake. */
	constructor(link: Link, conditions: Conditions, at: number, onArrival: ArrivalListener) {
		this.#link = link;
		this.#fifoBytes = conditions.fifoBytes;
		this.#onArrival = onArrival;
		this.#now = at;
		this.#lastAckAt = at;
		this.#roundTrip = link.roundTrip(at);
		this.#minRoundTrip = this.#roundTrip;
		this.#control = conditions.congestionControl === "bbr" ? new Bbr(this.#roundTrip) : new Cubic(this.#roundTrip);
	}

	/** Written and not yet sent: what TCP_NOTSENT_LOWAT limits. */
	get unsentBytes(): number {
		return this.#unsent;
	}

	get inFlightBytes(): number {
		return this.#inFlight;
	}

	get writtenBytes(): number {
		return this.#written;
	}

	/** Acknowledged without a gap, as TCP_INFO counts. */
	get ackedBytes(): number {
		return this.#acked;
	}

	/** The same, and what was acknowledged behind a gap. */
	get deliveredBytes(): number {
		return this.#delivered;
	}

	get lastAckAt(): number {
		return this.#lastAckAt;
	}

	/** Smoothed. */
	get roundTrip(): number {
		return this.#roundTrip;
	}

	get minRoundTrip(): number {
		return this.#minRoundTrip;
	}

	/** Bytes per millisecond; Infinity: not paced. */
	get pacing(): number {
		return this.#control.pacing;
	}

	/** Dropped by the network, known to be lost, and not sent again yet. */
	get lostBytes(): number {
		return this.#again.reduce((sum, { bytes }) => sum + bytes, 0);
	}

	/** When the connection next has something to do of itself: call `step` then. */
	get nextAt(): number {
		let next = this.#head === this.#tail ? Number.POSITIVE_INFINITY : this.#ackAt[this.#head & MASK]!;
		if (this.#losses.length > 0) next = Math.min(next, this.#losses[0]!.detectAt);
		const maySend = (this.#unsent > 0 || this.#again.length > 0) && this.#inFlight < this.#control.window;
		return maySend ? Math.min(next, Math.max(this.#nextSendAt, this.#now)) : next;
	}

	/** Does what is due at `nextAt`. */
	step(): void {
		const at = this.nextAt;
		this.#now = at;
		if (this.#losses.length > 0 && this.#losses[0]!.detectAt <= at) this.#detectLoss();
		else if (this.#head !== this.#tail && this.#ackAt[this.#head & MASK]! <= at) this.#acknowledge();
		else this.#send();
	}

	/** All that is due up to `at`. */
	runUntil(at: number): void {
		while (this.nextAt <= at) this.step();
		this.#now = Math.max(this.#now, at);
	}

	/** The application hands `bytes` over; nothing of the past may be due any more. */
	write(at: number, bytes: number): void {
		this.#now = Math.max(this.#now, at);
		if (this.#unsent < SEGMENT_BYTES && this.#inFlight < this.#control.window && this.#again.length === 0) {
			this.#appLimitedUntil = this.#delivered + this.#inFlight || 1;
			if (this.#inFlight === 0) this.#control.restarted();
		}
		this.#written += bytes;
		this.#unsent += bytes;
	}

	#send(): void {
		const lost = this.#again.shift();
		const most = this.#control.pacing < SINGLE_SEGMENT_PACING ? SEGMENT_BYTES : 2 * SEGMENT_BYTES;
		const bytes = lost?.bytes ?? Math.min(this.#unsent, most);
		const sequence = lost?.sequence ?? this.#written - this.#unsent;
		if (lost === undefined) this.#unsent -= bytes;
		const now = this.#now;
		if (this.#inFlight === 0) {
			this.#firstSentAt = now;
			this.#deliveredAt = now;
		}
		this.#inFlight += bytes;
		this.#nextSendAt = now + bytes / this.#control.pacing;
		const served = this.#link.served(now);
		if (this.#queueEnd - served + bytes > this.#fifoBytes) this.#drop(sequence, bytes);
		else this.#transmit(sequence, bytes, Math.max(this.#queueEnd, served) + bytes, lost !== undefined);
	}

	#drop(sequence: number, bytes: number): void {
		// Kept in the order of the stream: what is lost again stands before what was lost first time behind it.
		let index = this.#holes.length;
		while (index > 0 && this.#holes[index - 1]!.sequence >= sequence) index--;
		if (this.#holes[index]?.sequence !== sequence) this.#holes.splice(index, 0, { sequence });
		const detectAt = this.#now + 2 * this.#roundTrip;
		this.#losses.push({ sequence, bytes, laterBytes: 0, detectAt });
	}

	#transmit(sequence: number, bytes: number, end: number, again: boolean): void {
		const now = this.#now;
		if (this.#queueEnd < end - bytes) this.#queueStep = this.#link.stepOf(now);
		const leavesAt = this.#link.timeOf(end, this.#queueStep);
		this.#queueEnd = end;
		this.#queueStep = this.#link.stepOf(leavesAt);
		const half = this.#link.roundTrip(leavesAt) / 2;
		const arrivesAt = leavesAt + half;
		this.#arrivedEnd = Math.max(this.#arrivedEnd, sequence + bytes);
		if (again) this.#fill(sequence);
		const inOrder = this.#holes[0]?.sequence ?? this.#arrivedEnd;
		const slot = this.#tail & MASK;
		if (this.#tail - this.#head >= RING) throw new Error(`More than ${RING} packets are on their way.`);
		this.#bytes[slot] = bytes;
		this.#sentAt[slot] = now;
		this.#priorDelivered[slot] = this.#delivered;
		this.#priorDeliveredAt[slot] = this.#deliveredAt;
		this.#priorFirstSentAt[slot] = this.#firstSentAt;
		this.#appLimited[slot] = this.#appLimitedUntil > 0 ? 1 : 0;
		this.#inOrder[slot] = inOrder;
		this.#ackAt[slot] = arrivesAt + half;
		this.#holdBack(this.#tail, arrivesAt, half, bytes);
		this.#tail++;
		if (this.#losses.length > 0) this.#countLater(bytes, arrivesAt + half);
		this.#onArrival(arrivesAt, inOrder);
	}

	/** The viewer's delayed acknowledgement: sets when this packet, and those that it holds, are acknowledged. */
	#holdBack(packet: number, arrivesAt: number, half: number, bytes: number): void {
		if (this.#heldBytes > 0 && arrivesAt > this.#heldUntil) this.#heldBytes = 0;
		if (this.#heldBytes === 0) {
			this.#heldFrom = packet;
			this.#heldUntil = arrivesAt + DELAYED_ACK_MS;
		}
		this.#heldBytes += bytes;
		const isDue = this.#heldBytes > SEGMENT_BYTES || this.#holes.length > 0;
		const ackAt = (isDue ? arrivesAt : this.#heldUntil) + half;
		for (let index = Math.max(this.#heldFrom, this.#head); index <= packet; index++) this.#ackAt[index & MASK] = ackAt;
		if (isDue) this.#heldBytes = 0;
	}

	#fill(sequence: number): void {
		const index = this.#holes.findIndex((hole) => hole.sequence === sequence);
		if (index >= 0) this.#holes.splice(index, 1);
	}

	/** Three segments behind a dropped one, acknowledged, tell that it is lost. */
	#countLater(bytes: number, ackAt: number): void {
		for (const loss of this.#losses) {
			if (loss.laterBytes >= REORDERING_BYTES) continue;
			loss.laterBytes += bytes;
			if (loss.laterBytes >= REORDERING_BYTES) loss.detectAt = Math.max(ackAt, this.#now);
		}
	}

	#detectLoss(): void {
		const loss = this.#losses.shift()!;
		this.#inFlight -= loss.bytes;
		this.#control.lost(this.#now, loss.bytes, this.#inFlight, this.#delivered);
		this.#again.push(loss);
	}

	#acknowledge(): void {
		const now = this.#now;
		const windowLimited = this.#inFlight >= this.#control.window - 2 * SEGMENT_BYTES;
		const oldest = this.#head & MASK;
		let newest = oldest;
		let bytes = 0;
		while (this.#head !== this.#tail && this.#ackAt[this.#head & MASK]! <= now) {
			newest = this.#head & MASK;
			bytes += this.#bytes[newest]!;
			this.#head++;
		}
		this.#inFlight -= bytes;
		this.#delivered += bytes;
		this.#deliveredAt = now;
		this.#acked = Math.max(this.#acked, this.#inOrder[newest]!);
		this.#lastAckAt = now;
		if (this.#appLimitedUntil > 0 && this.#delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
		this.#firstSentAt = this.#sentAt[newest]!;
		this.#roundTrip += (now - this.#sentAt[oldest]! - this.#roundTrip) / 8;
		const roundTrip = now - this.#sentAt[newest]!;
		this.#minRoundTrip = Math.min(this.#minRoundTrip, roundTrip);
		this.#tellControl(newest, bytes, roundTrip, windowLimited);
	}

	#tellControl(newest: number, bytes: number, roundTrip: number, windowLimited: boolean): void {
		const now = this.#now;
		const sendInterval = this.#sentAt[newest]! - this.#priorFirstSentAt[newest]!;
		const interval = Math.max(sendInterval, now - this.#priorDeliveredAt[newest]!);
		const sample = this.#sample;
		sample.now = now;
		sample.roundTrip = roundTrip;
		sample.ackedBytes = bytes;
		sample.priorDelivered = this.#priorDelivered[newest]!;
		sample.delivered = this.#delivered;
		// A round trip has rounding of its own.
		const isTooShort = interval < this.#minRoundTrip - 1e-6;
		sample.rate = isTooShort ? Number.NaN : (this.#delivered - sample.priorDelivered) / interval;
		sample.appLimited = this.#appLimited[newest] === 1;
		sample.inFlight = this.#inFlight;
		sample.windowLimited = windowLimited;
		this.#control.acked(sample);
	}
}
