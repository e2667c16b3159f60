/** Sees each picture as it is presented: of which rendition it is, what the test signal in it says, how it fits the sound. */
import type { Clock } from "../../base/clock.ts";
import type { RenditionChange, SignalReading } from "../player-model.ts";
import type { UnitNotice } from "./media-piece.ts";
import { RenditionWatch } from "./rendition-watch.ts";
import { SignalEye } from "./signal-eye.ts";

export interface FrameWatchEvents {
	/** The first of all. */
	first(): void;
	renditionChange(change: RenditionChange): void;
}

/** Where no picture is presented, nobody sees it (or there is only sound): told this much late. */
const UNSEEN_SECONDS = 0.3;
/** Readings between two takes; a page that takes none has no use for them. */
const MOST_READINGS = 1000;
/** Offsets of which the middle one counts. */
const OFFSETS = 31;

export class FrameWatch {
	readonly #video: HTMLVideoElement;
	readonly #clock: Clock;
	readonly #events: FrameWatchEvents;
	readonly #eye: SignalEye | undefined;
	readonly #watch = new RenditionWatch();
	#callback: number | undefined;
	#seen = false;
	#mediaTime: number | undefined;
	#readings: SignalReading[] = [];
	#offsetsMs: number[] = [];

	constructor(video: HTMLVideoElement, clock: Clock, readSignal: boolean, events: FrameWatchEvents) {
		this.#video = video;
		this.#clock = clock;
		this.#events = events;
		this.#eye = readSignal ? new SignalEye() : undefined;
		this.#next();
	}

	announce(notice: UnitNotice): void {
		this.#tell(this.#watch.announce(notice));
	}

	/** The element has a new source. */
	begin(): void {
		this.#watch.begin();
		this.#mediaTime = undefined;
		this.#offsetsMs = [];
	}

	/** For where no picture is presented. */
	look(): void {
		const unseen = this.#video.currentTime - UNSEEN_SECONDS;
		if (unseen > (this.#mediaTime ?? 0)) this.#passed(unseen);
	}

	get positionMs(): number | undefined {
		return this.#watch.ptsMs(this.#video.currentTime);
	}

	/** From one picture to the next. */
	get pictureSeconds(): number | undefined {
		return this.#watch.pictureSeconds;
	}

	/** The picture's time less that of the sound (the element's own clock) when it is presented: the middle one of late. */
	get offsetMs(): number | undefined {
		return this.#offsetsMs.toSorted((a, b) => a - b)[Math.floor(this.#offsetsMs.length / 2)];
	}

	takeReadings(): readonly SignalReading[] {
		const readings = this.#readings;
		this.#readings = [];
		return readings;
	}

	destroy(): void {
		if (this.#callback !== undefined) this.#video.cancelVideoFrameCallback(this.#callback);
	}

	#next(): void {
		this.#callback = this.#video.requestVideoFrameCallback((now, metadata) => {
			this.#next();
			this.#presented(now, metadata);
		});
	}

	#presented(now: number, { mediaTime, expectedDisplayTime, width, height }: VideoFrameCallbackMetadata): void {
		if (mediaTime === this.#mediaTime) return; // painted again
		this.#mediaTime = mediaTime;
		if (!this.#seen) this.#events.first();
		this.#seen = true;
		this.#passed(mediaTime);
		const soundSeconds = this.#video.currentTime + ((expectedDisplayTime - now) / 1000) * this.#video.playbackRate;
		this.#offsetsMs = [...this.#offsetsMs.slice(1 - OFFSETS), (mediaTime - soundSeconds) * 1000];
		if (this.#eye === undefined || this.#readings.length >= MOST_READINGS) return;
		const ptsMs = this.#watch.ptsMs(mediaTime) ?? 0;
		this.#readings.push({ ...this.#eye.read(this.#video, this.#clock.wall()), ptsMs, width, height });
	}

	#passed(seconds: number): void {
		this.#tell(this.#watch.presented(seconds));
	}

	#tell(change: RenditionChange | undefined): void {
		if (change !== undefined) this.#events.renditionChange(change);
	}
}
