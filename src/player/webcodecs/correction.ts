/**
 * How a player that holds too much or too little comes to what it aims at: small errors by playing up to 1 % faster or
 * slower, which nobody hears; large ones at once, since 1 % would take minutes. The same for sound and for picture.
 */

/** Beyond it is cut; beyond this share of the target where that is more. */
const CUT_MS = 80;
const CUT_SHARE = 0.4;
/** Below it nothing is done, and a correction that goes on ends at `DONE_MS`: sound stays as it is most of the time. */
const START_MS = 8;
const DONE_MS = 2;
const MOST_RATE = 0.01;
/** An error of so many milliseconds takes the whole of `MOST_RATE`. */
const FULL_RATE_MS = 20;

export type Correction =
	| { readonly kind: "cut" }
	/** 1, or up to 1 % more or less. */
	| { readonly kind: "rate"; readonly rate: number };

export class Corrector {
	#correcting = false;

	/** @param tooMuchMs held beyond the target; below 0 where it is too little */
	correct(tooMuchMs: number, targetMs: number): Correction {
		if (tooMuchMs > mostOffMs(targetMs)) {
			this.#correcting = false;
			return { kind: "cut" };
		}
		const size = Math.abs(tooMuchMs);
		this.#correcting = size > (this.#correcting ? DONE_MS : START_MS);
		if (!this.#correcting) return { kind: "rate", rate: 1 };
		const share = Math.max(-1, Math.min(1, tooMuchMs / FULL_RATE_MS));
		return { kind: "rate", rate: 1 + MOST_RATE * share };
	}
}

/** What is farther off the target is not mended by speed. */
export const mostOffMs = (targetMs: number): number => Math.max(CUT_MS, CUT_SHARE * targetMs);
