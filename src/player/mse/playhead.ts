/**
 * Plays a `<video>` element close behind what comes: begins when enough is there, holds the delay (`LatencyController`),
 * jumps over holes, and gets over what browsers do to elements by themselves.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import type { Milliseconds } from "../../base/units.ts";
import { placeBefore, placeBehindHole } from "./buffered-place.ts";
import { LatencyController } from "./latency-controller.ts";

export interface PlayheadEvents {
	/** `playing` false: nothing is left to show. */
	stall(playing: boolean): void;
	/** The browser allows no sound before a gesture; it goes on muted. Where it allows nothing at all: stands still. */
	autoplayRefused(isMuted: boolean): void;
	/** It was moved forward over this much. */
	jumped(seconds: number): void;
}

/** What the sound of an element needs in hand not to run dry is more than what pictures need. */
const TARGET_MS = { withSound: 135, pictureOnly: 80 } as const;
/** To begin: a browser that runs dry at its beginning takes more in hand than it ever gives back. */
const TO_BEGIN_MS = { withSound: 250, pictureOnly: 80 } as const;
const LOOK_MS = 50;
/** In hand behind a hole before it is jumped. */
const BEHIND_HOLE_SECONDS = 0.08;

export class Playhead {
	readonly #video: HTMLVideoElement;
	readonly #clock: Clock;
	readonly #events: PlayheadEvents;
	readonly #wantedMs: number | undefined;
	readonly #controller: LatencyController;
	readonly #listening = new AbortController();
	#timer: Timer | undefined;
	#lookedAt: Milliseconds | undefined;
	#state: "none" | "filling" | "beginning" | "playing" | "stalled" = "none";
	#hasSound = false;

	constructor(video: HTMLVideoElement, clock: Clock, targetMs: number | undefined, events: PlayheadEvents) {
		this.#video = video;
		this.#clock = clock;
		this.#events = events;
		this.#wantedMs = targetMs;
		this.#controller = new LatencyController(targetMs ?? TARGET_MS.pictureOnly);
		const { signal } = this.#listening;
		video.addEventListener("playing", () => this.#onPlaying(), { signal });
		video.addEventListener("waiting", () => this.#onWaiting(), { signal });
		video.addEventListener("pause", () => this.#onPause(), { signal });
		video.addEventListener("play", () => this.#onPlay(), { signal });
		this.#keepLooking();
	}

	/** Media in front of the element, in milliseconds. */
	get lagMs(): number {
		const end = this.#end;
		return end === undefined ? 0 : Math.max(0, (end - this.#video.currentTime) * 1000);
	}

	/** Up to where all tracks have come, in seconds: as the element sees it, for a busy page hears of it late. */
	get #end(): number | undefined {
		const { buffered } = this.#video;
		return buffered.length === 0 ? undefined : buffered.end(buffered.length - 1);
	}

	/** The element has a new source. */
	begin(hasSound: boolean): void {
		this.#hasSound = hasSound;
		this.#state = "filling";
		this.#controller.aim(this.#wantedMs ?? (hasSound ? TARGET_MS.withSound : TARGET_MS.pictureOnly));
	}

	/** The source has more. Timers are slow in a page that nobody sees; this is not. */
	appended(): void {
		if (this.#lookedAt === undefined || this.#clock.now() - this.#lookedAt >= LOOK_MS) this.#look();
	}

	/** The viewer is back: close to what comes at once, if it has fallen behind. */
	hasten(): void {
		this.#controller.hasten();
		this.resume();
		this.#look();
	}

	/** Within a gesture of the user's, or seen again: what the browser forbade before may be allowed. */
	resume(): void {
		if (this.#video.paused && this.#state !== "none" && this.#state !== "filling") this.#play();
	}

	destroy(): void {
		this.#state = "none";
		this.#timer?.cancel();
		this.#listening.abort();
	}

	#keepLooking(): void {
		this.#timer = this.#clock.after(LOOK_MS, () => {
			this.#keepLooking();
			this.#look();
		});
	}

	#look(): void {
		const end = this.#end;
		if (this.#state === "none" || end === undefined) return;
		const now = this.#clock.now();
		this.#lookedAt = now;
		if (this.#state === "filling") this.#beginIfFilled(end);
		else this.#hold(end, now);
	}

	#hold(end: number, now: Milliseconds): void {
		if (this.#video.seeking || this.#video.paused || this.#video.ended) return;
		if (this.#jumpHole(end)) return;
		if (this.#state === "beginning") return;
		const step = this.#controller.look(this.lagMs, now);
		if (step.kind === "jump") this.#jumpTo(placeBefore(this.#video.buffered, end, step.lagMs / 1000));
		// A browser that ran dry waits until it has more than it needs: only a jump helps there.
		else if (this.#state === "playing" && this.#video.playbackRate !== step.rate) {
			this.#video.playbackRate = step.rate;
		}
	}

	#beginIfFilled(end: number): void {
		const needed = this.#hasSound ? TO_BEGIN_MS.withSound : TO_BEGIN_MS.pictureOnly;
		const lagSeconds = Math.max(needed, this.#controller.targetMs) / 1000;
		const { buffered } = this.#video;
		const start = placeBefore(buffered, end, Number.POSITIVE_INFINITY);
		if (start === undefined || end - start < lagSeconds) return;
		this.#state = "beginning";
		this.#video.playbackRate = 1;
		this.#video.currentTime = placeBefore(buffered, end, lagSeconds)!;
		this.#play();
	}

	/** @returns whether there was one */
	#jumpHole(end: number): boolean {
		const place = placeBehindHole(this.#video.buffered, this.#video.currentTime);
		if (place === undefined || end - place < BEHIND_HOLE_SECONDS) return false;
		this.#jumpTo(Math.max(place, placeBefore(this.#video.buffered, end, this.#controller.targetMs / 1000) ?? 0));
		return true;
	}

	#jumpTo(place: number | undefined): void {
		if (place === undefined) return;
		const from = this.#video.currentTime;
		this.#controller.forget();
		this.#video.playbackRate = 1;
		this.#video.currentTime = place;
		if (place > from) this.#events.jumped(place - from);
	}

	#play(): void {
		this.#video.play().catch((error: unknown) => {
			const isRefused = error instanceof DOMException && error.name === "NotAllowedError";
			if (isRefused && this.#state !== "none") this.#refused();
		});
	}

	#refused(): void {
		const wasMuted = this.#video.muted;
		this.#video.muted = true;
		this.#events.autoplayRefused(!wasMuted);
		if (!wasMuted) this.#play();
	}

	/** Some browsers stop an element that gets its sound without a gesture. */
	#onPause(): void {
		const isForbidden = !this.#video.muted && !navigator.userActivation.hasBeenActive;
		if (this.#state !== "none" && this.#state !== "filling" && !this.#video.ended && isForbidden) this.#refused();
	}

	/** By somebody else, after a pause that was not ours. */
	#onPlay(): void {
		if (this.#state === "playing" || this.#state === "stalled") this.#controller.hasten();
	}

	#onPlaying(): void {
		const wasStalled = this.#state === "stalled";
		if (this.#state === "beginning" || wasStalled) this.#state = "playing";
		this.#controller.forget();
		this.#video.playbackRate = 1;
		if (wasStalled) this.#events.stall(true);
	}

	#onWaiting(): void {
		if (this.#state !== "playing" || this.#video.seeking || this.#video.ended) return;
		this.#state = "stalled";
		this.#controller.stalled();
		this.#events.stall(false);
	}
}
