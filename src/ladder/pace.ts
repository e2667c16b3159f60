/**
 * How fast an encoder runs now, from its progress: media made in the last seconds, by those seconds. FFmpeg's own figure
 * is the mean since its start, which begins far too low and hides for minutes that it has become too slow.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

interface Mark {
	readonly at: Milliseconds;
	/** How far the output has come, by its own time. */
	readonly media: Milliseconds;
}

/** Progress comes once a second, and a source in real time moves by whole frames: less than this says little. */
const SHORTEST_MS = 3000;
const LONGEST_MS = 5500;

export class Pace {
	#marks: Mark[] = [];

	/** @param media 0 or less: nothing has come out yet */
	note(at: Milliseconds, media: Milliseconds): void {
		if (media <= 0) return;
		// A source that begins again: its time says nothing of what was before.
		if (media < (this.#marks.at(-1)?.media ?? 0)) this.#marks = [];
		this.#marks.push({ at, media: milliseconds(media) });
		while (at - this.#marks[0]!.at > LONGEST_MS) this.#marks.shift();
	}

	/** 1 is real time; undefined for the first seconds. */
	get speed(): number | undefined {
		const [first, last] = [this.#marks[0], this.#marks.at(-1)];
		if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return undefined;
		return (last.media - first.media) / (last.at - first.at);
	}
}
