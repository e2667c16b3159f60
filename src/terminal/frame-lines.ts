/**
 * FFmpeg's `framecrc` output: one line for each frame with its times and its size, which says where the next frame
 * begins in the raw bytes beside it.
 */
import { type Ticks90k, ticks90k } from "../base/units.ts";

export interface FrameLine {
	readonly pts: Ticks90k;
	readonly byteLength: number;
}

/** Longer lines are not FFmpeg's. */
const LONGEST_LINE = 1000;

/** Takes the text in pieces of any size. */
export class FrameLines {
	readonly #onFrame: (line: FrameLine) => void;
	#rest = "";
	/** Seconds of one tick, as the header says: "#tb 0: 1/90000". */
	#tick = { over: 1, under: 90_000 };

	constructor(onFrame: (line: FrameLine) => void) {
		this.#onFrame = onFrame;
	}

	push(text: string): void {
		const lines = (this.#rest + text).split("\n");
		this.#rest = lines.pop()!.slice(0, LONGEST_LINE);
		for (const line of lines) this.#line(line);
	}

	#line(line: string): void {
		const timeBase = /^#tb 0: (\d+)\/(\d+)/.exec(line);
		if (timeBase !== null) this.#tick = { over: Number(timeBase[1]), under: Number(timeBase[2]) };
		if (line === "" || line.startsWith("#")) return;
		// stream, DTS, PTS, duration, size, checksum
		const [, , pts, , byteLength] = line.split(",").map((field) => Number(field.trim()));
		if (pts === undefined || byteLength === undefined || !Number.isFinite(pts + byteLength)) return;
		const ticks = (pts * 90_000 * this.#tick.over) / this.#tick.under;
		this.#onFrame({ pts: ticks90k(Math.round(ticks)), byteLength });
	}
}
