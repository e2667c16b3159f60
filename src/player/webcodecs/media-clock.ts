/**
 * Where in the media a player is. Two masters: the sound, where it plays (`follow`); else the wall clock, behind what
 * arrives (`aim`). Never runs back by itself: only where its master says so.
 */
import type { Milliseconds } from "../../base/units.ts";
import { Corrector, mostOffMs } from "./correction.ts";

/** A reading of the sound's that is off by more is believed at once. */
const STEP_MS = 60;
/** Else this share of it: readings come by a queue of messages, and with a sound card's pace. */
const FOLLOW_SHARE = 0.1;

export class MediaClock {
	readonly #corrector = new Corrector();
	#anchor: { readonly positionMs: number; readonly at: number } | undefined;
	#rate = 1;

	/** 0 where it is held. */
	get rate(): number {
		return this.#rate;
	}

	/** Undefined before it was set. */
	position(now: Milliseconds): number | undefined {
		return this.#anchor === undefined ? undefined : this.#anchor.positionMs + (now - this.#anchor.at) * this.#rate;
	}

	/** Times begin anew. */
	reset(): void {
		this.#anchor = undefined;
		this.#rate = 1;
	}

	set(positionMs: number, now: Milliseconds): void {
		this.#anchor = { positionMs, at: now };
	}

	/** The sound is here now, and plays at this rate. */
	follow(soundMs: number, rate: number, now: Milliseconds): void {
		const position = this.position(now) ?? soundMs;
		const off = soundMs - position;
		this.set(Math.abs(off) > STEP_MS ? soundMs : position + off * FOLLOW_SHARE, now);
		this.#rate = rate;
	}

	/** It stands until its master goes on. */
	hold(now: Milliseconds): void {
		const position = this.position(now);
		if (position !== undefined) this.set(position, now);
		this.#rate = 0;
	}

	/** By the wall clock: it should be here now, which is `targetMs` behind what arrives. */
	aim(wantedMs: number, targetMs: number, now: Milliseconds): void {
		const position = this.position(now);
		const tooFarBack = wantedMs - (position ?? Number.NEGATIVE_INFINITY);
		const correction = this.#corrector.correct(tooFarBack, targetMs);
		const isAhead = tooFarBack < -mostOffMs(targetMs);
		this.#rate = correction.kind === "rate" && !isAhead ? correction.rate : 1;
		this.set(position === undefined || isAhead || correction.kind === "cut" ? wantedMs : position, now);
	}
}
