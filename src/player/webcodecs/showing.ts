/** What is shown: draws frames, and keeps account of them for the page. */
import type { Clock } from "../../base/clock.ts";
import type { EpochMs, Milliseconds } from "../../base/units.ts";
import { ageMs } from "../../media/test-signal.ts";
import type { ShownRendition, SignalReading } from "../player-model.ts";
import { BarReader } from "./bar-reader.ts";
import type { WorkerMessage } from "./messages.ts";
import { Painter } from "./painter.ts";
import type { DecodedPicture } from "./picture-decoder.ts";

/** What is to be known of a frame when it is shown. */
export interface Shown {
	readonly rendition: ShownRendition;
	readonly unit: number | undefined;
}

export interface ShowingOptions {
	readonly clock: Clock;
	readonly canvas: OffscreenCanvas;
	readonly readSignal: boolean;
	readonly tell: (message: WorkerMessage) => void;
}

/** Readings are passed on so often, or when there are so many. */
const MOST_READINGS = 60;
/** Around a switch, sound that is missing is the switch's. */
const SWITCH_REACH_MS = 250;
/** A frame is not shown for longer; what is longer is a hole. */
const LONGEST_STEP_MS = 3000;
/** Of the offset of picture and sound, each frame changes so much. */
const OFFSET_SHARE = 0.1;

export class Showing {
	decoded = 0;
	dropped = 0;
	shown = 0;
	/** Of the latest frame, or of the sound where there are none; and when that was. */
	shownMs: number | undefined;
	shownAt: Milliseconds | undefined;
	audioVideoOffsetMs: number | undefined;
	readonly #options: ShowingOptions;
	readonly #painter: Painter;
	readonly #barReader: BarReader | undefined;
	readonly #holeNear: (ptsMs: number, withinMs: number) => number | undefined;
	#rendition: ShownRendition | undefined;
	#readings: SignalReading[] = [];
	#reading: Promise<void> = Promise.resolve();
	#stalled = false;
	/** From the frame before to the latest. */
	#stepMs = 0;

	constructor(options: ShowingOptions, holeNear: (ptsMs: number, withinMs: number) => number | undefined) {
		this.#options = options;
		this.#painter = new Painter(options.canvas);
		this.#barReader = options.readSignal ? new BarReader() : undefined;
		this.#holeNear = holeNear;
	}

	/** @param soundMs where the sound is that plays, if it does */
	show({ frame, ptsMs, about }: DecodedPicture<Shown>, now: Milliseconds, soundMs: Milliseconds | undefined): void {
		this.#painter.paint(frame);
		if (this.#barReader === undefined) frame.close();
		else {
			const [reader, wall] = [this.#barReader, this.#options.clock.wall()];
			this.#reading = this.#reading.then(() => this.#read(reader, frame, ptsMs, wall));
		}
		this.shown++;
		this.#noteOffset(soundMs === undefined ? undefined : ptsMs - soundMs);
		this.#progress(ptsMs, now);
		this.#noteRendition(about, ptsMs);
	}

	/** The sound is here, and there is no picture. */
	heard(positionMs: number, now: Milliseconds): void {
		this.#progress(positionMs, now);
	}

	/**
	 * Four times a second.
	 * @param stallMs where nothing is left to show: how long that may be, beyond a frame's own time
	 */
	look(now: Milliseconds, stallMs: number | undefined): void {
		this.#flushReadings();
		if (stallMs === undefined || this.shownAt === undefined || this.#stalled) return;
		if (now - this.shownAt <= stallMs + this.#stepMs) return;
		this.#stalled = true;
		this.#options.tell({ kind: "stall", playing: false });
	}

	#progress(positionMs: number, now: Milliseconds): void {
		const step = positionMs - (this.shownMs ?? positionMs);
		this.#stepMs = step > 0 && step < LONGEST_STEP_MS ? step : 0;
		if (this.shownAt === undefined) this.#options.tell({ kind: "started" });
		if (this.#stalled) this.#options.tell({ kind: "stall", playing: true });
		this.#stalled = false;
		this.shownAt = now;
		this.shownMs = positionMs;
	}

	#noteRendition({ rendition: to, unit }: Shown, ptsMs: number): void {
		const from = this.#rendition;
		if (from === to) return;
		this.#rendition = to;
		if (from !== undefined && same(from, to)) return;
		const audioGapSamples = this.#holeNear(ptsMs, SWITCH_REACH_MS);
		const gap = audioGapSamples === undefined ? {} : { audioGapSamples };
		this.#options.tell({ kind: "rendition-change", change: { from, to, unit, ptsMs, ...gap } });
	}

	#noteOffset(offset: number | undefined): void {
		const before = this.audioVideoOffsetMs;
		const isFirst = offset === undefined || before === undefined;
		this.audioVideoOffsetMs = isFirst ? offset : before + (offset - before) * OFFSET_SHARE;
	}

	/**
	 * Frames are read one behind the other, in order; one that cannot be read gives no reading.
	 * @param wall when it was drawn
	 */
	async #read(reader: BarReader, frame: VideoFrame, ptsMs: number, wall: EpochMs): Promise<void> {
		const { width, height } = frame.visibleRect!;
		const reading = await reader.read(frame).catch(() => undefined);
		frame.close();
		if (reading === undefined) return;
		const { counter, checksumOk } = reading;
		this.#readings.push({ counter, checksumOk, ageMs: ageMs(reading, wall), ptsMs, width, height });
		if (this.#readings.length >= MOST_READINGS) this.#flushReadings();
	}

	#flushReadings(): void {
		if (this.#readings.length === 0) return;
		this.#options.tell({ kind: "signal", readings: this.#readings });
		this.#readings = [];
	}
}

const same = (one: ShownRendition, other: ShownRendition): boolean =>
	one.name === other.name && one.width === other.width && one.height === other.height && one.codec === other.codec;
