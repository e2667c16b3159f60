/**
 * From FFmpeg's times to the channel's. FFmpeg is started many times in a channel's life, and each run begins at
 * whatever time its source has; to viewers it is one programme.
 *
 * Invariants: within one run, channel time = FFmpeg's time + one offset, the same for all renditions and audio; a run
 * begins at a multiple of the unit's duration (FFmpeg counts its key frames from there, so they lie on the channel's
 * grid), later than everything sent before it; no track ever goes back.
 * Pure: the caller says what time it is.
 */
import { PenstockError } from "../base/errors.ts";
import { type Milliseconds, TICKS_PER_MS, type Ticks90k, ticks90k } from "../base/units.ts";
import type { AccessUnit, AudioConfig } from "../media/access-unit.ts";
import { audioFrameSamples } from "../media/audio.ts";

/** The first picture of a channel lies here or later, so that no time of it is below zero. */
const FIRST_TIME = ticks90k(90_000);
/** Steps of DTS within one run beyond which the source's clock was set anew. */
const LONGEST_STEP_FORWARD = ticks90k(10 * 90_000);
const LONGEST_STEP_BACK = ticks90k(90_000);
/** FLV rounds to whole milliseconds; a stamp this far from the sample count is another time, not rounding. */
const AUDIO_TOLERANCE = ticks90k(1.5 * TICKS_PER_MS);
/** 13 hours. It divides the periods of all pipes: FLV's 2³¹ ms and the 2³³ ticks of MPEG-TS (IVF has none). */
const COMMON_PERIOD = 2 ** 32;

/** The channel's clock over all runs. */
export class Timeline {
	readonly #unit: number;
	/** The latest time sent of any track, and when that was. */
	#latest: { readonly time: number; readonly sentAt: Milliseconds } | undefined;
	readonly #lastOfTrack = new Map<string, number>();
	/** What the rounding of the runs so far kept back (positive) or went ahead (negative), for the next one to even out. */
	#owed = 0;

	constructor(unitDuration: Milliseconds) {
		this.#unit = unitDuration * TICKS_PER_MS;
	}

	/**
	 * Opens a run.
	 * @param start FFmpeg's time of the key picture with which every rendition begins
	 */
	beginRun(start: Ticks90k, now: Milliseconds): RunTimeline {
		return new RunTimeline(this, this.#nextLine(now) - start);
	}

	/** For `RunTimeline`: the last DTS of this track, in channel time. */
	lastOf(track: string): number | undefined {
		return this.#lastOfTrack.get(track);
	}

	/** For `RunTimeline`. */
	sent(track: string, dts: Ticks90k, now: Milliseconds): void {
		this.#lastOfTrack.set(track, dts);
		if (this.#latest === undefined || dts > this.#latest.time) this.#latest = { time: dts, sentAt: now };
	}

	/**
	 * Ahead of what was sent by the time that has passed since, to the nearest line between units. What is lost or won
	 * by that is carried on, so that live delay stays within half a unit however many runs there are.
	 */
	#nextLine(now: Milliseconds): number {
		const unit = this.#unit;
		if (this.#latest === undefined) return Math.ceil(FIRST_TIME / unit) * unit;
		const { time, sentAt } = this.#latest;
		const least = (Math.floor(time / unit) + 1) * unit;
		const due = time + (now - sentAt) * TICKS_PER_MS + this.#owed;
		const line = Math.max(least, Math.round(due / unit) * unit);
		this.#owed = due - line;
		return line;
	}
}

/** One run's part of the channel's clock. */
export class RunTimeline {
	readonly #timeline: Timeline;
	/** What is added to FFmpeg's times. */
	readonly offset: number;
	readonly #lastInput = new Map<string, number>();
	readonly #sampleClocks = new Map<string, SampleClock>();

	constructor(timeline: Timeline, offset: number) {
		this.#timeline = timeline;
		this.offset = offset;
	}

	/** @throws PenstockError SOURCE_TIMESTAMPS */
	placeVideo(track: string, accessUnit: AccessUnit, now: Milliseconds): AccessUnit {
		this.#checkStep(track, accessUnit.dts);
		const dts = this.#after(track, accessUnit.dts + this.offset);
		const pts = ticks90k(Math.max(dts, accessUnit.pts + this.offset));
		this.#timeline.sent(track, dts, now);
		return { ...accessUnit, pts, dts };
	}

	/**
	 * As `placeVideo`; times become exact sums of the frames' samples where the stamps agree with that.
	 * @throws PenstockError SOURCE_TIMESTAMPS
	 */
	placeAudio(track: string, accessUnit: AccessUnit, config: AudioConfig, now: Milliseconds): AccessUnit {
		let clock = this.#sampleClocks.get(track);
		if (clock === undefined) {
			clock = new SampleClock();
			this.#sampleClocks.set(track, clock);
		}
		this.#checkStep(track, accessUnit.dts);
		const exact = clock.next(accessUnit.dts, config.sampleRateHz, audioFrameSamples(config, accessUnit.data));
		const time = this.#after(track, Math.round(exact) + this.offset);
		this.#timeline.sent(track, time, now);
		return { ...accessUnit, pts: time, dts: time };
	}

	/** What comes next of this track may lie anywhere behind what came: it was away. */
	forget(track: string): void {
		this.#lastInput.delete(track);
	}

	/** Two stamps in the same millisecond, or a small step back, come to lie one tick apart. */
	#after(track: string, time: number): Ticks90k {
		return ticks90k(Math.max(time, (this.#timeline.lastOf(track) ?? Number.NEGATIVE_INFINITY) + 1));
	}

	#checkStep(track: string, input: Ticks90k): void {
		const last = this.#lastInput.get(track);
		this.#lastInput.set(track, input);
		if (last === undefined) return;
		const step = input - last;
		if (step <= LONGEST_STEP_FORWARD && step >= -LONGEST_STEP_BACK) return;
		throw new PenstockError(
			"SOURCE_TIMESTAMPS",
			`the time stamps of ${track} went from ${Math.round(last / TICKS_PER_MS)} ms to ${Math.round(input / TICKS_PER_MS)} ms at once; the source's clock was set anew, and the ladder is started afresh.`,
		);
	}
}

/** Counts samples from an anchor, so that frames of 1024 samples are exactly that far apart. */
class SampleClock {
	#anchor = 0;
	#samples = 0;
	#rateHz = 0;

	/**
	 * @param samples how long the frame plays
	 * @returns the time of the frame with this stamp, in 90 kHz ticks and fractions
	 */
	next(stamp: Ticks90k, rateHz: number, samples: number): number {
		const expected = this.#anchor + (this.#samples * 90_000) / rateHz;
		if (this.#rateHz !== rateHz || Math.abs(stamp - expected) > AUDIO_TOLERANCE) {
			this.#anchor = stamp;
			this.#rateHz = rateHz;
			this.#samples = samples;
			return stamp;
		}
		this.#samples += samples;
		return expected;
	}
}

/**
 * Brings the times of a run's pipes together. Each FLV stream says its time modulo 2³¹ ms, and audio that begins 21 ms
 * below zero says 2147483627; MPEG-TS says it modulo 2³³ ticks. So two pipes can be told apart modulo what divides both
 * periods, and the first of a stream is taken as the nearest to the first of all.
 */
export class PipeTimes {
	#reference: number | undefined;
	readonly #shifts = new Map<string, number>();

	place(track: string, accessUnit: AccessUnit): AccessUnit {
		let shift = this.#shifts.get(track);
		if (shift === undefined) {
			this.#reference ??= accessUnit.dts;
			shift = Math.round((this.#reference - accessUnit.dts) / COMMON_PERIOD) * COMMON_PERIOD;
			this.#shifts.set(track, shift);
		}
		if (shift === 0) return accessUnit;
		return { ...accessUnit, pts: ticks90k(accessUnit.pts + shift), dts: ticks90k(accessUnit.dts + shift) };
	}
}
