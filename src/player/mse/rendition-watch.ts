/**
 * Which unit, and of which rendition, is on show: knows where on the element's timeline each unit begins, and notices
 * when the first picture of another rendition is presented. Pure.
 */
import type { RenditionChange, ShownRendition } from "../player-model.ts";
import type { UnitNotice } from "./media-piece.ts";

/** A presented picture's time is in microseconds. */
const GRAIN_SECONDS = 0.001;
/** Units that were announced and not shown yet; a connection brings some in one go, a stopped element lets them gather. */
const MOST_UNITS = 1000;

export class RenditionWatch {
	/** The one on show first. */
	#units: UnitNotice[] = [];
	#shown: ShownRendition | undefined;
	/** Of the picture presented last. */
	#presentedAt = Number.NEGATIVE_INFINITY;

	/** @returns the change, where a picture of this unit was presented before this was known: a busy page hears late */
	announce(notice: UnitNotice): RenditionChange | undefined {
		// What steps back takes the place of what was there.
		while (this.#units.length > 1 && this.#units.at(-1)!.atSeconds > notice.atSeconds) this.#units.pop();
		this.#units.push(notice);
		if (this.#units.length > MOST_UNITS) this.#units.shift();
		return this.presented(this.#presentedAt);
	}

	/** The timeline begins anew; what is shown stays so until the next picture. */
	begin(): void {
		this.#units = [];
		this.#presentedAt = Number.NEGATIVE_INFINITY;
	}

	/** Milliseconds on the channel's clock; undefined before the first unit. */
	ptsMs(seconds: number): number | undefined {
		const unit = this.#unitAt(seconds) ?? this.#units[0];
		return unit === undefined ? undefined : unit.ptsMs + (seconds - unit.atSeconds) * 1000;
	}

	get pictureSeconds(): number | undefined {
		return this.#units[0]?.pictureSeconds;
	}

	/** The picture at `seconds` is presented. @returns the change, where it is of another rendition than the one before */
	presented(seconds: number): RenditionChange | undefined {
		this.#presentedAt = seconds;
		const unit = this.#unitAt(seconds + GRAIN_SECONDS);
		if (unit === undefined) return undefined;
		this.#units.splice(0, this.#units.indexOf(unit));
		const [from, to] = [this.#shown, unit.rendition];
		this.#shown = to;
		if (from !== undefined && isSame(from, to)) return undefined;
		const { unit: number, ptsMs, audioGapSamples } = unit;
		return { from, to, unit: number, ptsMs, ...(audioGapSamples !== undefined && { audioGapSamples }) };
	}

	#unitAt(seconds: number): UnitNotice | undefined {
		return this.#units.findLast(({ atSeconds }) => atSeconds <= seconds);
	}
}

const isSame = (one: ShownRendition, other: ShownRendition): boolean =>
	one.name === other.name && one.width === other.width && one.height === other.height && one.codec === other.codec;
