/**
 * One clock for the RTP streams of a session. A stream's timestamps begin anywhere and count at a rate of their own;
 * they are put on the session's clock (90 kHz) by when its first packet came, and once its sender has reported
 * (RFC 3550, clause 6.4.1) by the sender's wall clock, which is one for all of them.
 *
 * A report rarely says just what was reckoned so far. A stream that has given nothing yet moves at once, another one
 * little by little: its times are stretched or squeezed by at most `SLEW`, so that they keep their order and nobody
 * hears it. Where a sender's wall clock jumps, the streams go on as they are, and what was one time is taken anew.
 * Invariant: within a stream, between jumps of its timestamps, of two timestamps the greater gets the greater time as
 * long as they are not further out of order than twenty times their distance.
 */
import { TICKS_PER_MS } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import { TIMESTAMP_BITS } from "./header.ts";
import type { NtpTime } from "./rtcp.ts";

const TICKS_PER_SECOND = 90_000;
/** Where the session's first packet stands: pictures are decoded before they are shown, and no time is below 0. */
const FIRST_TICKS = TICKS_PER_SECOND;
const SLEW = 0.05;
/** Timestamps that run so much faster or slower than time, between two packets, have jumped. */
const MOST_LEAP_TICKS = 10 * TICKS_PER_SECOND;
/** A stream's first report may move it so far; by more, its clocks have nothing to do with each other. */
const MOST_FIRST_STEP_TICKS = 10 * TICKS_PER_SECOND;
/** A later report that is off by more tells of a wall clock that jumped. */
const MOST_CORRECTION_TICKS = 2 * TICKS_PER_SECOND;

const ticksOf = ({ seconds, fraction }: NtpTime): number =>
	seconds * TICKS_PER_SECOND + (fraction / 2 ** 32) * TICKS_PER_SECOND;

/** What the streams of one session share. */
export class SessionClock {
	#zeroMs: number | undefined;
	/** One moment by the sender's wall clock and by the session's. */
	#anchor: { readonly ntpTicks: number; readonly ticks: number } | undefined;

	/** The session's time of an arrival. */
	atArrival(arrivalMs: number): number {
		this.#zeroMs ??= arrivalMs;
		return FIRST_TICKS + (arrivalMs - this.#zeroMs) * TICKS_PER_MS;
	}

	/** The session's time of a moment of the wall clock; undefined before the first report. */
	atNtp(ntpTicks: number): number | undefined {
		return this.#anchor && this.#anchor.ticks + ntpTicks - this.#anchor.ntpTicks;
	}

	anchor(ntpTicks: number, ticks: number): void {
		this.#anchor = { ntpTicks, ticks };
	}
}

interface Report {
	readonly ntpTicks: number;
	/** 32 bits. */
	readonly timestamp: number;
}

export class StreamClock {
	readonly #session: SessionClock;
	readonly #ticksPerUnit: number;
	#unwrapper = new Unwrapper(TIMESTAMP_BITS);
	#last: { readonly timestamp: number; readonly arrivalMs: number } | undefined;
	/** From a timestamp's ticks to the session's time; moves towards `#wanted`. */
	#offset = 0;
	#wanted = 0;
	/** A report that came before the first packet, as some senders' do. */
	#early: Report | undefined;
	#hasReport = false;
	#leaps = 0;

	constructor(session: SessionClock, clockRateHz: number) {
		this.#session = session;
		this.#ticksPerUnit = TICKS_PER_SECOND / clockRateHz;
	}

	/** Places at which timestamps jumped. */
	get leaps(): number {
		return this.#leaps;
	}

	/** Whether a sender's report has put the stream on the session's clock. */
	get isSynchronized(): boolean {
		return this.#hasReport;
	}

	/**
	 * Takes the timestamp of the next packet in the stream's order.
	 * @param wrapped 32 bits
	 * @returns it unwrapped, as `ticks` takes it
	 */
	take(wrapped: number, arrivalMs: number): number {
		const timestamp = this.#unwrapper.unwrap(wrapped);
		const last = this.#last;
		this.#last = { timestamp, arrivalMs };
		if (last === undefined) {
			this.#anchorTo(timestamp, this.#session.atArrival(arrivalMs));
			if (this.#early) this.#report(this.#early, true);
			this.#early = undefined;
			return timestamp;
		}
		const advance = (timestamp - last.timestamp) * this.#ticksPerUnit;
		const passed = (arrivalMs - last.arrivalMs) * TICKS_PER_MS;
		if (Math.abs(advance - passed) > MOST_LEAP_TICKS) {
			this.#leaps++;
			this.#hasReport = false;
			this.#anchorTo(timestamp, this.ticks(last.timestamp) + Math.max(passed, 1));
		} else if (advance > 0) {
			const missing = this.#wanted - this.#offset;
			this.#offset += Math.max(-advance * SLEW, Math.min(advance * SLEW, missing));
		}
		return timestamp;
	}

	/** The session's time of an unwrapped timestamp; has fractions. */
	ticks(timestamp: number): number {
		return timestamp * this.#ticksPerUnit + this.#offset;
	}

	/** @param timestamp 32 bits */
	senderReport(ntp: NtpTime, timestamp: number): void {
		if (ntp.seconds === 0) return; // a sender without a wall clock
		const report = { ntpTicks: ticksOf(ntp), timestamp };
		if (this.#last === undefined) this.#early = report;
		else this.#report(report, false);
	}

	/** What follows has other timestamps: it begins where it comes. */
	restart(): void {
		this.#unwrapper = new Unwrapper(TIMESTAMP_BITS);
		this.#last = undefined;
		this.#hasReport = false;
		this.#early = undefined;
	}

	#anchorTo(timestamp: number, ticks: number): void {
		this.#offset = ticks - timestamp * this.#ticksPerUnit;
		this.#wanted = this.#offset;
	}

	/** @param isFresh nothing has been given yet: times may move at once */
	#report({ ntpTicks, timestamp }: Report, isFresh: boolean): void {
		const newest = this.#last!.timestamp;
		const reported = newest + ((timestamp - newest) | 0); // the nearest that has these 32 bits
		const reckoned = reported * this.#ticksPerUnit + this.#offset;
		const said = this.#session.atNtp(ntpTicks);
		const error = said === undefined ? 0 : said - reckoned;
		const isFirst = !this.#hasReport;
		this.#hasReport = true;
		if (said === undefined || Math.abs(error) > (isFirst ? MOST_FIRST_STEP_TICKS : MOST_CORRECTION_TICKS)) {
			this.#session.anchor(ntpTicks, reckoned);
			this.#wanted = this.#offset;
			return;
		}
		this.#wanted = this.#offset + error;
		if (isFresh || Math.abs(error) > MOST_CORRECTION_TICKS) this.#offset = this.#wanted;
	}
}
