/**
 * Holds a `<video>` element close behind what has come: by its playback rate where it is a little off, by one jump where
 * it is far off. How close it dares to be it learns: each time that nothing is left to show it keeps more in hand, and
 * slowly less again. Pure.
 *
 * It looks at the least lag of the last second: media comes in bursts, and between two of them the lag falls by
 * as much as the burst is long. What must not reach zero is the least.
 */
import type { Milliseconds } from "../../base/units.ts";

const WINDOW_MS = 1000;
/** Seen for less, the least is not known yet. */
const SETTLE_MS = 200;
/**
 * Off by less is well, or by less than this share of a wide target; a chase ends at a quarter of that. Between chases
 * sound is as it was made.
 */
const CHASE_FROM_MS = 20;
const CHASE_FROM_SHARE = 0.1;
const SLOWEST = 0.95;
const FASTEST = 1.1;
/** Where the way is long. */
const FASTEST_FAR = 1.25;
const FAR_MS = 200;
/** Farther behind the target it jumps; behind a wide one, by this share of it. */
const JUMP_MS = 400;
const JUMP_SHARE = 0.5;
/** The same where the viewer has just come back, and sees a jump anyway. */
const JUMP_ON_RETURN_MS = 150;
/** A jump costs a moment without media's progress, in which the lag grows: the next one has to wait. */
const JUMPS_APART_MS = 3000;
/** What a stall adds to the target, up to the most; taken back a millisecond at a time. */
const WIDEN_MS = 50;
const WIDEST_MS = 400;
const NARROW_PER_SECOND_MS = 2;
/** Time without looks that is not the target's to narrow by: the page slept. */
const LONGEST_LOOK_MS = 1000;

export type LatencyStep =
	| { readonly kind: "rate"; readonly rate: number }
	/** To this far behind the end. */
	| { readonly kind: "jump"; readonly lagMs: number };

export class LatencyController {
	#least: number;
	#target: number;
	/** What each would have been without what the rate has gained since the beginning. */
	#lags: { readonly at: Milliseconds; readonly lagMs: number }[] = [];
	#rate = 1;
	#gainedMs = 0;
	#chasing = false;
	#jumpedAt: Milliseconds | undefined;
	#hasty = false;
	#lookedAt: Milliseconds | undefined;

	constructor(targetMs: number) {
		this.#least = targetMs;
		this.#target = targetMs;
	}

	/** What it aims at now. */
	get targetMs(): number {
		return this.#target;
	}

	/** It aims at this when all is well; what was learnt on top is kept. */
	aim(targetMs: number): void {
		this.#target = Math.min(Math.max(WIDEST_MS, targetMs), this.#target + targetMs - this.#least);
		this.#least = targetMs;
		this.forget();
	}

	/** Nothing was left to show. */
	stalled(): void {
		this.#target = Math.max(this.#target, Math.min(this.#target + WIDEN_MS, WIDEST_MS));
		this.forget();
	}

	/** What was seen says nothing of what comes: the element was moved, or begins. */
	forget(): void {
		this.#lags = [];
		this.#chasing = false;
		this.#rate = 1;
	}

	/** Jumps at the next look if it is off by more than a chase mends soon: the page was hidden, or slept. */
	hasten(): void {
		this.forget();
		this.#jumpedAt = undefined;
		this.#hasty = true;
	}

	/** @param lagMs media in front of the element */
	look(lagMs: number, now: Milliseconds): LatencyStep {
		this.#timePasses(now);
		const seen = { at: now, lagMs: lagMs + this.#gainedMs };
		this.#lags = [...this.#lags.filter(({ at }) => now - at < WINDOW_MS), seen];
		const least = Math.min(...this.#lags.map((lag) => lag.lagMs)) - this.#gainedMs;
		const off = least - this.#target;
		const mayJump = this.#jumpedAt === undefined || now - this.#jumpedAt > JUMPS_APART_MS;
		const jumpFrom = this.#hasty ? JUMP_ON_RETURN_MS : Math.max(JUMP_MS, this.#least * JUMP_SHARE);
		this.#hasty = false;
		if (mayJump && off > jumpFrom) {
			this.forget();
			this.#jumpedAt = now;
			return { kind: "jump", lagMs: this.#target };
		}
		this.#rate = now - this.#lags[0]!.at < SETTLE_MS ? 1 : this.#rateFor(off);
		return { kind: "rate", rate: this.#rate };
	}

	#rateFor(off: number): number {
		const chaseFrom = Math.max(CHASE_FROM_MS, this.#least * CHASE_FROM_SHARE);
		this.#chasing = Math.abs(off) > (this.#chasing ? chaseFrom / 4 : chaseFrom);
		if (!this.#chasing) return 1;
		const fastest = off > FAR_MS ? FASTEST_FAR : FASTEST;
		// In steps of a hundredth, for each change costs the browser's sound a little; at least one step.
		const rate = 1 + (Math.sign(off) * Math.max(1, Math.round(Math.abs(off) / 10))) / 100;
		return Math.min(fastest, Math.max(SLOWEST, rate));
	}

	#timePasses(now: Milliseconds): void {
		const passed = Math.min(LONGEST_LOOK_MS, now - (this.#lookedAt ?? now));
		this.#lookedAt = now;
		this.#gainedMs += passed * (this.#rate - 1);
		this.#target = Math.max(this.#least, this.#target - (passed * NARROW_PER_SECOND_MS) / 1000);
	}
}
