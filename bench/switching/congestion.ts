/**
 * What a sender's congestion control does with acknowledgements: how much may be on its way, and how fast it goes out.
 * `tcp.ts` measures (rate samples as in Linux's tcp_rate.c) and asks; `Bbr` and `Cubic` answer.
 */

/** One acknowledgement, as the sender sees it. */
export interface AckSample {
	readonly now: number;
	/** Of the newest segment that it covers. */
	readonly roundTrip: number;
	readonly ackedBytes: number;
	/** Delivered by the time that newest segment went out. */
	readonly priorDelivered: number;
	/** Delivered in all, this acknowledgement included. */
	readonly delivered: number;
	/** Bytes per millisecond; NaN: too short to tell. */
	readonly rate: number;
	/** The application had nothing more to send then: the rate is a lower bound. */
	readonly appLimited: boolean;
	readonly inFlight: number;
	/** Before this acknowledgement, the window held data back. */
	readonly windowLimited: boolean;
}

export interface CongestionControl {
	/** Bytes that may be on their way. */
	readonly window: number;
	/** Bytes per millisecond; Infinity: not paced. */
	readonly pacing: number;
	acked(sample: AckSample): void;
	lost(now: number, bytes: number, inFlight: number, delivered: number): void;
	/** Sends again after nothing was on its way, and not for want of a window. */
	restarted(): void;
}

export const SEGMENT_BYTES = 1448;
const INITIAL_WINDOW = 10 * SEGMENT_BYTES;
const MIN_WINDOW = 4 * SEGMENT_BYTES;

const HIGH_GAIN = 2.885;
/** Linux leaves the wire a little idle, so that queues go. */
const PACING_MARGIN = 0.99;
const BANDWIDTH_ROUNDS = 10;
const FULL_PIPE_GROWTH = 1.25;
const FULL_PIPE_ROUNDS = 3;
const CYCLE_GAINS = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;
const WINDOW_GAIN = 2;
const WINDOW_EXTRA = 3 * SEGMENT_BYTES;

/** BBR v1 as Linux has it, without PROBE_RTT: the least round trip is that of the whole connection. */
export class Bbr implements CongestionControl {
	window = INITIAL_WINDOW;
	pacing: number;
	#mode: "startup" | "drain" | "probe" = "startup";
	readonly #rates = new MaxFilter(BANDWIDTH_ROUNDS);
	#round = 0;
	#nextRound = 0;
	#fullRate = 0;
	#fullRounds = 0;
	#full = false;
	#minRoundTrip: number;
	#phase = 2;
	#phaseAt = 0;
	#lostInPhase = false;

	constructor(roundTrip: number) {
		this.#minRoundTrip = roundTrip;
		this.pacing = (HIGH_GAIN * INITIAL_WINDOW) / roundTrip;
	}

	acked(sample: AckSample): void {
		const { now, rate, appLimited, delivered, inFlight } = sample;
		this.#minRoundTrip = Math.min(this.#minRoundTrip, sample.roundTrip);
		let roundStarts = false;
		if (sample.priorDelivered >= this.#nextRound) {
			this.#nextRound = delivered;
			this.#round++;
			roundStarts = true;
		}
		if (!Number.isNaN(rate) && (!appLimited || rate >= this.#rates.best)) this.#rates.add(this.#round, rate);
		if (roundStarts && !appLimited && !this.#full) this.#checkPipe();
		if (this.#mode === "startup" && this.#full) this.#mode = "drain";
		if (this.#mode === "drain" && inFlight <= this.#product(1)) {
			this.#mode = "probe";
			this.#enterPhase(now, 2);
		}
		if (this.#mode === "probe") this.#cycle(now, inFlight);
		this.#setPacing();
		this.#setWindow(sample);
	}

	lost(_now: number, bytes: number): void {
		this.#lostInPhase = true;
		this.window = Math.max(this.window - bytes, MIN_WINDOW);
	}

	restarted(): void {
		if (this.#mode === "probe") this.pacing = this.#rates.best * PACING_MARGIN;
	}

	#checkPipe(): void {
		if (this.#rates.best >= this.#fullRate * FULL_PIPE_GROWTH) {
			this.#fullRate = this.#rates.best;
			this.#fullRounds = 0;
		} else {
			this.#fullRounds++;
			this.#full = this.#fullRounds >= FULL_PIPE_ROUNDS;
		}
	}

	#cycle(now: number, inFlight: number): void {
		const gain = CYCLE_GAINS[this.#phase]!;
		let over = now - this.#phaseAt > this.#minRoundTrip;
		if (gain > 1) over &&= this.#lostInPhase || inFlight >= this.#product(gain);
		if (gain < 1) over ||= inFlight <= this.#product(1);
		if (over) this.#enterPhase(now, (this.#phase + 1) % CYCLE_GAINS.length);
	}

	#enterPhase(now: number, phase: number): void {
		this.#phase = phase;
		this.#phaseAt = now;
		this.#lostInPhase = false;
	}

	#setPacing(): void {
		if (this.#rates.best === 0) return;
		const pacing = this.#pacingGain() * this.#rates.best * PACING_MARGIN;
		if (this.#full || pacing > this.pacing) this.pacing = pacing;
	}

	#pacingGain(): number {
		if (this.#mode === "startup") return HIGH_GAIN;
		return this.#mode === "drain" ? 1 / HIGH_GAIN : CYCLE_GAINS[this.#phase]!;
	}

	#setWindow({ ackedBytes, delivered }: AckSample): void {
		const target = this.#product(this.#mode === "probe" ? WINDOW_GAIN : HIGH_GAIN) + WINDOW_EXTRA;
		const grown = this.window + ackedBytes;
		if (this.#full) this.window = Math.min(grown, target);
		else if (this.window < target || delivered < INITIAL_WINDOW) this.window = grown;
		this.window = Math.max(this.window, MIN_WINDOW);
	}

	/** Bandwidth × least round trip, times `gain`. */
	#product(gain: number): number {
		return this.#rates.best === 0 ? INITIAL_WINDOW : gain * this.#rates.best * this.#minRoundTrip;
	}
}

/** The largest of the last rounds. */
class MaxFilter {
	readonly #rounds: number;
	/** Falling values at rising times: the first is the largest that still counts. */
	readonly #entries: { round: number; value: number }[] = [];

	constructor(rounds: number) {
		this.#rounds = rounds;
	}

	get best(): number {
		return this.#entries[0]?.value ?? 0;
	}

	add(round: number, value: number): void {
		const entries = this.#entries;
		while (entries.length > 0 && entries.at(-1)!.value <= value) entries.pop();
		const last = entries.at(-1);
		// Several of one round: the largest alone matters, and it is there already.
		if (last === undefined || last.round !== round) entries.push({ round, value });
		while (entries[0]!.round < round - this.#rounds) entries.shift();
	}
}

const CUBIC_SCALE = 0.4;
const CUBIC_BETA = 0.7;

/** CUBIC (RFC 9438) with a slow start that ends when the round trip grows (HyStart); not paced. */
export class Cubic implements CongestionControl {
	window = INITIAL_WINDOW;
	readonly pacing = Number.POSITIVE_INFINITY;
	#threshold = Number.POSITIVE_INFINITY;
	#minRoundTrip: number;
	#before = 0;
	#epochAt: number | undefined;
	/** Losses of data that was sent before this was delivered belong to one event. */
	#recoveredAt = 0;

	constructor(roundTrip: number) {
		this.#minRoundTrip = roundTrip;
	}

	acked({ now, roundTrip, ackedBytes, windowLimited }: AckSample): void {
		this.#minRoundTrip = Math.min(this.#minRoundTrip, roundTrip);
		if (!windowLimited) return;
		if (this.window < this.#threshold) {
			this.window += ackedBytes;
			const patience = Math.min(Math.max(this.#minRoundTrip / 8, 4), 16);
			const isLong = roundTrip > this.#minRoundTrip + patience;
			if (isLong && this.window >= 16 * SEGMENT_BYTES) this.#threshold = this.window;
			return;
		}
		this.#epochAt ??= now;
		const seconds = (now + this.#minRoundTrip - this.#epochAt) / 1000;
		const start = Math.max(this.#before, this.window) / SEGMENT_BYTES;
		const toOrigin = Math.cbrt((start * (1 - CUBIC_BETA)) / CUBIC_SCALE);
		const target = (CUBIC_SCALE * (seconds - toOrigin) ** 3 + start) * SEGMENT_BYTES;
		const growth = Math.max(target - this.window, 0.01 * SEGMENT_BYTES) / this.window;
		this.window += Math.min(growth, 0.5) * ackedBytes;
	}

	lost(now: number, _bytes: number, inFlight: number, delivered: number): void {
		if (delivered < this.#recoveredAt) return;
		this.#recoveredAt = delivered + inFlight;
		this.#before = this.window;
		this.#epochAt = now;
		this.window = Math.max(this.window * CUBIC_BETA, 2 * SEGMENT_BYTES);
		this.#threshold = this.window;
	}

	restarted(): void {}
}
