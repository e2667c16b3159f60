/**
 * What a viewer that reports nothing probably has in its buffer (S11): a player that starts with a given buffer, plays
 * what has been acknowledged, waits when it runs dry, and hurries a little while it is later than it began.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";

/** What a player that ran dry gathers before it goes on, as a share of what it began with. */
const RESUME_SHARE = 0.5;
const HURRY = 1.05;

export class PlaybackModel {
	readonly #target: number;
	#at = 0;
	#begun = false;
	#playhead = 0;
	#media = 0;
	#playing = false;
	/** It has run dry before. */
	#hasStalled = false;

	/** @param buffer with which the player is taken to begin */
	constructor(buffer: Milliseconds) {
		this.#target = buffer;
	}

	/** Media that is there and not shown. */
	get buffer(): Milliseconds {
		return milliseconds(Math.max(0, this.#media - this.#playhead));
	}

	/**
	 * @param acknowledged up to where the media reaches that the viewer's side has, on the channel's clock
	 * @param live up to where it was handed over
	 */
	update(now: Milliseconds, acknowledged: Milliseconds, live: Milliseconds): void {
		if (!this.#begun) this.#playhead = acknowledged;
		this.#begun = true;
		this.#media = Math.max(this.#media, acknowledged);
		const passed = now - this.#at;
		this.#at = now;
		if (this.#playing) this.#play(passed, live);
		else this.#playing = this.buffer >= this.#target * (this.#hasStalled ? RESUME_SHARE : 1);
	}

	#play(passed: number, live: Milliseconds): void {
		const isLate = live - this.#playhead > this.#target;
		this.#playhead += passed * (isLate ? HURRY : 1);
		if (this.#playhead <= this.#media) return;
		this.#playhead = this.#media;
		this.#playing = false;
		this.#hasStalled = true;
	}
}
