/**
 * What a viewer's network takes, from the sender's side of its connection (S11): nothing is asked of the viewer, and
 * no byte is sent for it.
 *
 * A live stream says little about its link: it goes at its own rate, which the link need only exceed. There are two
 * moments of truth.
 * - **Busy**: while a queue stands (the oldest byte that is not acknowledged has been due for a while), what is
 *   acknowledged per second is what the link takes.
 * - **Train**: the picture that opens a unit is many times the size of others. When the pipe was idle before it, the
 *   time from its first byte's earliest acknowledgement (sending time + least round trip) to that of a later byte tells
 *   the rate at which the link passed the bytes between. It does not take the last bytes: a receiver may hold back the
 *   acknowledgement of an odd last segment.
 *
 * Neither says anything while the sender itself holds back (`sender-probe.ts`).
 *
 * Looks are dear (a system call each). While nothing happens, one that only tells how much has arrived is enough to see
 * a queue begin (`glance`), and it is taken behind a write, when all that it touches is in the caches already. Whole
 * looks follow a train, and come often while a queue stands. Of a link that takes several times what may be sent, not
 * every train is timed.
 */
import { bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import { AckedRate } from "./acked-rate.ts";
import { BusyRate } from "./busy-rate.ts";
import { CapacityHistory } from "./capacity-history.ts";
import type { LinkReading } from "./link-reading.ts";
import { PlaybackModel } from "./playback-model.ts";
import { SendLog } from "./send-log.ts";
import { SenderProbe } from "./sender-probe.ts";
import type { NetworkState } from "./state.ts";
import { NOTHING, noteArrived, rateOf, rateWithNext, type Train } from "./train.ts";

/** Of Ethernet. Larger ones (loopback has them) are taken for as many of these. */
const MOST_SEGMENT_BYTES = 1448;
/** A receiver holds back an acknowledgement for 40 ms, by a slow tick of its own; senders pace, and so on. */
const ACK_PATIENCE_MS = 55;
/** Behind a write; and by the clock, for a stream that writes nothing. */
const LOOK_MS = 200;
const LOOK_WITHOUT_WRITE_MS = 400;
const LOOK_WHILE_OVERDUE_MS = 40;
/** A decision at a unit's end rests on nothing older. */
const LOOK_AT_END_MS = 100;
/** What only a whole look tells (round trips, the viewer's window) is never older. */
const WHOLE_LOOK_MS = 1000;
/** A link that takes so many times what may be sent is measured so often, and not at each unit. */
const WIDE_RATIO = 4;
const WIDE_LOOK_MS = 2000;
const FIRST_TRAIN_LOOK_MS = 8;
/** A burst is a train if it has so many segments, and so many times the bytes of an ordinary one. */
const TRAIN_SEGMENTS = 2.5;
const TRAIN_TO_ORDINARY = 2.5;
/** Of fewer, a train tells a rate that may be half of the link's. */
const SURE_SEGMENTS = 8;
/** A train is given up after so long. */
const TRAIN_PATIENCE_MS = 1000;
/** What may be on its way while a queue stands: a round trip's worth, so much more, and never less than this. */
const WINDOW_MS = 150;
const LEAST_WINDOW_BYTES = 8 * MOST_SEGMENT_BYTES;
/** The last segments of a train may be acknowledged late. */
const TAIL_SEGMENTS = 2;
const PACED_SHARE = 0.75;
const NO_QUEUE_MS = 12;
const WRITE_WEIGHT = 0.1;
const RECEIVER_WINDOW_MS = 1000;
/** What the stream itself has taken for so long, the link takes. */
const FLOOR_WINDOW_MS = 1000;
/** What was told is mended by a floor that exceeds it by less, and holds for so long. */
const NEWS_RATIO = 1.25;
const TOLD_HOLDS_MS = 3000;
/** With which a live player is taken to begin. */
const ASSUMED_BUFFER = milliseconds(1000);

export class LinkTracker {
	readonly #sent = new SendLog();
	readonly #acked = new AckedRate();
	readonly #busy = new BusyRate(this.#acked);
	readonly #probe = new SenderProbe();
	readonly #history = new CapacityHistory();
	readonly #playback = new PlaybackModel(ASSUMED_BUFFER);
	#last: LinkReading | undefined;
	#lookedAt = Number.NEGATIVE_INFINITY;
	#deliveredBytes = 0;
	#since: number | undefined;
	#nextLookAt = 0;
	#overdue = 0;
	#train: Train | undefined;
	#isWide = false;
	#trainAt = Number.NEGATIVE_INFINITY;
	#burstStart = 0;
	#ordinaryBytes = 0;
	#capacity: number | undefined;
	#capacityAt = 0;
	#basis: NetworkState["basis"] = "floor";
	#receiverMark: { readonly at: number; readonly limited: number } | undefined;
	#receiverLimited = 0;

	get nextLookAt(): Milliseconds {
		return milliseconds(this.#nextLookAt);
	}

	/** For how long a queue had stood at the last look; 0: there was none. */
	get overdue(): Milliseconds {
		return milliseconds(this.#overdue);
	}

	/**
	 * Whether more may be handed to the connection. While a queue stands, what is on its way is bounded by what the link
	 * takes in a round trip and a little more: the rest is better kept where it can still be skipped or switched.
	 */
	get maySend(): boolean {
		if (this.#last === undefined || this.#overdue === 0 || this.#capacity === undefined) return true;
		const window = (this.#capacity * (this.#last.minRoundTrip + WINDOW_MS)) / 8000;
		return this.#sent.sentBytes - this.#deliveredBytes < Math.max(LEAST_WINDOW_BYTES, window);
	}

	/** What is taken to be in the viewer's buffer. */
	get buffer(): Milliseconds {
		return this.#playback.buffer;
	}

	get #segmentBytes(): number {
		return Math.min(this.#last?.segmentBytes ?? MOST_SEGMENT_BYTES, MOST_SEGMENT_BYTES);
	}

	/** Hot path: once per write; allocates only when a train begins. */
	sent(at: Milliseconds, bytes: number, mediaTime: Milliseconds): void {
		const before = this.#sent.sentBytes;
		if (this.#sent.add(at, bytes, mediaTime)) {
			const burst = before - this.#burstStart;
			this.#ordinaryBytes += WRITE_WEIGHT * (burst - this.#ordinaryBytes);
			this.#burstStart = before;
		}
		this.#beginTrain(at);
	}

	#beginTrain(at: Milliseconds): void {
		const start = this.#burstStart;
		const end = this.#sent.sentBytes;
		const train = this.#train;
		if (train !== undefined) {
			if (train.start === start) train.end = end;
			else if (train.nextEnd <= start) return;
			else [train.nextAt, train.nextEnd] = [Math.min(train.nextAt, at), end];
			return;
		}
		const segment = this.#segmentBytes;
		const isTrain = end - start >= Math.max(TRAIN_SEGMENTS * segment, TRAIN_TO_ORDINARY * this.#ordinaryBytes);
		if (!isTrain || this.#overdue > 0 || this.#last?.coarse === true) return;
		if (this.#isWide && at - this.#trainAt < WIDE_LOOK_MS) return;
		this.#trainAt = at;
		const nextEnd = Number.POSITIVE_INFINITY;
		this.#train = { at, start, end, nextAt: nextEnd, nextEnd, looks: 0, first: { ...NOTHING }, last: { ...NOTHING } };
		const firstLook = at + (this.#last?.minRoundTrip ?? 0) + FIRST_TRAIN_LOOK_MS;
		this.#nextLookAt = Math.min(this.#nextLookAt, firstLook);
	}

	/** Whether to look now that something has been written, or a unit ends: a look between those is the clock's. */
	wantsLook(now: Milliseconds, moment: "write" | "unit-end"): boolean {
		return now - this.#lookedAt >= (moment === "write" ? LOOK_MS : LOOK_AT_END_MS);
	}

	/** Nothing may be written for a while: the clock must tell when to look. */
	held(): void {
		this.#nextLookAt = Math.min(this.#nextLookAt, this.#lookedAt + LOOK_MS);
	}

	/** Nothing is to be learnt from the connection but whether a queue begins. */
	isCalm(now: Milliseconds): boolean {
		if (this.#last === undefined || this.#capacity === undefined) return false;
		const wholeLook = this.#isWide ? WIDE_LOOK_MS : WHOLE_LOOK_MS;
		return this.#overdue === 0 && this.#train === undefined && now - this.#last.at < wholeLook;
	}

	/**
	 * A look that tells only how much is acknowledged. Only while calm.
	 * @returns whether it stays calm: a whole look is due otherwise
	 */
	glance(at: Milliseconds, ackedBytes: number): boolean {
		this.#noteAcked(at, ackedBytes);
		if (this.#overdueAt(at, this.#last!.minRoundTrip) > 0) return false;
		this.#deliveredBytes = ackedBytes;
		this.#nextLookAt = at + LOOK_WITHOUT_WRITE_MS;
		return true;
	}

	look(reading: LinkReading): void {
		this.#last = reading;
		this.#since ??= reading.at;
		this.#noteAcked(reading.at, reading.ackedBytes);
		this.#deliveredBytes = reading.deliveredBytes;
		this.#findOverdue(reading);
		this.#acked.add(reading.deliveredBytes, reading.lastAckAt);
		const probing = this.#probe.isSeenIn(reading, this.#sent.sentBytes - reading.deliveredBytes);
		if (probing) {
			this.#train = undefined;
			this.#busy.disturb();
		} else {
			this.#timeTrain(reading);
			this.#measureBusy(reading);
		}
		this.#watchReceiver(reading);
		const next = probing || this.#overdue > 0 ? LOOK_WHILE_OVERDUE_MS : LOOK_WITHOUT_WRITE_MS;
		this.#nextLookAt = Math.min(reading.at + next, this.#nextTrainLook(reading));
	}

	#noteAcked(at: Milliseconds, ackedBytes: number): void {
		this.#lookedAt = at;
		this.#sent.acknowledge(ackedBytes);
		if (this.#sent.ackedMedia > 0) this.#playback.update(at, this.#sent.ackedMedia, this.#sent.sentMedia);
	}

	#overdueAt(at: Milliseconds, minRoundTrip: number): number {
		return this.#sent.isEmpty ? 0 : Math.max(0, at - this.#sent.oldestAt - minRoundTrip - ACK_PATIENCE_MS);
	}

	#findOverdue({ at, minRoundTrip }: LinkReading): void {
		this.#overdue = this.#overdueAt(at, minRoundTrip);
		if (this.#overdue === 0) this.#busy.end();
		// What went before the oldest byte met no queue: it was acknowledged when that byte should have been.
		else if (!this.#busy.isBusy) this.#busy.begin(this.#sent.oldestAt + minRoundTrip, this.#sent.oldestStart);
	}

	#timeTrain({ at, deliveredBytes, lastAckAt, roundTrip, minRoundTrip, pacingRate }: LinkReading): void {
		const train = this.#train;
		if (train === undefined) return;
		const segment = this.#segmentBytes;
		// All of it: the least round trip is that of a small packet, so the first segment's own time is in the train's.
		const bytes = deliveredBytes - train.start;
		if (deliveredBytes < train.end - TAIL_SEGMENTS * segment) {
			if (bytes > 0) noteArrived(train, bytes, lastAckAt);
			if (at - train.at <= TRAIN_PATIENCE_MS) return;
		} else if (deliveredBytes <= train.end) noteArrived(train, bytes, lastAckAt);
		this.#train = undefined;
		const rate = rateOf(train, minRoundTrip) ?? rateWithNext(train, { bytes, at: lastAckAt }, minRoundTrip);
		if (rate === undefined || this.#isMistaken(train, rate, at)) return;
		// Who spreads a train out finds how much it was spread; where it met a queue, it was the link all the same.
		const isPaced = pacingRate > 0 && rate >= PACED_SHARE * pacingRate && roundTrip < minRoundTrip + NO_QUEUE_MS;
		this.#setCapacity(rate, at, isPaced ? "paced" : "train");
	}

	/** A few segments, each with its own round trip, tell too little; the link has just taken more, and no queue stood. */
	#isMistaken({ start, end }: Train, rate: number, at: Milliseconds): boolean {
		if (this.#overdue > 0 || end - start >= SURE_SEGMENTS * this.#segmentBytes) return false;
		return rate < (this.#acked.over(at, FLOOR_WINDOW_MS) ?? 0);
	}

	#measureBusy({ at, lastAckAt }: LinkReading): void {
		if (!this.#busy.isBusy) {
			this.#raiseToFloor(at);
			return;
		}
		const rate = this.#busy.at(at, lastAckAt);
		if (rate === undefined) return;
		this.#train = undefined;
		this.#setCapacity(rate, at, "busy");
	}

	/** A little more than what was told lately mends that, and is no news: the link has still been found to take no more. */
	#raiseToFloor(at: Milliseconds): void {
		const floor = this.#acked.over(at, FLOOR_WINDOW_MS);
		const told = this.#capacity ?? 0;
		if (floor === undefined || floor <= told) return;
		const isNews = floor > NEWS_RATIO * told || at - this.#capacityAt > TOLD_HOLDS_MS;
		if (isNews) this.#setCapacity(floor, at, "floor");
		else this.#capacity = floor;
	}

	#setCapacity(rate: number, at: Milliseconds, basis: NetworkState["basis"]): void {
		this.#capacity = rate;
		this.#capacityAt = at;
		this.#basis = basis;
	}

	#watchReceiver({ at, receiverLimited }: LinkReading): void {
		const mark = this.#receiverMark;
		if (mark !== undefined && at - mark.at < RECEIVER_WINDOW_MS) return;
		if (mark !== undefined) this.#receiverLimited = Math.min(1, (receiverLimited - mark.limited) / (at - mark.at));
		this.#receiverMark = { at, limited: receiverLimited };
	}

	#nextTrainLook({ at, minRoundTrip }: LinkReading): number {
		const train = this.#train;
		if (train === undefined) return Number.POSITIVE_INFINITY;
		let due: number;
		do due = train.at + minRoundTrip + FIRST_TRAIN_LOOK_MS * 2 ** train.looks++;
		while (due <= at);
		return due;
	}

	/**
	 * A unit has been sent whole.
	 * @param most bits per second that may be sent, whatever is decided
	 */
	endUnit(most: number): void {
		if (this.#capacity === undefined) return;
		this.#history.add(this.#capacity, this.#capacityAt);
		this.#isWide = Math.min(this.#capacity, this.#history.expected ?? 0) >= WIDE_RATIO * most;
	}

	/** @returns undefined before the first look */
	state(now: Milliseconds): NetworkState | undefined {
		if (this.#last === undefined) return undefined;
		const { roundTrip, minRoundTrip } = this.#last;
		const sinceLook = this.#overdue > 0 ? now - this.#last.at : 0;
		const seen = this.#overdue > 0 ? this.#capacity : (this.#history.expected ?? this.#capacity);
		return {
			since: milliseconds(this.#since ?? now),
			capacity: seen === undefined ? undefined : bitsPerSecond(seen),
			capacityAt: milliseconds(this.#capacityAt),
			basis: this.#basis,
			overdue: milliseconds(this.#overdue + sinceLook),
			outstandingBytes: this.#sent.sentBytes - this.#deliveredBytes,
			outstandingMedia: milliseconds(Math.max(0, this.#sent.sentMedia - this.#sent.ackedMedia)),
			roundTrip,
			minRoundTrip,
			changes: this.#history.changes,
			variability: this.#history.variability,
			receiverLimited: this.#receiverLimited,
		};
	}
}
