/**
 * The steps from one picture to the next in a rendition: what is known of a picture's duration when a unit begins.
 */
import type { Ticks90k } from "../base/units.ts";

/** Before two pictures have come: 30 a second. */
const FIRST_GUESS = 3000 as Ticks90k;

export class PictureSteps {
	#before: number | undefined;
	/** Longest step of the unit that goes on. */
	#longest = 0;
	#known: Ticks90k = FIRST_GUESS;

	/** A picture inside a unit. */
	picture(dts: Ticks90k): void {
		if (this.#before !== undefined) this.#longest = Math.max(this.#longest, dts - this.#before);
		this.#before = dts;
	}

	/**
	 * The picture that opens a unit.
	 * @returns the longest step of the unit before. The step across the boundary counts only where that unit had one
	 * picture, for between two units the source may have been away
	 */
	unit(dts: Ticks90k): Ticks90k {
		if (this.#longest === 0) this.picture(dts);
		if (this.#longest > 0) this.#known = this.#longest as Ticks90k;
		this.#longest = 0;
		this.#before = dts;
		return this.#known;
	}
}
